"""What a person says about her own account: a new password, and where her notices go besides the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tagsync.accounts.models import Person

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Person]
else:
    _ModelForm = forms.ModelForm  # Django's own class takes no type


class OwnPasswordForm(PasswordChangeForm):
    error_messages = {
        "password_incorrect": gettext_lazy("The current password is not correct."),
        "password_mismatch": gettext_lazy("The two new passwords differ."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = _("Current password")
        if not self.user.must_change_password:
            # It is one of several things on its page.
            self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.fields["new_password1"].label = _("New password")
        # Django's is a list, which can't stand in a paragraph.
        self.fields["new_password1"].help_text = _("At least 10 characters, and not like your name.")
        self.fields["new_password2"].label = _("New password again")
        self.fields["new_password2"].help_text = ""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        new = data.get("new_password2")
        if new and new == data.get("old_password"):
            self.add_error("new_password1", _("That is your current password. Choose another one."))
        return data

    def save(self, commit: bool = True) -> Person:
        """Only these: an admin may be disabling her at this moment."""
        self.user.set_password(self.cleaned_data["new_password1"])
        self.user.must_change_password = False
        self.user.save(update_fields=["password", "must_change_password"])
        return self.user


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
