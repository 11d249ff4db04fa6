"""Repairs as people tell them: what was typed, what it became. Changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db.models import Q
from django.utils.translation import gettext as _

from tagsync.imports.models import ImportJob, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.problems import sentence
from tagsync.mapping.fields import FIELDS
from tagsync.mapping.masking import mask
from tagsync.web.ui.cells import in_short

LATEST = 8


class Made(NamedTuple):
    id: int
    text: str
    rows: int
    by: str
    at: datetime


def repairs_made(job: ImportJob, *, in_full: bool) -> tuple[list[Made], list[Made]]:
    """Those that hold, newest first: the latest, and the others."""
    # One that was only half taken back, because the server went away, can be taken back to the end.
    holds = Q(undone_at=None) | Q(rows__gt=0)
    found = job.repairs.filter(holds).select_related("by", "earlier").order_by("-pk")
    made = [Made(one.pk, told(one, in_full=in_full), one.rows, one.by.label if one.by else "", one.at) for one in found]
    return made[:LATEST], made[LATEST:]


def told(repair: Repair, *, in_full: bool = False) -> str:
    """One sentence. `in_full`: identifiers as they are; otherwise masked."""
    if repair.kind == RepairKind.ACCEPTED_BEFORE:
        name = repair.earlier.label if repair.earlier else "…"
        return _("Left out: rows of “%(name)s” that the platform has accepted") % {"name": name}
    if repair.kind == RepairKind.LEAVE_OUT:
        if repair.row_number:
            return _("Left out: row %(row)s") % {"row": repair.row_number}
        return _("Left out: %(problem)s") % {"problem": sentence(repair.code, repair.params).title}
    values = {
        "row": repair.row_number,
        "field": _(FIELDS[repair.field].label),
        "before": _shown(repair, repair.before, in_full),
        "after": _shown(repair, repair.after, in_full),
    }
    if repair.kind == RepairKind.VALUE and repair.before == repair.after:
        return _("%(field)s: %(before)s is sent as it stands") % values
    if repair.kind == RepairKind.CELL:
        return _("Row %(row)s, %(field)s: %(before)s → %(after)s") % values
    return _("%(field)s: %(before)s → %(after)s") % values


def _shown(repair: Repair, text: str, in_full: bool) -> str:
    if not text.strip():
        return _("(empty)")
    return _("“%(value)s”") % {"value": in_short(text if in_full else mask(repair.field, text))}
