"""Filters of lists, read from the address. Whatever is not understood is no filter: a mistyped address is no error."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from tagsync.web.looks import ROW_LOOKS

# The largest number that every database takes as a row number or an id.
MAX_NUMBER = 2**31 - 1


def _number() -> forms.IntegerField:
    return forms.IntegerField(required=False, min_value=0, max_value=MAX_NUMBER)


class HistoryFilter(forms.Form):
    q = forms.CharField(required=False, max_length=200)
    status = forms.CharField(required=False, max_length=40)
    person = _number()


class RowFilter(forms.Form):
    status = forms.ChoiceField(required=False, choices=[(status, status) for status in ROW_LOOKS])
    problem = _number()
    # the row numbers between which the page lies
    after = _number()
    before = _number()
    # the one row that is opened
    row = _number()
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


def history_filter(request: HttpRequest) -> dict[str, Any]:
    return chosen(HistoryFilter(request.GET))


def call_filter(request: HttpRequest) -> dict[str, Any]:
    return chosen(CallFilter(request.GET))


def repair_filter(request: HttpRequest) -> dict[str, Any]:
    return chosen(RepairFilter(request.GET))


def notice_filter(request: HttpRequest) -> dict[str, Any]:
    return chosen(NoticeFilter(request.POST or request.GET))


def row_filter(request: HttpRequest) -> dict[str, Any]:
    return chosen(RowFilter(request.GET))
