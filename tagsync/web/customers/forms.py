"""The boxes into which a person types an identifier. Sent by POST only: what is typed there is personal data."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from tagsync.imports.customer_search import is_masked, sought
from tagsync.mapping.fields import IDENTIFIERS

_MASKED = _("Pages hide the middle of an identifier (****). Type or paste the complete identifier, as in the file.")
_EMPTY = _("Type an identifier first.")


class CustomerSearch(forms.Form):
    typed = forms.CharField(
        label=_("Identifier"),
        max_length=200,
        error_messages={"required": _EMPTY},
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "placeholder": _("Customer ID, openid, unionid or phone"),
            }
        ),
    )

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if is_masked(typed):
            raise forms.ValidationError(_MASKED)
        if not sought(typed):
            raise forms.ValidationError(_EMPTY)
        return typed


class CustomerOfRow(forms.Form):
    """Names an identifier by the row that holds it, so that it need not stand in the page."""

    row = forms.IntegerField(min_value=1, max_value=2**31 - 1)
    field = forms.ChoiceField(choices=[(field, field) for field in IDENTIFIERS])
