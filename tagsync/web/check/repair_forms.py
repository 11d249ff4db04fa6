"""What somebody wants repaired on the check page, read from its buttons and cells into repairs that are not made yet.

A value to replace is named by a row that holds it: a page whose viewer may not see the value need not carry it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from tagsync.imports.models import ImportJob, ImportRow, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.states import RowStatus
from tagsync.mapping.characters import storable
from tagsync.web.filters import MAX_NUMBER

LONGEST = 5000
CELL = re.compile(r"cell-([0-9]{1,10})-([A-Za-z]+)")
ACTS = ("value", "clear", "cells", "drop_tag", "keep_tag", "leave_out", "leave_out_all")


class RepairForm(forms.Form):
    act = forms.ChoiceField(choices=[(act, act) for act in ACTS])
    problem = forms.IntegerField(required=False, min_value=1, max_value=MAX_NUMBER)
    row = forms.IntegerField(required=False, min_value=1, max_value=MAX_NUMBER)
    field = forms.ChoiceField(required=False, choices=[(field, field) for field in VALUE_COLUMNS])
    text = forms.CharField(required=False, max_length=LONGEST, strip=False)
    # the row after which the page began
    after = forms.IntegerField(required=False, min_value=0, max_value=MAX_NUMBER)


def wanted(job: ImportJob, form: RepairForm, data: QueryDict, *, in_full: bool) -> list[Repair]:
    """The repairs that a valid form asks for; none when nothing was changed.

    `in_full`: as the page showed the values to be repaired, see `holds_value`.
    """
    said = form.cleaned_data
    match said["act"]:
        case "cells":
            return list(_cells(job, data, in_full))
        case "value" if not said["text"].strip():
            return []  # emptying cells has a button of its own
        case "value" | "clear":
            return _value(job, said["row"], said["field"], "" if said["act"] == "clear" else said["text"])
        case "leave_out" if said["row"]:
            return [Repair(kind=RepairKind.LEAVE_OUT, row_number=said["row"])]
        case "drop_tag" | "keep_tag":
            return _tag(job, said["problem"] or 0, keep=said["act"] == "keep_tag")
        case "leave_out_all":
            problem = job.problems.filter(pk=said["problem"]).first()
            return [Repair(kind=RepairKind.LEAVE_OUT, code=problem.code, params=problem.params)] if problem else []
    return []


def _value(job: ImportJob, number: int | None, field: str, text: str) -> list[Repair]:
    row = _broken(job).filter(row_number=number or 0).first()
    if row is None or not field:
        return []
    before = row.values_by_field()[field]
    return [Repair(kind=RepairKind.VALUE, field=field, before=before, after=text)] if before != text else []


def _tag(job: ImportJob, problem_id: int, *, keep: bool) -> list[Repair]:
    problem = job.problems.filter(pk=problem_id, code="placeholder_in_tags").first()
    if problem is None:
        return []
    tag = str(problem.params["placeholder"])
    of_all = {"kind": RepairKind.VALUE, "field": "tags", "code": problem.code, "params": problem.params}
    return [Repair(**of_all, before=tag, after=tag if keep else "")]


def _cells(job: ImportJob, data: QueryDict, in_full: bool) -> Iterator[Repair]:
    typed = {
        (int(found[1]), found[2]): storable(str(data[name]))[:LONGEST]
        for name in data
        if (found := CELL.fullmatch(name))
    }
    numbers = {number for number, _field in typed if number <= MAX_NUMBER}
    rows = {row.row_number: row for row in _broken(job).filter(row_number__in=numbers)}
    for (number, field), text in sorted(typed.items()):
        if number not in rows or field not in VALUE_COLUMNS:
            continue
        before = rows[number].values_by_field()[field]
        if not text and not holds_value(field, before, in_full):
            continue
        # A line break in a text field comes back as another one.
        if " ".join(text.split()) != " ".join(before.split()):
            yield Repair(kind=RepairKind.CELL, row_number=number, field=field, before=before, after=text)


def holds_value(field: str, value: str, in_full: bool) -> bool:
    """Whether the cell to type into begins with the value. Where it begins empty, an empty one was left alone."""
    return len(value) <= LONGEST and (in_full or field == "tags")


def _broken(job: ImportJob) -> QuerySet[ImportRow]:
    return ImportRow.objects.filter(job=job, status=RowStatus.TO_FIX)
