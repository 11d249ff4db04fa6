"""What a command says of an import: JSON object, exit status, progress bar. The keys are a promise to scripts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import close_old_connections

from tagsync.imports.models import ImportJob
from tagsync.imports.problems import sentence
from tagsync.imports.problems.groups import groups
from tagsync.imports.sending.remarks import remarked
from tagsync.imports.sending.unanswered import UNTOLD, counted_by_status
from tagsync.imports.states import NEVER_SENT, RESTING, JobStatus, RowStatus
from tagsync.terminal import COULD_NOT_RUN, ENDED_OTHERWISE

POLL_SECONDS = 0.3
BAR_WIDTH = 30
ROW_KEYS = ("waiting", "accepted", "rejected", "in_doubt", "to_fix", "duplicate", "left_out", "superseded")

ALL_ACCEPTED = 0


def report(job: ImportJob) -> dict[str, Any]:
    rows = {key: job.count(RowStatus(key)) for key in ROW_KEYS}
    found = remarked(job)
    return {
        "import": job.pk,
        "status": "blocked" if job.is_blocked else job.status,
        "rows": {"total": sum(rows.values()), **rows},
        "may_have_been_applied": _maybe_applied(job),
        "accepted_with_remarks": {**found._asdict(), "words": list(found.words)},
        "calls": job.deliveries.count(),
        "file": {
            "rows": job.rows_in_file,
            "above_header": [number for number in job.heading if number != job.header_row],
            "header_row": job.header_row or 0,
            "read": job.total,
            "left_hidden": job.rows_left_hidden,
            "blank": job.blank_rows,
        },
        "notices": notices(job),
        "problems": [
            {
                "code": group.problem.code,
                "message": sentence(group.problem.code, group.problem.params).title,
                "rows": group.rows,
                "first_row": group.first_row,
            }
            for group in groups(job, examples=False)
        ],
    }


def notices(job: ImportJob) -> list[dict[str, Any]]:
    """What the check noticed that stops no row, with the first rows of each."""
    return [
        {
            "code": one["code"],
            "message": sentence(one["code"], one["params"]).title,
            **{name: one["params"][name] for name in ("column",) if name in one["params"]},
            "rows": one["rows"],
            "first_rows": [example[0] for example in one["examples"]],
        }
        for one in job.check_summary.get("warnings", [])
    ]


def _maybe_applied(job: ImportJob) -> dict[str, int]:
    """Of which rows nobody knows whether the platform applied them: a call that carried them got no answer."""
    unanswered = counted_by_status(job)
    return {"in_doubt": job.count(RowStatus.IN_DOUBT), **{str(state): unanswered.get(state, 0) for state in UNTOLD}}


def exit_status(job: ImportJob) -> int:
    if job.status == JobStatus.UNREADABLE:
        return COULD_NOT_RUN
    sendable = job.total - sum(job.count(status) for status in NEVER_SENT)
    done = job.status == JobStatus.FINISHED and job.count(RowStatus.ACCEPTED) == sendable
    return ALL_ACCEPTED if done else ENDED_OTHERWISE


def wait_until(job: ImportJob, rests: Callable[[ImportJob], bool], *, label: str) -> None:
    """Look at the import until it rests; a bar on a terminal, silence elsewhere."""
    bar = sys.stderr.isatty()
    while True:
        job.refresh_from_db()
        if bar:
            _draw(job, label)
        if rests(job):
            break
        close_old_connections()
        time.sleep(POLL_SECONDS)
    if bar:
        sys.stderr.write("\n")


def is_over(job: ImportJob) -> bool:
    """It will not move without a person: ended, or on a connection that is blocked."""
    return job.status in RESTING or job.is_blocked


def is_checked(job: ImportJob) -> bool:
    return job.status != JobStatus.CHECKING


def _draw(job: ImportJob, label: str) -> None:
    sendable = job.total - sum(job.count(status) for status in NEVER_SENT)
    settled = sendable - job.count(RowStatus.WAITING)
    share = settled / sendable if sendable else 0.0
    filled = round(share * BAR_WIDTH)
    bar = "█" * filled + "░" * (BAR_WIDTH - filled)
    sys.stderr.write(f"\r{label} {bar} {settled:,} / {sendable:,} ")
    sys.stderr.flush()
