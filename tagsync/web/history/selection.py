"""Which imports were ticked in the list, and where it stood. Whatever is no number is nothing."""

from __future__ import annotations

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from tagsync.web.filters import history_filter, history_url, number_in

MOST = 100


def selected_numbers(data: QueryDict) -> list[int]:
    return sorted({number_in(text) for text in data.getlist("import")[:MOST]} - {0}, reverse=True)


def list_behind(data: QueryDict) -> str:
    """The address of the list with the filters that it had; never an address that somebody else wrote."""
    return history_url(history_filter(QueryDict(data.get("back", "").partition("?")[2])))


def with_selection(name: str, data: QueryDict) -> str:
    """The address of a review of the same imports."""
    query = [*(("import", str(number)) for number in selected_numbers(data)), ("back", list_behind(data))]
    return f"{reverse(name)}?{urlencode(query)}"
