"""Filters of lists, read from the address. Whatever is not understood is no filter: a mistyped address is no error."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from tagsync.imports.customers import Place
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


class CallFilter(forms.Form):
    # the one call that is opened
    call = _number()


def chosen(form: forms.Form) -> dict[str, Any]:
    """The filters that were understood, without the empty ones."""
    form.is_valid()
    return {name: value for name, value in form.cleaned_data.items() if value not in ("", None, False)}


def history_filter(request: HttpRequest) -> dict[str, Any]:
    return chosen(HistoryFilter(request.GET))


def call_filter(request: HttpRequest) -> dict[str, Any]:
    return chosen(CallFilter(request.GET))


def row_filter(request: HttpRequest) -> dict[str, Any]:
    return chosen(RowFilter(request.GET))


def customer_filter(request: HttpRequest) -> dict[str, Any]:
    return chosen(CustomerFilter(request.GET))
