"""What the job page says above its numbers: how an import ended, what it waits for, whose move it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection, ConnectionState
from tagsync.database import shown_now
from tagsync.imports.models import ImportJob
from tagsync.imports.models.delivery import DeliveryOutcome
from tagsync.imports.problems import Mover, blocked, sentence
from tagsync.imports.problems.counted import NOT_ACCEPTED, counted_sentence
from tagsync.imports.sending.remarks import Remarked
from tagsync.imports.sending.waits import ahead_of
from tagsync.imports.states import ENDED, JobStatus, RowStatus
from tagsync.queueing.health import QueueHealth, queue_health
from tagsync.web.record.progress import NOT_SENT, Standing, waits_until
from tagsync.web.ui.movers import whose_turn
from tagsync.web.ui.numbers import thousands
from tagsync.web.ui.sentences import sentences

MAYBE_APPLIED: dict[str, str | Promise] = {
    RowStatus.REJECTED: gettext_lazy(
        "%(rows)s of the rejected rows may have been applied all the same: an earlier call got no answer."
    ),
    RowStatus.SUPERSEDED: gettext_lazy(
        "%(rows)s of the superseded rows may have been applied all the same: an earlier call got no answer."
    ),
}
TO_THE_SECOND = timedelta(minutes=2)


class Button(NamedTuple):
    """A button. `tone`: how its class ends."""

    url: str
    icon: str
    label: str
    tone: str


@dataclass(frozen=True)
class Alert:
    tone: str
    title: str
    text: str = ""
    mover: str = ""
    # the platform's own words, behind a fold
    detail: str = ""
    action_url: str = ""
    action_label: str = ""
    # what a person may do about it, the likeliest first
    acts: tuple[Button, ...] = ()

    @property
    def opened(self) -> bool:
        """Whether the platform's words are shown at once: somebody has to decide by them, or to look."""
        return bool(self.acts) or self.tone == "warning"


def headline(job: ImportJob, standing: Standing, person: Person) -> Alert | None:
    """How it ended, in one sentence with numbers. None while it is under way."""
    if job.status not in ENDED:
        return None
    if job.status == JobStatus.BLOCKED:
        return _question(job, standing, person)
    if job.status == JobStatus.STOPPED:
        not_sent = standing.counts.get(NOT_SENT, 0)
        title = sentences(_stopped(standing, not_sent), _remarked_of(standing))
        return Alert("info", title, _others(standing))
    tone = "warning" if job.open_failures else "info" if job.failures else "success"
    text = sentences(_others(standing), _dealt_with(job))
    return Alert("warning" if standing.remarked.calls else tone, _accepted_of(standing), text)


def _dealt_with(job: ImportJob) -> str:
    """What was done about its failures since; empty where none is fixed or settled."""
    fixed, settled, left = job.fixed_failures, job.settled_failures, job.open_failures
    if not fixed and not settled:
        return ""
    if not left and not settled:
        return _("Corrected sheets have fixed all of them.")
    if not left and not fixed:
        return _("All failures are marked as settled.")
    numbers = {"fixed": thousands(fixed), "settled": thousands(settled), "left": thousands(left)}
    if not left:
        return _("Nothing is left to do: %(fixed)s fixed, %(settled)s marked as settled.") % numbers
    if not settled:
        return _("Of the failed rows %(fixed)s are fixed, %(left)s are left.") % numbers
    if not fixed:
        return _("Of the failed rows %(settled)s are marked as settled, %(left)s are left.") % numbers
    return _("Of the failed rows %(fixed)s are fixed, %(settled)s marked as settled, %(left)s are left.") % numbers


def remarks(job: ImportJob, found: Remarked) -> list[Alert]:
    """What the platform added to its acceptances, and what a person can do about it."""
    if not found.calls:
        return []
    title = ngettext(
        "The platform accepted %(rows)s row, but its answer mentions failures.",
        "The platform accepted %(rows)s rows, but its answers mention failures.",
        found.rows,
    )
    calls = ngettext("%(calls)s call is affected.", "%(calls)s calls are affected.", found.calls)
    advice = _(
        "Look at these customers on the platform: some may not have been changed. The rows count as "
        "accepted and are not sent again automatically."
    )
    return [
        Alert(
            "warning",
            title % {"rows": thousands(found.rows)},
            sentences(calls % {"calls": thousands(found.calls)}, advice),
            detail="\n".join(found.words),
            action_url=reverse("import_calls", args=[job.pk]),
            action_label=_("See the calls"),
        )
    ]


