"""What the check page shows: progress while the file is read, afterwards its result and what the button will do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tagsync.accounts.models import Person
from tagsync.connections.models import ConnectionState
from tagsync.imports.check.started_again import is_started_again
from tagsync.imports.models import ImportJob
from tagsync.imports.models.choices import Operation
from tagsync.imports.permissions import may_steer, sees_in_full
from tagsync.imports.problems import blocked, sentence
from tagsync.imports.sending.to_send import rows_to_send
from tagsync.imports.states import JobStatus
from tagsync.web.check import result
from tagsync.web.check.repair_panel import Panel, panel
from tagsync.web.columns.first_request import orders
from tagsync.web.columns.forms import field_label
from tagsync.web.columns.settings_form import MATCHINGS, TRIAL_ROWS, StartForm, matching_of
from tagsync.web.filters import RepairFilters
from tagsync.web.record.repairs import repairs_made
from tagsync.web.record.whereabouts import last_change
from tagsync.web.ui.numbers import thousands

TAGS_NAMED = 3


def progress_context(job: ImportJob, person: Person) -> dict[str, Any]:
    return {"rows_read": job.total + job.blank_rows, "may_steer": may_steer(person, job)}


def check_context(
    job: ImportJob, person: Person, form: StartForm | None, opened: RepairFilters | None = None
) -> dict[str, Any]:
    """For an import that is ready or unreadable. `opened`: the cause whose repair is open, and after which row."""
    if job.status == JobStatus.UNREADABLE:
        return {"why": sentence(job.cause, job.cause_params), "may_steer": may_steer(person, job)}
    ready = rows_to_send(job)
    tags, more_tags = result.tags(job)
    return {
        "may_steer": may_steer(person, job),
        "form": form or StartForm(job, ready),
        "seen": last_change(job),
        "ready": ready,
        "button": button_text(job, ready),
        "trial_button": trial_text(rows_to_send(job, trial_rows=TRIAL_ROWS)),
        "balance": result.balance(job),
        "causes": result.causes(job, person),
        "panel": _panel(job, person, opened or {}),
        "repairs": repairs_made(job, in_full=sees_in_full(person, job)),
        "found_by": result.found_by(job),
        "tags": tags,
        "has_new_tags": any(tag.is_new for tag in tags),
        "more_tags": more_tags,
        "tags_in_short": ", ".join(tag.text for tag in tags[:TAGS_NAMED])
        + (" …" if more_tags or tags[TAGS_NAMED:] else ""),
        "look_alikes": result.look_alikes(job),
        "warnings": result.warnings(job, person),
        "changes": result.changes(job, person),
        "columns": [(column["column"], column["header"], field_label(column["field"])) for column in _mapped(job)],
        "matching": matching_words(job),
        "blocked_because": None if job.connection_is_archived else _blocked_because(job),
        "archived": _archived(job),
        "starts_again": is_started_again(job),
        "left_to_earlier": job.corrects_id and job.repairs.filter(earlier=job.corrects_id, undone_at=None).exists(),
        "earlier": result.earlier_import(job, person),
    }


def _panel(job: ImportJob, person: Person, opened: RepairFilters) -> Panel | None:
    problem = job.problems.filter(pk=opened.get("open", 0)).first() if may_steer(person, job) else None
    return panel(job, problem, person, opened.get("after", 0)) if problem else None


def button_text(job: ImportJob, rows: int) -> str:
    if job.operation == Operation.DELETE:
        text = ngettext("Remove tags from %(rows)s row", "Remove tags from %(rows)s rows", rows)
    else:
        text = ngettext("Add tags to %(rows)s row", "Add tags to %(rows)s rows", rows)
    return text % {"rows": thousands(rows)}


def trial_text(rows: int) -> str:
    return ngettext("Send the first %(rows)s row as a trial", "Send the first %(rows)s rows as a trial", rows) % {
        "rows": thousands(rows)
    }


def matching_words(job: ImportJob) -> str:
    """The matching with its order of identification, in words."""
    _match, way = MATCHINGS[matching_of(job)]
    if way:
        values = {"way": way, "order": orders(job.connection)[way]}
        return _("Fuzzy matching, way %(way)s: %(order)s") % values
    return str(job.get_match_display())


def _mapped(job: ImportJob) -> list[dict[str, Any]]:
    return [column for column in job.columns if column["field"]]


def _archived(job: ImportJob) -> object:
    return sentence("connection_archived_before", {"name": job.connection}) if job.connection_is_archived else None


def _blocked_because(job: ImportJob) -> object:
    connection = job.connection
    if connection is None or connection.state != ConnectionState.BLOCKED:
        return None
    return blocked(connection)
