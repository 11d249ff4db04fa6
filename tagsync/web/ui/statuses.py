"""What a status looks like: tone, icon, words. The one table; it must not know how a status came about."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tagsync.imports.states import JobStatus, RowStatus


class Look(NamedTuple):
    tone: str
    icon: str
    word: str | Promise
    spin: bool = False


# Four of these are no states of an import: they are computed from waits, and from what became of failures.
JOB_LOOKS: dict[str, Look] = {
    "draft": Look("outline", "pencil-line", JobStatus.DRAFT.label),
    "checking": Look("info", "loader-circle", JobStatus.CHECKING.label, spin=True),
    "ready": Look("neutral", "list-checks", JobStatus.READY.label),
    "unreadable": Look("danger", "file-x", JobStatus.UNREADABLE.label),
    "queued": Look("neutral", "clock", JobStatus.QUEUED.label),
    "running": Look("info", "loader-circle", JobStatus.RUNNING.label, spin=True),
    "waiting_for_platform": Look("info", "timer", _("Waiting for the platform")),
    "blocked": Look("danger", "octagon-alert", JobStatus.BLOCKED.label),
    "stopping": Look("neutral", "circle-pause", JobStatus.STOPPING.label),
    "stopped": Look("neutral", "ban", JobStatus.STOPPED.label),
    "finished": Look("success", "circle-check", JobStatus.FINISHED.label),
    "finished_with_failures": Look("warning", "triangle-alert", _("Finished with failures")),
    "finished_all_fixed": Look("success", "circle-check", _("Finished, all fixed")),
    "finished_all_settled": Look("neutral", "circle-check", _("Finished, all settled")),
}

# Blocked as well, but nothing is wrong: somebody asked for it.
TRIAL_LOOK = Look("info", "hand", _("Trial sent: waiting for you"))


def look_of(shown_status: str, cause: str) -> Look:
    """`cause`: why the import is blocked, empty when it is not."""
    return TRIAL_LOOK if shown_status == JobStatus.BLOCKED and cause == "trial_done" else JOB_LOOKS[shown_status]


# In the fixed order of every bar and legend: position is a cue beside colour and pattern.
ROW_LOOKS: dict[str, Look] = {
    "accepted": Look("success", "check", RowStatus.ACCEPTED.label),
    "duplicate": Look("neutral", "copy", RowStatus.DUPLICATE.label),
    "left_out": Look("outline", "skip-forward", RowStatus.LEFT_OUT.label),
    "to_fix": Look("warning", "pencil", RowStatus.TO_FIX.label),
    "rejected": Look("danger", "circle-x", RowStatus.REJECTED.label),
    "in_doubt": Look("warning", "circle-question-mark", RowStatus.IN_DOUBT.label),
    "superseded": Look("neutral", "replace", RowStatus.SUPERSEDED.label),
    "waiting": Look("neutral", "circle-dashed", RowStatus.WAITING.label),
    "not_sent": Look("outline", "minus", _("Not sent")),
}

# Like a state, a notice has tone and icon; its words are its own (notifications.texts).
NOTICE_LOOKS: dict[str, Look] = {
    "finished": Look("success", "circle-check", ""),
    "finished_with_failures": Look("warning", "triangle-alert", ""),
    "blocked": Look("danger", "octagon-alert", ""),
    "colleague_blocked": Look("danger", "octagon-alert", ""),
    "trial_done": Look("info", "hand", ""),
    "started": Look("info", "send", ""),
    "stopped": Look("neutral", "ban", ""),
    "resumed": Look("info", "play", ""),
    "retried": Look("info", "rotate-cw", ""),
    "waits": Look("warning", "timer", ""),
    "goes_on": Look("success", "play", ""),
    "held": Look("danger", "octagon-alert", ""),
    "released": Look("success", "play", ""),
    "connection_blocked": Look("danger", "octagon-alert", ""),
    "connection_ready": Look("success", "plug", ""),
    "workbook_ready": Look("success", "download", ""),
    "workbook_failed": Look("danger", "file-x", ""),
}

# A call by its outcome; without one it is under way, or only planned. Words stand in `record.calls`.
CALL_LOOKS: dict[str, tuple[str, str]] = {
    "accepted": ("success", "check"),
    "remarked": ("warning", "message-square-warning"),
    "not_sent": ("outline", "unplug"),
    "unanswered": ("warning", "circle-question-mark"),
    "worker_died": ("warning", "circle-question-mark"),
    "sign_of_life": ("neutral", "heart-pulse"),
    "throttled": ("info", "timer"),
    "token_rejected": ("warning", "key-round"),
    "blocked": ("danger", "octagon-alert"),
    "batch_refused": ("danger", "circle-x"),
    "split": ("neutral", "split"),
    "too_large": ("neutral", "split"),
    "planned": ("outline", "circle-dashed"),
    "": ("info", "loader-circle"),
}

TONE_ICONS = {
    "info": "info",
    "success": "circle-check",
    "warning": "triangle-alert",
    "danger": "circle-x",
    "error": "circle-x",
    "debug": "info",
}
