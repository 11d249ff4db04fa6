"""Where a person's notices go besides the page; she says it herself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tagsync.accounts.models import Person

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Person]
else:
    _ModelForm = forms.ModelForm  # Django's own class takes no type


class MailForm(_ModelForm):
    class Meta:
        model = Person
        fields = ("email", "mail_notices")
        labels = {"email": gettext_lazy("E-mail"), "mail_notices": gettext_lazy("Send me notices by e-mail")}
        widgets = {"email": forms.EmailInput(attrs={"autocomplete": "email"})}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("mail_notices") and not data.get("email") and "email" not in self.errors:
            self.add_error("email", _("Enter the address that they go to."))
        return data

    def save(self, commit: bool = True) -> Person:
        """No more than these two: nothing else of her account is this form's business."""
        self.instance.save(update_fields=self.Meta.fields)
        return self.instance
