"""What is told of an import to those who do not look at its page: a screen reader's user, and the tab of the browser.

A new sentence comes only when something new happened.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _

from tagsync.database import shown_now
from tagsync.imports.models import ImportJob
from tagsync.imports.states import ENDED, JobStatus
from tagsync.web.record.progress import Standing
from tagsync.web.ui.statuses import JOB_LOOKS

# Who opens a page of last week is not told again what its headline says.
JUST_ENDED = timedelta(seconds=60)


def announcement(job: ImportJob, standing: Standing, status: str, headline: str) -> str:
    """The sentence of this moment; it changes at the start, each 25 %, the first failure and the end.

    `status` is the one that the page shows now.
    """
    if job.status in ENDED:
        just = job.ended_at is not None and shown_now() - job.ended_at < JUST_ENDED
        return headline if just else ""
    if status != JobStatus.RUNNING:
        return _("The import is now “%(status)s”.") % {"status": JOB_LOOKS[status].word}
    quarter = standing.percent // 25 * 25
    if not quarter:
        return _("Sending has begun; some rows failed.") if job.failed else _("Sending has begun.")
    if job.failed:
        return _("At least %(percent)s%% of the rows are settled, some with a failure.") % {"percent": quarter}
    if standing.remarked.calls:
        return _("At least %(percent)s%% of the rows are settled, some with remarks.") % {"percent": quarter}
    return _("At least %(percent)s%% of the rows are settled, without a failure.") % {"percent": quarter}


def tab_title(job: ImportJob, standing: Standing, status: str) -> str:
    """Progress before the name, because tabs are narrow: how far it is, or how it ended."""
    if status == JobStatus.BLOCKED:
        mark = "?" if job.cause == "trial_done" else "⚠"
    elif job.status not in ENDED:
        return f"{standing.shown_percent} · {job.label}"
    else:
        mark = {JobStatus.STOPPED: "■", JobStatus.FINISHED: "✓"}.get(JobStatus(job.status), "⚠")
        if status == "finished_with_failures" or (status == JobStatus.FINISHED and standing.remarked.calls):
            mark = "⚠"
    return f"{mark} {job.label}"
