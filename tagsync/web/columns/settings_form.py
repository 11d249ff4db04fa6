"""The choices of an import: connection, operation, and how customers are found. Knows nothing of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tagsync.connections.models import Connection
from tagsync.imports.drafts.drafts import Choices
from tagsync.imports.models import ImportJob
from tagsync.imports.models.choices import Match, Operation
from tagsync.web.typed_count import digits

TRIAL_ROWS = 10
# One choice instead of two that depend on each other: value → match, identify way.
MATCHINGS: dict[str, tuple[Match, int | None]] = {
    "fuzzy-1": (Match.FUZZY, 1),
    "fuzzy-2": (Match.FUZZY, 2),
    "exact": (Match.EXACT, None),
    "none": (Match.NONE, None),
}


def matching_of(job: ImportJob) -> str:
    """The choice that stands for the job's match and identify way."""
    return f"fuzzy-{job.identify_way or 1}" if job.match == Match.FUZZY else job.match


class SettingsForm(forms.Form):
    connection = forms.ModelChoiceField(
        Connection.objects.none(),
        label=_("Connection"),
        empty_label=_("Choose a connection"),
        error_messages={
            "required": _("Choose a connection."),
            "invalid_choice": _("This connection can no longer be used. Choose another."),
        },
    )
    operation = forms.ChoiceField(
        label=_("What to do"), choices=Operation.choices, error_messages={"required": _("Choose what to do.")}
    )
    matching = forms.ChoiceField(
        label=_("How customers are found"),
        choices=[(value, value) for value in MATCHINGS],
        error_messages={"required": _("Choose how customers are found.")},
    )

    def __init__(self, job: ImportJob, data: Mapping[str, Any] | None = None) -> None:
        initial = {"connection": job.connection_id, "operation": job.operation, "matching": matching_of(job)}
        super().__init__(data, initial=initial)
        connections = self.fields["connection"]
        assert isinstance(connections, forms.ModelChoiceField)
        connections.queryset = Connection.objects.usable()

    def choices(self) -> Choices:
        """After is_valid()."""
        match, way = MATCHINGS[self.cleaned_data["matching"]]
        return Choices(self.cleaned_data["connection"], self.cleaned_data["operation"], match, way)


class StartForm(forms.Form):
    """The last button. `seen` is what the person looked at; a delete asks for the number of rows besides."""

    seen = forms.CharField(max_length=40, widget=forms.HiddenInput)
    confirm_count = forms.CharField(required=False, max_length=40)
    trial = forms.BooleanField(required=False)

    def __init__(self, job: ImportJob, rows: int, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        # a trial of everything is none
        self.trial_rows = TRIAL_ROWS if rows > TRIAL_ROWS else None
        self.asks_for_count = job.operation == Operation.DELETE
        self.rows = rows

    def clean_confirm_count(self) -> str:
        typed = str(self.cleaned_data["confirm_count"])
        if self.asks_for_count and digits(typed) != str(self.rows):
            raise forms.ValidationError(_("Type the number of rows exactly as shown above the field."))
        return typed

    def chosen_trial(self) -> int | None:
        """After is_valid(): how many rows go first, or None for all of them."""
        return self.trial_rows if self.cleaned_data["trial"] else None
