"""How a notice reads, in the language of whoever reads it, on pages and in letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tagsync.imports.problems import of_connection, sentence
from tagsync.imports.problems.counted import NOT_ACCEPTED, counted_sentence
from tagsync.imports.states import RowStatus
from tagsync.notifications.models import Notice, NoticeKind


class Said(NamedTuple):
    title: str
    # whole sentences, each on its own
    lines: tuple[str, ...] = ()


def said(notice: Notice) -> Said:
    return _TELLINGS[NoticeKind(notice.kind)](notice)


# -- an import, by itself


def _finished(notice: Notice) -> Said:
    rows = _rows(notice)
    sent = _sendable(rows)
    values = {"import": _name(notice), "accepted": _number(rows["accepted"]), "sent": _number(sent)}
    if rows["accepted"] == sent:
        title = ngettext(
            "“%(import)s” is finished: the one row was accepted",
            "“%(import)s” is finished: all %(sent)s rows were accepted",
            sent,
        )
    else:
        title = _("“%(import)s” is finished: %(accepted)s of %(sent)s rows were accepted")
    return Said(title % values, (*_remarked(notice), *_others(rows), *_maybe_applied(notice)))


def _blocked(notice: Notice) -> Said:
    cause = sentence(str(notice.params.get("cause", "")))
    title = _("“%(import)s” is blocked: %(cause)s") % {"import": _name(notice), "cause": cause.title}
    return Said(title, (cause.advice, _accepted(_rows(notice)), *_remarked(notice), *_maybe_applied(notice)))


def _colleague_blocked(notice: Notice) -> Said:
    cause = sentence(str(notice.params.get("cause", "")))
    who = notice.job.owner.label if notice.job else ""
    title = _("“%(import)s” of %(person)s is blocked: %(cause)s")
    values = {"import": _name(notice), "person": who, "cause": cause.title}
    advice = _(
        "The settings, the connection or the app's permissions on the platform may be the cause: look into it together."
    )
    return Said(title % values, (_accepted(_rows(notice)), advice, *_maybe_applied(notice)))


def _trial_done(notice: Notice) -> Said:
    title = _("“%(import)s” is waiting for you: the trial has been sent") % {"import": _name(notice)}
    rows = _rows(notice)
    rows["waiting"] = 0
    became = (_accepted(rows), *_remarked(notice), *_others(rows), *_maybe_applied(notice))
    return Said(title, (*became, sentence("trial_done").advice))


# -- an import, by somebody else


def _by(title: Callable[[], str], counts: Callable[[int], str] | None = None) -> Callable[[Notice], Said]:
    def telling(notice: Notice) -> Said:
        who = notice.by.label if notice.by else _("An admin")
        rows = int(notice.params.get("rows", 0))
        line = (counts(rows) % {"rows": _number(rows)},) if counts and rows else ()
        return Said(title() % {"person": who, "import": _name(notice)}, line)

    return telling


def _queued(rows: int) -> str:
    return ngettext("%(rows)s row is queued.", "%(rows)s rows are queued.", rows)


def _unsent(rows: int) -> str:
    return ngettext(
        "%(rows)s row had no result yet; it can be resumed.",
        "%(rows)s rows had no result yet; they can be resumed.",
        rows,
    )


# -- imports on a connection


def _waits(notice: Notice) -> Said:
    cause = sentence(str(notice.params.get("reason", "")))
    minutes = int(notice.params.get("minutes", 0))
    if notice.job:
        title = ngettext(
            "“%(import)s” has been waiting for %(minutes)s minute",
            "“%(import)s” has been waiting for %(minutes)s minutes",
            minutes,
        ) % {"import": _name(notice), "minutes": minutes}
    else:
        title = _several(
            notice,
            lambda n: ngettext(
                "%(imports)s import has been waiting for a long time",
                "%(imports)s imports have been waiting for a long time",
                n,
            ),
        )
    return Said(title, (_("%(cause)s.") % {"cause": cause.title}, cause.advice))


def _goes_on(notice: Notice) -> Said:
    minutes = int(notice.params.get("minutes", 0))
    waited = ngettext("It took %(minutes)s minute.", "It took %(minutes)s minutes.", minutes) % {"minutes": minutes}
    return Said(_on_again(notice), (waited,))


def _held(notice: Notice) -> Said:
    title = (
        _("“%(import)s” waits: its connection is blocked") % {"import": _name(notice)}
        if notice.job
        else _several(
            notice,
            lambda n: ngettext(
                "%(imports)s import waits: its connection is blocked",
                "%(imports)s imports wait: their connection is blocked",
                n,
            ),
        )
    )
    calm = _("Nothing is lost: what is not sent yet is sent once it is repaired. The admins have been notified.")
    return Said(title, (_connection_line(notice), calm))


def _released(notice: Notice) -> Said:
    return Said(_on_again(notice), (_("The connection is repaired."),))


def _on_again(notice: Notice) -> str:
    if notice.job:
        return _("“%(import)s” continues") % {"import": _name(notice)}
    return _several(notice, lambda n: ngettext("%(imports)s import continues", "%(imports)s imports continue", n))


# -- a connection, for those who look after it


def _connection_blocked(notice: Notice) -> Said:
    reason, by_app = notice.params.get("reason", ""), notice.params.get("by_app", False)
    cause = of_connection(f"connection_{reason}", by_app=by_app)
    return Said(_connection_line(notice), (*_waiting_imports(notice), cause.advice))


def _connection_ready(notice: Notice) -> Said:
    name = str(notice.connection or "")
    if notice.by:
        title = _("%(person)s repaired the connection “%(name)s”") % {"person": notice.by.label, "name": name}
    else:
        title = _("The connection “%(name)s” is ready again") % {"name": name}
    return Said(title, (_("Its imports continue automatically."),))


# -- a workbook


def _workbook_ready(notice: Notice) -> Said:
    rows = int(notice.params.get("rows", 0))
    title = ngettext("“%(name)s” is ready: %(rows)s row", "“%(name)s” is ready: %(rows)s rows", rows) % {
        "name": notice.params.get("name", ""),
        "rows": _number(rows),
    }
    return Said(title, (_("Only you can download it; the page says until when."),))


def _workbook_failed(notice: Notice) -> Said:
    cause = sentence(str(notice.params.get("cause", "")))
    title = _("“%(name)s” could not be made: %(cause)s")
    return Said(title % {"name": notice.params.get("name", ""), "cause": cause.title}, (cause.advice,))


_TELLINGS: dict[NoticeKind, Callable[[Notice], Said]] = {
    NoticeKind.FINISHED: _finished,
    NoticeKind.FINISHED_WITH_FAILURES: _finished,
    NoticeKind.BLOCKED: _blocked,
    NoticeKind.COLLEAGUE_BLOCKED: _colleague_blocked,
    NoticeKind.TRIAL_DONE: _trial_done,
    NoticeKind.STARTED: _by(lambda: _("%(person)s started “%(import)s”"), _queued),
    NoticeKind.STOPPED: _by(lambda: _("%(person)s stopped “%(import)s”"), _unsent),
    NoticeKind.RESUMED: _by(lambda: _("%(person)s resumed “%(import)s”"), _queued),
    NoticeKind.RETRIED: _by(lambda: _("%(person)s queued failed rows of “%(import)s” again"), _queued),
    NoticeKind.WAITS: _waits,
    NoticeKind.GOES_ON: _goes_on,
    NoticeKind.HELD: _held,
    NoticeKind.RELEASED: _released,
    NoticeKind.CONNECTION_BLOCKED: _connection_blocked,
    NoticeKind.CONNECTION_READY: _connection_ready,
    NoticeKind.WORKBOOK_READY: _workbook_ready,
    NoticeKind.WORKBOOK_FAILED: _workbook_failed,
}


# -- parts of sentences


def _name(notice: Notice) -> str:
    return notice.job.label if notice.job else ""


def _number(rows: int) -> str:
    return f"{rows:,}"


def _several(notice: Notice, text: Callable[[int], str]) -> str:
    imports = int(notice.params.get("imports", 0))
    return text(imports) % {"imports": _number(imports)}


def _connection_line(notice: Notice) -> str:
    cause = sentence(f"connection_{notice.params.get('reason', '')}")
    values: dict[str, Any] = {"name": notice.connection, "cause": cause.title}
    return _("The connection “%(name)s” is blocked: %(cause)s") % values


def _waiting_imports(notice: Notice) -> tuple[str, ...]:
    imports = int(notice.params.get("imports", 0))
    if not imports:
        return ()
    text = ngettext("%(imports)s import waits for it.", "%(imports)s imports wait for it.", imports)
    return (text % {"imports": _number(imports)},)


def _rows(notice: Notice) -> dict[str, int]:
    counts = notice.params.get("counts", {})
    return {status.value: int(counts.get(status.value, 0)) for status in RowStatus}


def _sendable(rows: dict[str, int]) -> int:
    sent = (RowStatus.ACCEPTED, RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.SUPERSEDED, RowStatus.WAITING)
    return sum(rows[status.value] for status in sent)


def _accepted(rows: dict[str, int]) -> str:
    values = {"accepted": _number(rows["accepted"]), "sendable": _number(_sendable(rows))}
    return _("%(accepted)s of %(sendable)s rows were accepted by the platform.") % values


def _maybe_applied(notice: Notice) -> tuple[str, ...]:
    """Of what was rejected or superseded, what may have been applied before."""
    counts = notice.params.get("maybe_applied", {})
    rows = sum(int(counts.get(status.value, 0)) for status in (RowStatus.REJECTED, RowStatus.SUPERSEDED))
    if not rows:
        return ()
    text = ngettext(
        "%(rows)s rejected or superseded row may have been applied all the same: an earlier call got no answer.",
        "%(rows)s rejected or superseded rows may have been applied all the same: an earlier call got no answer.",
        rows,
    )
    return (text % {"rows": _number(rows)},)


def _remarked(notice: Notice) -> tuple[str, ...]:
    rows = int(notice.params.get("remarked", 0))
    if not rows:
        return ()
    text = ngettext(
        "%(rows)s row was accepted with remarks: the platform's answer mentions failures.",
        "%(rows)s rows were accepted with remarks: the platform's answers mention failures.",
        rows,
    )
    return (text % {"rows": _number(rows)}, _("Look at these customers on the platform."))


def _others(rows: dict[str, int]) -> tuple[str, ...]:
    """What became of the rest, a sentence each."""
    return tuple(counted_sentence(status, rows[status]) for status in NOT_ACCEPTED if rows[status])
