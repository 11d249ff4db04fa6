"""The states of an import and of a row, and the one table of allowed moves. Nothing else knows them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class JobStatus(TextChoices):
    DRAFT = "draft", _("Draft")
    CHECKING = "checking", _("Checking")
    READY = "ready", _("Ready to start")
    UNREADABLE = "unreadable", _("Unreadable")
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped")
    BLOCKED = "blocked", _("Blocked")
    FINISHED = "finished", _("Finished")
    # No longer shown to anybody: its rows are being deleted, and then it is gone.
    DISCARDED = "discarded", _("Discarded")


class RowStatus(TextChoices):
    TO_FIX = "to_fix", _("To fix")
    DUPLICATE = "duplicate", _("Duplicate")
    LEFT_OUT = "left_out", _("Left out")
    WAITING = "waiting", _("Waiting")
    ACCEPTED = "accepted", _("Accepted by the platform")
    REJECTED = "rejected", _("Rejected by the platform")
    IN_DOUBT = "in_doubt", _("In doubt")
    SUPERSEDED = "superseded", _("Superseded")


class WaitReason(StrEnum):
    """Why an import that was begun waits in the queue; behind `wait_` it is a code of imports.problems."""

    PACE = "pace"
    THROTTLED = "throttled"
    UNANSWERED = "unanswered"
    NOT_REACHED = "not_reached"
    TOKEN = "token"


class Act(StrEnum):
    """What moves an import from one state to another."""

    CHECK = "check"
    CHECKED = "checked"
    UNREADABLE = "unreadable"
    CHANGE = "change"
    DISCARD = "discard"
    START = "start"
    CLAIM = "claim"
    PAUSE = "pause"
    STOP = "stop"
    STOPPED = "stopped"
    FINISH = "finish"
    BLOCK = "block"
    RESUME = "resume"
    RETRY = "retry"


class Mark(StrEnum):
    """What is told among the events although it moves nothing."""

    # with the number of the `repair`
    REPAIR = "repair"
    UNDO_REPAIR = "undo_repair"
    # with the number of `rows` that it settled
    LATE_ANSWER = "late_answer"
    # An admin has confirmed a restore; with the number of `rows` that may have been sent after the backup.
    RESTORE = "restore"


class Move(NamedTuple):
    """`ends_work`: whoever worked on the import until now works for nobody; the fence is raised."""

    sources: frozenset[JobStatus]
    target: JobStatus
    ends_work: bool


def _move(*sources: JobStatus, to: JobStatus, ends_work: bool = True) -> Move:
    return Move(frozenset(sources), to, ends_work)


_S = JobStatus

# One act may have two moves with different sources: stopping a queued import stops it at once.
MOVES: dict[Act, tuple[Move, ...]] = {
    Act.CHECK: (_move(_S.DRAFT, to=_S.CHECKING),),
    Act.CHECKED: (_move(_S.CHECKING, to=_S.READY),),
    Act.UNREADABLE: (_move(_S.CHECKING, to=_S.UNREADABLE),),
    Act.CHANGE: (_move(_S.CHECKING, _S.READY, _S.UNREADABLE, to=_S.DRAFT),),
    Act.DISCARD: (_move(_S.DRAFT, _S.READY, _S.UNREADABLE, to=_S.DISCARDED),),
    Act.START: (_move(_S.READY, to=_S.QUEUED),),
    Act.CLAIM: (_move(_S.QUEUED, to=_S.RUNNING),),
    Act.PAUSE: (_move(_S.RUNNING, to=_S.QUEUED),),
    Act.STOP: (
        _move(_S.QUEUED, _S.BLOCKED, to=_S.STOPPED),
        # The worker goes on until the calls under way are recorded.
        _move(_S.RUNNING, to=_S.STOPPING, ends_work=False),
    ),
    Act.STOPPED: (_move(_S.STOPPING, to=_S.STOPPED),),
    Act.FINISH: (_move(_S.RUNNING, to=_S.FINISHED),),
    Act.BLOCK: (_move(_S.RUNNING, to=_S.BLOCKED),),
    Act.RESUME: (_move(_S.STOPPED, _S.BLOCKED, to=_S.QUEUED),),
    Act.RETRY: (_move(_S.FINISHED, _S.STOPPED, _S.BLOCKED, to=_S.QUEUED),),
}

# Before the start an import is the owner's sheet of paper; after it, a record.
UNSTARTED = frozenset({_S.DRAFT, _S.CHECKING, _S.READY, _S.UNREADABLE})
DELETABLE = frozenset({_S.DRAFT, _S.READY, _S.UNREADABLE})
UNDER_WAY = frozenset({_S.QUEUED, _S.RUNNING, _S.STOPPING})
ENDED = frozenset({_S.STOPPED, _S.BLOCKED, _S.FINISHED})
# What `--wait` and live pages wait for.
RESTING = ENDED | {_S.DRAFT, _S.READY, _S.UNREADABLE}

NEVER_SENT = frozenset({RowStatus.TO_FIX, RowStatus.DUPLICATE, RowStatus.LEFT_OUT})
SETTLED = frozenset({RowStatus.ACCEPTED, RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.SUPERSEDED})
RETRYABLE = frozenset({RowStatus.REJECTED, RowStatus.IN_DOUBT})
# What is called a failure everywhere: the row was meant to reach the platform, and nobody can say that it did.
FAILURES = (RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.TO_FIX)


def allowed(act: Act, status: str) -> Move | None:
    """The move that `act` makes from `status`, or None."""
    return next((move for move in MOVES[act] if status in move.sources), None)


class MoveRefused(Exception):
    """The import was not (or no longer) in a state that allows this act. `status` is the state it was found in."""

    def __init__(self, act: Act, status: str) -> None:
        super().__init__(f"{act} is not possible while {status}")
        self.act = act
        self.status = status