def waits(job: ImportJob, person: Person) -> list[Alert]:
    """What an import under way waits for, the nearest obstacle first."""
    if job.status == JobStatus.STOPPING:
        return [Alert("info", _("Stopping: calls that are under way are finished and recorded, no new one is begun."))]
    connection = job.connection
    if job.status not in (JobStatus.QUEUED, JobStatus.RUNNING) or connection is None:
        return []
    if connection.state == ConnectionState.BLOCKED:
        return [_blocked(job, connection, person)]
    found = [_health(queue_health()), _pause(job, connection), _trial(job), _line(job, connection)]
    return [alert for alert in found if alert]


def archived(job: ImportJob, person: Person) -> list[Alert]:
    """Why nothing more of it is sent, when something could be."""
    if job.connection is None or not job.connection_is_archived:
        return []
    if job.status in ENDED and not job.failed and not job.count(RowStatus.WAITING):
        return []
    cause = sentence("connection_archived", {"name": job.connection})
    mover = whose_turn(cause.mover, job, person)
    return [Alert("warning", cause.title, cause.advice, mover, "", *_to_connection(job, person))]


def _to_connection(job: ImportJob, person: Person) -> tuple[str, str]:
    """Address and label, for those who may change it."""
    if not person.has_perm("connections.manage_connections"):
        return "", ""
    return reverse("connection_edit", args=[job.connection_id]), _("Open the connection")


def _question(job: ImportJob, standing: Standing, person: Person) -> Alert:
    """Only a person can go on: why, and with which buttons."""
    cause = sentence(job.cause, job.cause_params)
    acts = _ways_on(job, 0 if job.connection_is_archived else standing.waiting)
    if job.cause == "trial_done":
        return Alert("info", cause.title, sentences(_trial_result(standing), cause.advice), acts=acts)
    text = sentences(cause.advice, _accepted_of(standing))
    return Alert("danger", cause.title, text, whose_turn(cause.mover, job, person), _their_words(job), acts=acts)


def _ways_on(job: ImportJob, waiting: int) -> tuple[Button, ...]:
    stop = Button(reverse("import_stop", args=[job.pk]), "ban", _("Stop"), "quiet-danger")
    if not waiting:
        return (stop,)
    texts = {
        "trial_done": ngettext(
            "Continue with the remaining %(rows)s row", "Continue with the remaining %(rows)s rows", waiting
        ),
        "refuses_everything": ngettext(
            "Leave these rejected and send the other %(rows)s row",
            "Leave these rejected and send the other %(rows)s rows",
            waiting,
        ),
    }
    resume = ngettext("Resume: send %(rows)s row", "Resume: send %(rows)s rows", waiting)
    label = texts.get(job.cause, resume) % {"rows": thousands(waiting)}
    return Button(reverse("import_resume", args=[job.pk]), "play", label, "primary"), stop


def _their_words(job: ImportJob) -> str:
    """What the platform said when it refused, from the cause or from its last refusal."""
    if job.cause not in ("refuses_everything", "too_large_alone"):
        return str(job.cause_params.get("message", ""))
    said = [job.cause_params.get(key, "") for key in ("code", "error_code", "message")]
    if job.cause == "too_large_alone":
        said.insert(0, f"HTTP {job.cause_params.get('http_status', 413)}")
    if job.cause == "refuses_everything" and not any(said):
        refused = job.deliveries.filter(outcome=DeliveryOutcome.BATCH_REFUSED).order_by("row_count", "-id")
        said = list(refused.values_list("code", "error_code", "message").first() or ())
    return " · ".join(str(word) for word in said if word)


def _trial_result(standing: Standing) -> str:
    """What became of the rows of the trial."""
    values = {"accepted": thousands(standing.accepted), "rows": thousands(standing.settled)}
    text = ngettext(
        "%(accepted)s of %(rows)s row was accepted by the platform.",
        "%(accepted)s of %(rows)s rows were accepted by the platform.",
        standing.settled,
    )
    return sentences(text % values, _remarked_of(standing), _others(standing))


def _accepted_of(standing: Standing) -> str:
    numbers = {"accepted": thousands(standing.accepted), "sendable": thousands(standing.sendable)}
    if standing.accepted == standing.sendable:
        text = ngettext(
            "The one row that was sent was accepted by the platform.",
            "All %(sendable)s rows that were sent were accepted by the platform.",
            standing.sendable,
        )
    else:
        text = _("%(accepted)s of %(sendable)s rows were accepted by the platform.")
    return sentences(text % numbers, _remarked_of(standing))


