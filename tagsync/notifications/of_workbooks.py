"""What a person is told of a workbook that was made while she did something else."""

from __future__ import annotations

from typing import Any

from tagsync.accounts.models import Person
from tagsync.notifications.models import Notice, NoticeKind


def tell_workbook(by: Person, export: int, name: str, rows: int, cause: str, **_signal: Any) -> None:
    """Receives `workbook_over`. Without its import: who opens that has not fetched the workbook."""
    kind = NoticeKind.WORKBOOK_FAILED if cause else NoticeKind.WORKBOOK_READY
    Notice.objects.create(person=by, kind=kind, params={"export": export, "name": name, "rows": rows, "cause": cause})
