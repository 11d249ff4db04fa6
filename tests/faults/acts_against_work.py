"""The table: each act of a person against each step of the work, and what must hold for the pair.

The sheet has 30 rows that can be sent, one of them repaired, and one to fix; a call carries 10. A worker is held at its
step, the act is done, the worker goes on, and then everything runs until it rests. What must hold then is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.faults.steps import Step

ACTS = (
    "sheet",
    "columns",
    "check",
    "repair",
    "undo of a repair",
    "discard",
    "start",
    "go on after a trial",
    "stop",
    "resume",
    "retry",
    "undo",
    "archive",
    "address",
    "token",
    "pace",
    "size",
    "resending",
    "block",
    "unblock",
)


@dataclass(frozen=True)
class Work:
    """Where it is held: at the nth time. `in_hand`: calls that are formed before the act and arrive after it.

    `given_up`: by then its lease is over, a keeper has given the import back, and it goes on all the same.
    """

    step: Step
    nth: int = 1
    in_hand: int = 0
    given_up: bool = False


@dataclass(frozen=True)
class Refused:
    """The person is told that it is not possible, and nothing has changed."""

    why: str


@dataclass(frozen=True)
class Impossible:
    """There is no such pair."""

    why: str


@dataclass(frozen=True)
class Must:
    """It is done; `status` and `counts` are those of the import at rest, `calls` with rows arrived after the act."""

    then: str
    status: str
    calls: int
    counts: Mapping[str, int] = field(default_factory=dict)
    # by name: what the person is told who was held herself
    told: str = ""


def must(then: str, status: str, calls: int = 0, told: str = "", **counts: int) -> Must:
    return Must(then, status, calls, {**counts, "to_fix": 1} if counts else {}, told)


_SLICE = "tagsync.delivery.runner.release"
_GOES_ON = "tagsync.delivery.runner.Slice._goes_on"
_CALL = "tagsync.delivery.sender.call"
_FORMED = Step("tagsync.connections.tokens.sent_with")

# Always between two transactions: inside one, SQLite's only writer would hold up the act.
WORK = {
    "look into the workbook": Work(Step("tagsync.imports.drafts.sheet_view.look", "after")),
    "check, between two commits": Work(Step("tagsync.imports.check.staging._commit"), nth=2),
    "claim": Work(Step("tagsync.delivery.leases._claim")),
    "before the call": Work(_FORMED, in_hand=1),
    "written down": Work(Step(_CALL), in_hand=1),
    "in flight": Work(Step(_CALL, "after")),
    "record": Work(Step("tagsync.imports.sending.outcomes.record")),
    "end of a slice": Work(Step(_SLICE)),
    "end of the last slice": Work(Step(_SLICE)),
    "superseding, between two pieces": Work(Step(_GOES_ON, "after"), nth=2),
    "taking up a retry, between two pieces": Work(Step(_GOES_ON, "after")),
    "export": Work(Step("tagsync.exports.lifecycle.write_workbook")),
    "before the call, given up": Work(_FORMED, given_up=True),
    "in flight, stopped and given up": Work(Step(_CALL, "after"), nth=2, given_up=True),
}

Pair = Must | Refused | Impossible

_STARTED = Refused("after the start nothing of what was checked changes")
_UNSTARTED = Refused("nothing was sent yet")
_BUSY = Refused("it is under way")
_TENANT = Refused("what was sent to one tenant is finished with that tenant")

_OF_A_DRAFT = dict.fromkeys(("sheet", "columns", "check", "repair", "undo of a repair", "discard", "start"), _STARTED)
_OF_A_RECORD = dict.fromkeys(("go on after a trial", "stop", "resume", "retry", "undo"), _UNSTARTED)
_RUNNING: dict[str, Pair] = {
    **_OF_A_DRAFT,
    **dict.fromkeys(("go on after a trial", "resume", "retry", "undo"), _BUSY),
    "address": _TENANT,
}
_OF_THE_CONNECTION = ("token", "pace", "size", "unblock")


def _sent_before(accepted: int) -> dict[str, Pair]:
    """An import of which so many rows were accepted before the act, and nothing is in hand."""
    left = 30 - accepted
    rest = {"waiting": left, **({"accepted": accepted} if accepted else {})}
    stopped = must("what is recorded stays, nothing more is sent", "stopped", **rest)
    finished = must("it goes on as the connection is now", "finished", left // 10, accepted=30)
    return {
        **_RUNNING,
        "stop": stopped,
        "archive": stopped,
        **dict.fromkeys(_OF_THE_CONNECTION, finished),
        "size": must("each call from now on has at most 5 rows", "finished", left // 5, accepted=30),
        "resending": must(
            "the next call gets no answer: in doubt at once, the rest goes on",
            "finished",
            left // 10,
            accepted=20,
            in_doubt=10,
        ),
        "block": must("it waits for the repair", "queued", **rest),
    }


TABLE: dict[str, dict[str, Pair]] = {
    "look into the workbook": {
        **_OF_A_RECORD,
        "sheet": must("who looked is told, the sheet of the act stays", "draft", told="SheetChanged"),
        "columns": must("the later press counts: a draft of the sheet that was looked at", "draft"),
        "check": must("the later press counts: a draft of the sheet that was looked at", "draft"),
        "repair": Refused("nothing is checked"),
        "undo of a repair": Refused("nothing is checked"),
        "discard": must("who looked is told", "gone", told="MoveRefused"),
        "start": Refused("nothing is checked"),
        **dict.fromkeys(
            ("archive", "address", "token", "pace", "size", "resending", "block", "unblock"),
            must("a draft of the sheet that was looked at", "draft"),
        ),
    },
    "check, between two commits": {
        **_OF_A_RECORD,
        "sheet": must("the overtaken check writes nothing more", "draft"),
        "columns": must("and all rows are of the new columns", "ready", waiting=30),
        "check": Refused("it is being checked"),
        "repair": Refused("it is being checked"),
        "undo of a repair": Refused("it is being checked"),
        "discard": Refused("it is being checked"),
        "start": Refused("it is being checked"),
        **dict.fromkeys(
            ("archive", "address", "token", "pace", "size", "resending", "block", "unblock"),
            must("the check sends nothing and goes on", "ready", waiting=30),
        ),
    },
    "claim": _sent_before(0),
    "before the call": {
        **_sent_before(0),
        "size": must("the batch in hand goes as it is, the next have at most 5 rows", "finished", 5, accepted=30),
        "block": must("the batch in hand goes, then it waits for the repair", "queued", 1, accepted=10, waiting=20),
    },
    "written down": {
        **_sent_before(0),
        **dict.fromkeys(
            ("stop", "archive"),
            must("this call is made and recorded, none after it", "stopped", 1, accepted=10, waiting=20),
        ),
        "size": must("this call goes as it is, the next have at most 5 rows", "finished", 5, accepted=30),
        "block": must("this call is made and recorded, none after it", "queued", 1, accepted=10, waiting=20),
    },
    "in flight": _sent_before(10),
    "record": _sent_before(10),
    "end of a slice": _sent_before(10),
    "end of the last slice": {
        **_RUNNING,
        "stop": must("stopped, with nothing left to send", "stopped", accepted=30),
        "archive": must("stopped, with nothing left to send", "stopped", accepted=30),
        **dict.fromkeys(
            ("token", "pace", "size", "resending", "block", "unblock"),
            must("over all the same", "finished", accepted=30),
        ),
    },
    "superseding, between two pieces": {
        **_RUNNING,
        **dict.fromkeys(
            ("stop", "archive"),
            must("what is found to be overtaken is, and nothing is sent", "stopped", superseded=10, waiting=20),
        ),
        **dict.fromkeys(_OF_THE_CONNECTION, must("only the others go", "finished", 2, superseded=10, accepted=20)),
        "size": must("only the others go, 5 at a time", "finished", 4, superseded=10, accepted=20),
        "resending": must(
            "the first call gets no answer: in doubt at once", "finished", 2, superseded=10, accepted=10, in_doubt=10
        ),
        "block": must("it waits for the repair", "queued", superseded=10, waiting=20),
    },
    "taking up a retry, between two pieces": {
        **_RUNNING,
        **dict.fromkeys(
            ("stop", "archive"),
            must("what was not taken up yet stays rejected", "stopped", rejected=10, waiting=20),
        ),
        **dict.fromkeys(_OF_THE_CONNECTION, must("all that was chosen is sent", "finished", 3, accepted=30)),
        "size": must("all that was chosen is sent, 5 at a time", "finished", 6, accepted=30),
        "resending": must("the first call gets no answer: in doubt at once", "finished", 3, accepted=20, in_doubt=10),
        "block": must("it waits for the repair, then takes up the rest", "queued", rejected=5, waiting=25),
    },
    "export": {
        **_OF_A_DRAFT,
        "go on after a trial": must("the rest is sent", "finished", 2, accepted=29, rejected=1),
        "stop": must("the trial's question is answered", "stopped", accepted=9, rejected=1, waiting=20),
        "resume": Impossible("after a trial, going on is what resumes it"),
        "retry": must("the rejected row goes as well, in the same calls", "finished", 3, accepted=30),
        "undo": must("a draft takes back what was accepted", "blocked", accepted=9, rejected=1, waiting=20),
        "address": _TENANT,
        **dict.fromkeys(
            ("archive", "token", "pace", "size", "resending", "block", "unblock"),
            must("the import waits for its answer all the same", "blocked", accepted=9, rejected=1, waiting=20),
        ),
    },
    "before the call, given up": _sent_before(0),
    "in flight, stopped and given up": {
        **_OF_A_DRAFT,
        "go on after a trial": Impossible("it was no trial"),
        "stop": Refused("it is stopped"),
        "resume": must("the late answer settles its rows, the others are sent", "finished", 1, accepted=30),
        "retry": must("the late answer settles its rows before they go once more", "finished", 1, accepted=30),
        "undo": must("a draft of what was accepted by then", "stopped", accepted=20, waiting=10),
        "address": _TENANT,
        **dict.fromkeys(
            ("archive", "token", "pace", "size", "resending", "block", "unblock"),
            must("the late answer settles its rows, nothing is sent", "stopped", accepted=20, waiting=10),
        ),
    },
}
