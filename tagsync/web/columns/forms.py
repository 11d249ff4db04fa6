"""Which column is which field: one choice per column of the sheet. What the columns hold is not looked at here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tagsync.imports.drafts.drafts import column_problems
from tagsync.imports.drafts.sheet_view import SheetView, asks_for_hidden_rows, open_questions
from tagsync.imports.models import ImportJob
from tagsync.imports.models.choices import HiddenRows
from tagsync.imports.problems import sentence
from tagsync.mapping.cleaning import clean_shown_tags
from tagsync.mapping.fields import FIELDS
from tagsync.mapping.matching import Suggestion
from tagsync.sheets.cells import column_letter
from tagsync.sheets.reading import Reading

FOR_THE_WHOLE_FORM = ("no_identifier_column", "no_tags_column")


def field_name(column: int) -> str:
    return f"column_{column}"


def shown_reading(job: ImportJob) -> str:
    """How the file is read, as a page says it to know again which reading its choices were made for."""
    return "/".join(job.reading)


def field_label(key: str) -> str:
    """The field's name in the active language."""
    return gettext(FIELDS[key].label)


class SheetForm(forms.Form):
    """Which sheet, and which of its rows holds the column names: 0 when none does. Without a row it is guessed. And how
    a text file is read: what is not named stays as it was."""

    sheet = forms.CharField(max_length=100, strip=False)
    header_row = forms.IntegerField(min_value=0, max_value=1_048_576, required=False)
    encoding = forms.CharField(max_length=20, required=False)
    delimiter = forms.CharField(max_length=1, required=False, strip=False)

    def reading(self, before: Reading) -> Reading:
        """After is_valid()."""
        said = (self.cleaned_data[part] or as_before for part, as_before in before._asdict().items())
        return Reading(*said)


class ColumnsForm(forms.Form):
    """One select per column, and tags for all rows. `use` in the data names the column whose suggestion was accepted
    by its button, or "all"."""

    fixed_tags = forms.CharField(
        label=_("Tags for every row"),
        required=False,
        max_length=1000,
        help_text=_(
            "These count for every row, in addition to the tags from its columns. Separate several with commas."
        ),
    )

    def __init__(self, job: ImportJob, view: SheetView, data: Mapping[str, Any] | None = None) -> None:
        self.job, self._view = job, view
        given = {"fixed_tags": job.fixed_tags}
        super().__init__(_with_suggestion_used(data, view) if data is not None else None, initial=given)
        self.columns = [suggestion.column for suggestion in view.suggestions]
        stored = {column["column"]: column["field"] for column in job.columns}
        targets = [("", gettext("Will not be sent")), *((key, field_label(key)) for key in FIELDS)]
        if asks_for_hidden_rows(job, view):
            self.fields["hidden_rows"] = forms.ChoiceField(
                label=_("Hidden rows"),
                choices=HiddenRows.choices,
                initial=job.hidden_rows,
                widget=forms.RadioSelect,
                error_messages={"required": _("Choose which rows to send.")},
            )
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

    def is_of_sheet(self) -> bool:
        """Whether the page that was filled in showed the import's sheet, read as it is now: choices are by column.

        A page that was opened before an update carries nothing; then what the request has found counts.
        """
        if "of_sheet" not in self.data:
            return True
        row = "" if self.job.header_row is None else str(self.job.header_row)
        read = shown_reading(self.job)
        seen = (self.data["of_sheet"], self.data.get("of_header_row"), self.data.get("of_reading", read))
        return seen == (self.job.sheet, row, read)

    def chosen(self) -> dict[int, str | None]:
        """Column → field key or None, as far as the form says something valid; nothing needs to be complete."""
        if not self.is_bound:
            return {column: self.fields[field_name(column)].initial or None for column in self.columns}
        self.full_clean()
        said = {column: str(self.data.get(field_name(column), "")) for column in self.columns}
        return {column: key if key in FIELDS else None for column, key in said.items()}

    def chosen_tags(self) -> str:
        """The tags for every row, clean; "" while they are not valid."""
        if not self.is_bound:
            return str(self.initial["fixed_tags"])
        self.full_clean()
        return str(self.cleaned_data.get("fixed_tags", ""))

    def clean_fixed_tags(self) -> str:
        cleaned = clean_shown_tags(self.cleaned_data["fixed_tags"])
        for flaw in cleaned.flaws:
            raise forms.ValidationError(sentence(flaw.code, {"field": "tags", **flaw.params}).title)
        return cleaned.value

    def clean(self) -> dict[str, Any]:
        taken: dict[str, int] = {}
        for column in self.columns:
            key = self.cleaned_data.get(field_name(column))
            if key and key != "tags" and taken.setdefault(key, column) != column:
                self.add_error(field_name(column), taken_twice(key, taken[key]))
        for question in open_questions(self.job, self._view):
            self.add_error(None, sentence(f"{question.code}_undecided").title)
        for code, key in missing(list(self.chosen_so_far().values()), self.cleaned_data.get("fixed_tags", "")):
            self.add_error(None, sentence(code, {"field": key}).title)
        return self.cleaned_data

    def chosen_hidden_rows(self) -> str:
        """After is_valid()."""
        return str(self.cleaned_data.get("hidden_rows", ""))

    def chosen_so_far(self) -> dict[int, str | None]:
        return {column: self.cleaned_data.get(field_name(column)) or None for column in self.columns}


def _with_suggestion_used(data: Mapping[str, Any], view: SheetView) -> Mapping[str, Any]:
    used = str(data.get("use", ""))
    accepted = {
        field_name(suggestion.column): suggestion.field
        for suggestion in view.suggestions
        if suggestion.field and (str(suggestion.column) == used or (used == "all" and _is_open(suggestion, data)))
    }
    return {**{key: data[key] for key in data}, **accepted} if accepted else data


def _is_open(suggestion: Suggestion, data: Mapping[str, Any]) -> bool:
    """A suggestion that nobody has decided on, for a field that no other column gives."""
    chosen = [data.get(name) for name in data if name.startswith("column_")]
    return not data.get(field_name(suggestion.column)) and not suggestion.exact and suggestion.field not in chosen


def taken_twice(key: str, first_column: int) -> str:
    return gettext("“%(field)s” is already taken by column %(column)s.") % {
        "field": field_label(key),
        "column": column_letter(first_column),
    }


def missing(fields: Sequence[str | None], fixed_tags: str) -> list[tuple[str, str]]:
    """What nothing gives yet, as codes of `imports.problems` with their field."""
    return [(code, key) for code, key in column_problems(fields, fixed_tags) if code in FOR_THE_WHOLE_FORM]
