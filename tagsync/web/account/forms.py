"""A person's new password, as she chooses it herself."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import PasswordChangeForm
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tagsync.accounts.models import Person


class OwnPasswordForm(PasswordChangeForm):
    error_messages = {
        "password_incorrect": gettext_lazy("The present password is not correct."),
        "password_mismatch": gettext_lazy("The two new passwords differ."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = _("Present password")
        self.fields["new_password1"].label = _("New password")
        # Django's is a list, which can't stand in a paragraph.
        self.fields["new_password1"].help_text = _("At least 10 characters, and not like your name.")
        self.fields["new_password2"].label = _("New password again")
        self.fields["new_password2"].help_text = ""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        new = data.get("new_password2")
        if new and new == data.get("old_password"):
            self.add_error("new_password1", _("That is your present password. Choose another one."))
        return data

    def save(self, commit: bool = True) -> Person:
        """Only these: an admin may be disabling her at this moment."""
        self.user.set_password(self.cleaned_data["new_password1"])
        self.user.must_change_password = False
        self.user.save(update_fields=["password", "must_change_password"])
        return self.user
