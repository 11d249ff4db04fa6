"""Filters of lists, read from the address. Whatever is not understood is no filter: a mistyped address is no error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, TypedDict, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from tagsync.imports.customer_search import Place
from tagsync.imports.models.choices import Operation
from tagsync.mapping.matching import LOOKS
from tagsync.web.ui.statuses import ROW_LOOKS

# The largest number that every database takes as a row number or an id.
MAX_NUMBER = 2**31 - 1
# Days beyond which no import can lie; those at the ends of the calendar have no time in other zones.
DAYS = (date(2000, 1, 1), date(2200, 1, 1))
# The keys of a page within the list; they are no filters.
PAGING = ("before", "after")


def number_in(text: str, most: int = MAX_NUMBER) -> int:
    """The number that a text of ASCII digits is, when it lies between 1 and `most`; else 0."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_NUMBER))
    return int(text) if is_number and int(text) <= most else 0


def _number() -> forms.IntegerField:
    return forms.IntegerField(required=False, min_value=0, max_value=MAX_NUMBER)


def _day() -> forms.DateField:
    first, last = DAYS
    ends = [MinValueValidator(first), MaxValueValidator(last)]
    return forms.DateField(required=False, input_formats=["%Y-%m-%d"], validators=ends)


_WORD = re.compile(r"[A-Za-z0-9_+-]+")


def identifier_in(text: str) -> str:
    """What looks like an identifier, the text as a whole or one of its words; "" when nothing does.

    Such a text must never stand in an address: servers write these down.
    """
    whole = "".join(text.split()).replace("-", "")
    words = (whole, *_WORD.findall(text))
    return next((word for word in words if any(look.fullmatch(word) for look in LOOKS.values())), "")


def _no_identifier(text: str) -> None:
    if identifier_in(text):
        raise ValidationError("identifier")


class HistoryFilter(forms.Form):
    q = forms.CharField(required=False, max_length=200, validators=[_no_identifier])
    status = forms.CharField(required=False, max_length=40)
    operation = forms.ChoiceField(required=False, choices=Operation.choices)
    connection = _number()
    person = _number()
    tag = forms.CharField(required=False, max_length=200, validators=[_no_identifier])
    # words for days that move on with the days, so that a bookmark stays what it says
    when = forms.ChoiceField(required=False, choices=[(word, word) for word in ("today", "yesterday", "week")])
    since = _day()
    until = _day()
    # who acts next
    next = forms.ChoiceField(required=False, choices=[(word, word) for word in ("me", "owner", "admin", "itself")])
    # the numbers of the imports between which the page lies
    before = _number()
    after = _number()


class RowFilter(forms.Form):
    status = forms.ChoiceField(required=False, choices=[(status, status) for status in ROW_LOOKS])
    problem = _number()
    # the row numbers between which the page lies
    after = _number()
    before = _number()
    # the one row that is opened
    row = _number()
    # the key of what was typed into the search box
    search = forms.CharField(required=False, max_length=40)
    unmasked = forms.BooleanField(required=False)


class PlaceField(forms.RegexField):
    """A row of some import, as "7-42"; the import's own number and the row's."""

    def __init__(self) -> None:
        super().__init__(r"\A[0-9]{1,9}-[0-9]{1,9}\Z", required=False)

    def clean(self, value: Any) -> Place | None:
        text = super().clean(value)
        return Place(*map(int, text.split("-"))) if text else None


class CustomerFilter(forms.Form):
    # the key of what was typed
    search = forms.CharField(required=False, max_length=40)
    # the places between which the page lies
    older = PlaceField()
    newer = PlaceField()
    unmasked = forms.BooleanField(required=False)


class RepairFilter(forms.Form):
    # the cause whose repair is opened, and the row after which its rows begin
    open = _number()
    after = _number()


class CallFilter(forms.Form):
    # the one call that is opened
    call = _number()


class NoticeFilter(forms.Form):
    # the list goes on with those before this one
    before = _number()
    # the newest one that was shown
    upto = _number()
    # how many new ones the shell shows
    shown = _number()


def chosen(form: forms.Form) -> dict[str, Any]:
    """The filters that were understood, without the empty ones."""
    form.is_valid()
    return {name: value for name, value in form.cleaned_data.items() if value not in ("", None, False)}


# What `chosen` makes of each form.


class HistoryFilters(TypedDict, total=False):
    q: str
    status: str
    operation: str
    connection: int
    person: int
    tag: str
    when: str
    next: str
    since: date
    until: date
    before: int
    after: int


class RowFilters(TypedDict, total=False):
    status: str
    problem: int
    after: int
    before: int
    row: int
    search: str
    # what the search is for; the view puts it here
    typed: str
    unmasked: bool


class CustomerFilters(TypedDict, total=False):
    search: str
    older: Place
    newer: Place
    unmasked: bool


class RepairFilters(TypedDict, total=False):
    open: int
    after: int


class CallFilters(TypedDict, total=False):
    call: int


class NoticeFilters(TypedDict, total=False):
    before: int
    upto: int
    shown: int


def history_filter(data: Mapping[str, Any]) -> HistoryFilters:
    return cast(HistoryFilters, chosen(HistoryFilter(data)))


def history_url(filters: Mapping[str, Any]) -> str:
    """The address of the list with these filters, at its first page."""
    query = urlencode({name: value for name, value in filters.items() if name not in PAGING})
    return f"{reverse('import_list')}?{query}" if query else reverse("import_list")


def call_filter(request: HttpRequest) -> CallFilters:
    return cast(CallFilters, chosen(CallFilter(request.GET)))


def repair_filter(request: HttpRequest) -> RepairFilters:
    return cast(RepairFilters, chosen(RepairFilter(request.GET)))


def notice_filter(request: HttpRequest) -> NoticeFilters:
    return cast(NoticeFilters, chosen(NoticeFilter(request.POST or request.GET)))


def row_filter(request: HttpRequest) -> RowFilters:
    return cast(RowFilters, chosen(RowFilter(request.GET)))


def customer_filter(request: HttpRequest) -> CustomerFilters:
    return cast(CustomerFilters, chosen(CustomerFilter(request.GET)))
