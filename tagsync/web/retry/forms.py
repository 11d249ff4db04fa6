"""Which rows a person wants to send again. One form reads the review's address and the button's post."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.http import QueryDict

from tagsync.imports.followups.retry import Selection
from tagsync.imports.states import RETRYABLE, RowStatus
from tagsync.web.filters import MAX_NUMBER, number_in
from tagsync.web.record.causes import SUPERSEDED
from tagsync.web.typed_count import digits

KINDS = ("all", "problem", "rows")
MAX_ROWS = 4000  # each is a field of the post; DATA_UPLOAD_MAX_NUMBER_FIELDS stands above it


class _RetryForm(forms.Form):
    choice = forms.CharField(required=False, max_length=30)
    problem = forms.IntegerField(required=False, min_value=1, max_value=MAX_NUMBER)
    in_doubt = forms.BooleanField(required=False)
    confirm_count = forms.CharField(required=False, max_length=40)


@dataclass(frozen=True)
class Choice:
    """`kind` is one of KINDS; `superseded`: of the superseded rows alone, and no others of these."""

    kind: str
    problem: int | None
    row_numbers: list[int]
    in_doubt: bool
    superseded: bool = False
    # the number of rows that a person typed, "" when none
    typed_count: str = ""

    @property
    def value(self) -> str:
        """As it stands in a form's `choice`."""
        if self.kind == "problem":
            return f"{SUPERSEDED if self.superseded else 'problem'}-{self.problem or ''}"
        if self.superseded:
            return SUPERSEDED if self.kind == "all" else f"{SUPERSEDED}-{self.kind}"
        return self.kind

    def selection(self, *, in_doubt: bool | None = None) -> Selection | None:
        """None when the choice names no rows at all: an empty list must never come to mean all rows."""
        wanted = self.in_doubt if in_doubt is None else in_doubt
        statuses = RETRYABLE if wanted else frozenset({RowStatus.REJECTED})
        if self.superseded:
            statuses = frozenset({RowStatus.SUPERSEDED})
        if self.kind == "rows":
            return Selection(statuses, row_numbers=self.row_numbers) if self.row_numbers else None
        if self.kind == "problem":
            return Selection(statuses, problems=[self.problem]) if self.problem else None
        return Selection(statuses)


def read_choice(data: QueryDict) -> Choice:
    """`choice` is "all", "rows" or "problem-<id>"; without it, a link with `problem` or `row` says enough."""
    form = _RetryForm(data)
    form.is_valid()
    kind, dash, number = form.cleaned_data.get("choice", "").partition("-")
    superseded = kind == SUPERSEDED
    if superseded:
        kind = "rows" if number == "rows" else "problem" if dash else "all"
    problem = number_in(number) or (None if superseded else form.cleaned_data.get("problem"))
    rows = sorted({number_in(text) for text in data.getlist("row")[:MAX_ROWS]} - {0})
    if kind not in KINDS:
        kind = "rows" if rows else "problem" if "problem" in data else "all"
    in_doubt, typed = bool(form.cleaned_data.get("in_doubt")), digits(form.cleaned_data.get("confirm_count", ""))
    return Choice(kind, problem, rows, in_doubt, superseded, typed)
