"""Which column is which field: one choice per column of the sheet. What the columns hold is not looked at here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tagsync.imports.drafts import SheetView, column_problems
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import sentence
from tagsync.mapping.fields import FIELDS
from tagsync.sheets.cells import column_letter

FOR_THE_WHOLE_FORM = ("no_identifier_column", "no_tags_column")


def field_name(column: int) -> str:
    return f"column_{column}"


def field_label(key: str) -> str:
    """The field's name in the active language."""
    return gettext(FIELDS[key].label)


class SheetForm(forms.Form):
    """Which sheet, and which of its rows holds the column names. Without a row it is guessed."""

    sheet = forms.CharField(max_length=100, strip=False)
    header_row = forms.IntegerField(min_value=1, max_value=1_048_576, required=False)


class ColumnsForm(forms.Form):
    """One select per column. `use` in the data is the column whose suggestion was accepted by its button."""

    def __init__(self, job: ImportJob, view: SheetView, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(_with_suggestion_used(data, view) if data is not None else None)
        self.columns = [suggestion.column for suggestion in view.suggestions]
        stored = {column["column"]: column["field"] for column in job.columns}
        targets = [("", gettext("Will not be sent")), *((key, field_label(key)) for key in FIELDS)]
        for suggestion in view.suggestions:
            column = suggestion.column
            self.fields[field_name(column)] = forms.ChoiceField(
                label=suggestion.header or column_letter(column),
                choices=targets,
                required=False,
                initial=stored.get(column) or "",
                widget=forms.Select(attrs={"aria-labelledby": f"name-{column}", "aria-describedby": f"note-{column}"}),
                error_messages={"invalid_choice": _("Choose one of the fields.")},
            )

    def chosen(self) -> dict[int, str | None]:
        """Column → field key or None, as far as the form says something valid; nothing needs to be complete."""
        if not self.is_bound:
            return {column: self.fields[field_name(column)].initial or None for column in self.columns}
        self.full_clean()
        said = {column: str(self.data.get(field_name(column), "")) for column in self.columns}
        return {column: key if key in FIELDS else None for column, key in said.items()}

    def clean(self) -> dict[str, Any]:
        taken: dict[str, int] = {}
        for column in self.columns:
            key = self.cleaned_data.get(field_name(column))
            if key and taken.setdefault(key, column) != column:
                self.add_error(field_name(column), taken_twice(key, taken[key]))
        for code, key in missing(list(self.chosen_so_far().values())):
            self.add_error(None, sentence(code, {"field": key}).title)
        return self.cleaned_data

    def chosen_so_far(self) -> dict[int, str | None]:
        return {column: self.cleaned_data.get(field_name(column)) or None for column in self.columns}


def _with_suggestion_used(data: Mapping[str, Any], view: SheetView) -> Mapping[str, Any]:
    used = str(data.get("use", ""))
    for suggestion in view.suggestions:
        if str(suggestion.column) == used and suggestion.field:
            return {**{key: data[key] for key in data}, field_name(suggestion.column): suggestion.field}
    return data


def taken_twice(key: str, first_column: int) -> str:
    return gettext("“%(field)s” is already taken by column %(column)s.") % {
        "field": field_label(key),
        "column": column_letter(first_column),
    }


def missing(fields: Sequence[str | None]) -> list[tuple[str, str]]:
    """What no column gives yet, as codes of `imports.problems` with their field."""
    return [(code, key) for code, key in column_problems(fields) if code in FOR_THE_WHOLE_FORM]
