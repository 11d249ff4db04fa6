"""How commands speak: in the language of the terminal, and with one line when they could not run."""

from __future__ import annotations

import functools
import io
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseFailure
from django.utils import translation
from django.utils.translation import gettext as _

COULD_NOT_RUN, ENDED_OTHERWISE = 2, 3
# Run before a command: of what is around the program. Django's are of the program itself, load every page, and are run
# by `up` and `check`.
CHECKS = ("tagsync",)


class CouldNotRun(CommandError):
    """One line on stderr, and the exit status. What a terminal would obey or cannot show is "�" in it."""

    def __init__(self, line: str, status: int = COULD_NOT_RUN) -> None:
        shown = (character if character.isprintable() else "�" for character in " ".join(line.split()))
        super().__init__("".join(shown), returncode=status)


# Django writes the class's name before the line.
CouldNotRun.__name__ = "tagsync"


def language() -> str:
    """Chinese where the terminal is Chinese, English elsewhere: a terminal's encoding and fonts follow its locale."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh-hans" if next(filter(None, names), "").lower().startswith("zh") else "en"


def without_usage(parser: CommandParser) -> CommandParser:
    """Scripts read one line when an option is wrong; the usage is a --help away."""
    refuse = parser.error
    parser.print_usage = lambda file=None: None  # type: ignore[method-assign]  # of this one parser
    parser.error = lambda message: refuse(" ".join(message.split()))  # type: ignore[method-assign]  # likewise
    return parser


def in_terminal_language(handle: Callable[..., None]) -> Callable[..., None]:
    """Decorates a command's `handle`."""

    @functools.wraps(handle)
    def spoken(*args: Any, **options: Any) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A name that the terminal's encoding does not have is shown by its numbers, as on stderr.
            sys.stdout.reconfigure(errors="backslashreplace")
        with translation.override(language()):
            handle(*args, **options)

    return spoken


class Stage(Enum):
    NOT_QUEUED = auto()
    # asked for; a database that goes away at this moment has queued it or has not
    STARTING = auto()
    QUEUED = auto()
    # nothing is left but to say what became of it
    TELLING = auto()


@dataclass
class Progress:
    """How far a command got with its import, if it has one."""

    import_id: int | None = None
    stage: Stage = Stage.NOT_QUEUED


@contextmanager
def told_in_one_line(*, traceback: bool) -> Iterator[Progress]:
    """Whatever goes wrong inside: with exit status 2 before an import is queued, with 3 and its number afterwards.

    `traceback`: Django's option, for whoever looks for a fault of ours. Raises CouldNotRun.
    """
    progress = Progress()
    try:
        yield progress
    except CommandError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if traceback:
            raise
        _give_up_closed_streams()
        status = COULD_NOT_RUN if progress.stage is Stage.NOT_QUEUED else ENDED_OTHERWISE
        raise CouldNotRun(_line(error, progress), status) from None


def _line(error: BaseException, progress: Progress) -> str:
    why = _why(error)
    if progress.import_id is None:
        return why
    texts = {
        Stage.NOT_QUEUED: _("Import %(id)s was not started. %(why)s"),
        Stage.STARTING: _("Import %(id)s may have been started: look at its page. %(why)s"),
        Stage.QUEUED: _("Import %(id)s is queued and continues without this command. %(why)s"),
        Stage.TELLING: _("The result of import %(id)s could not be written here: see its page. %(why)s"),
    }
    return texts[progress.stage] % {"id": progress.import_id, "why": why}


def _why(error: BaseException) -> str:
    """Never the text of an error of the database or of our own: it may quote a value."""
    if isinstance(error, KeyboardInterrupt):
        return _("It was interrupted.")
    if isinstance(error, DatabaseFailure):
        text = _("The database cannot be used (%(error)s): check that it is running, then try again.")
        if str(settings.DATABASES["default"]["NAME"]).startswith(f"{settings.TAGSYNC_HOME}/"):
            # Started elsewhere than the installation, a command has a new folder and an empty database in it.
            text = _(
                "The database cannot be used (%(error)s): check that it is running, then try again. "
                "This command looks for it in %(folder)s; TAGSYNC_HOME names another folder."
            )
        return text % {"error": type(error).__name__, "folder": settings.TAGSYNC_HOME}
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else f"{error.strerror}."
    return _("An error in tagsync (%(code)s): tell whoever looks after it; --traceback shows more.") % {
        "code": type(error).__name__
    }


def _give_up_closed_streams() -> None:
    """What could not be written would be tried again at the end of the process, with a traceback of its own."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # there may be none at all
            if not _takes_more(stream):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _takes_more(stream: TextIO) -> bool:
    """Whether what was written went out, and somebody still reads. Raises OSError, ValueError for what is no file."""
    descriptor, poll = stream.fileno(), select.poll()
    poll.register(descriptor, 0)
    try:
        stream.flush()
    except OSError:
        return False
    return not any(event & (select.POLLERR | select.POLLHUP) for _descriptor, event in poll.poll(0))