def _remarked_of(standing: Standing) -> str:
    rows = standing.remarked.rows
    text = ngettext("%(rows)s row was accepted with remarks.", "%(rows)s rows were accepted with remarks.", rows)
    return text % {"rows": thousands(rows)} if rows else ""


def _stopped(standing: Standing, not_sent: int) -> str:
    numbers = {"accepted": thousands(standing.accepted), "sendable": thousands(standing.sendable)}
    if not not_sent:
        return _("Stopped: %(accepted)s of %(sendable)s rows were accepted.") % numbers
    text = ngettext(
        "Stopped: %(accepted)s of %(sendable)s rows were accepted, %(not_sent)s was not sent.",
        "Stopped: %(accepted)s of %(sendable)s rows were accepted, %(not_sent)s were not sent.",
        not_sent,
    )
    return text % (numbers | {"not_sent": thousands(not_sent)})


def _others(standing: Standing) -> str:
    """What became of the rest, a sentence each."""
    found = []
    for status in NOT_ACCEPTED:
        if rows := standing.counts.get(status, 0):
            found.append(counted_sentence(status, rows))
        if maybe := standing.maybe_applied.get(status, 0):
            found.append(MAYBE_APPLIED[status] % {"rows": thousands(maybe)})
    return sentences(*found)


def _blocked(job: ImportJob, connection: Connection, person: Person) -> Alert:
    cause = blocked(connection)
    title = _("Connection “%(connection)s” is blocked: %(cause)s") % {
        "connection": connection.name,
        "cause": cause.title,
    }
    may_mend = person.has_perm("connections.manage_connections")
    return Alert(
        "danger",
        title,
        cause.advice,
        whose_turn(cause.mover, job, person),
        connection.blocked_detail,
        reverse("connection_edit", args=[connection.pk]) if may_mend else "",
        _("Open the connection") if may_mend else "",
    )


def _health(health: QueueHealth) -> Alert | None:
    if not health.redis:
        return Alert(
            "warning",
            _("Redis, which wakes the workers, does not answer."),
            _("Nothing is lost: sending continues when it is back. Tell an admin if this lasts longer than a minute."),
            str(Mover.ADMIN.label),
        )
    if not health.send_workers:
        return Alert(
            "warning",
            _("Waiting for a worker: no worker for sending is running."),
            _("The import keeps its place and starts automatically as soon as a worker is started."),
            str(Mover.ADMIN.label),
        )
    return None


def _pause(job: ImportJob, connection: Connection) -> Alert | None:
    """A wait is no failure. A connection that is silent is told also while it is being tried."""
    silent = connection.silent_since
    since = _("It has not answered since %(time)s.") % {"time": clock(silent)} if silent else ""
    if waits := waits_until(job):
        cause = sentence(f"wait_{job.wait_reason}")
        until = _("Next try at %(time)s.") % {"time": clock(waits)}
        return Alert("info", cause.title, sentences(cause.advice, until, since))
    if silent:
        cause = sentence("wait_unanswered")
        return Alert("info", cause.title, sentences(cause.advice, since))
    return None


def _trial(job: ImportJob) -> Alert | None:
    if job.trial_rows is None:
        return None
    text = ngettext(
        "Trial: after the first %(rows)s row it waits for you.",
        "Trial: after the first %(rows)s rows it waits for you.",
        job.trial_rows,
    )
    return Alert("info", text % {"rows": thousands(job.trial_rows)})


def _line(job: ImportJob, connection: Connection) -> Alert | None:
    ahead = ahead_of(job) if job.status == JobStatus.QUEUED else 0
    # Who has made calls holds a place already and is queued only between two slices of work.
    if not ahead or job.deliveries.filter(run=job.run).exists():
        return None
    title = ngettext(
        "In line: %(ahead)s import on connection “%(connection)s” goes first.",
        "In line: %(ahead)s imports on connection “%(connection)s” go first.",
        ahead,
    ) % {"ahead": thousands(ahead), "connection": connection.name}
    return Alert("info", title, _("You can close this page; it starts automatically."))


def clock(moment: datetime) -> str:
    """Local time; seconds only where somebody might be waiting for them."""
    local = timezone.localtime(moment)
    if abs(moment - shown_now()) < TO_THE_SECOND:
        return date_format(local, "H:i:s")
    return date_format(local, "H:i" if local.date() == timezone.localdate(shown_now()) else "Y-m-d H:i")
