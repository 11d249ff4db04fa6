"""How commands speak: in the language of the terminal, and with one line when they could not run."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.utils import translation

COULD_NOT_RUN = 2


class CouldNotRun(CommandError):
    """One line on stderr, exit status 2."""

    def __init__(self, line: str) -> None:
        super().__init__(line, returncode=COULD_NOT_RUN)


# Django writes the class's name before the line.
CouldNotRun.__name__ = "tagsync"


def language() -> str:
    """Chinese where the terminal is Chinese, English elsewhere: a terminal's encoding and fonts follow its locale."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh-hans" if next(filter(None, names), "").lower().startswith("zh") else "en"


def in_terminal_language(handle: Callable[..., None]) -> Callable[..., None]:
    """Decorates a command's `handle`."""

    @functools.wraps(handle)
    def spoken(*args: Any, **options: Any) -> None:
        with translation.override(language()):
            handle(*args, **options)

    return spoken
