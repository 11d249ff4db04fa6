"""A person as an admin writes her down: name, role, password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tagsync.accounts.admins import Refusal, refusal_to_dismiss
from tagsync.accounts.models import Person
from tagsync.accounts.passwords import made_up
from tagsync.accounts.roles import ADMINS, MARKETERS, give_role

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Person]
else:
    _ModelForm = forms.ModelForm  # Django's own class takes no type

ROLES = [(MARKETERS, gettext_lazy("Marketer")), (ADMINS, gettext_lazy("Admin"))]
REFUSALS = {
    Refusal.HERSELF: gettext_lazy("You can't remove your own admin role. Another admin can."),
    Refusal.LAST_ADMIN: gettext_lazy("This is the last active admin. Make somebody else an admin first."),
}


def password_field() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Password"),
        help_text=gettext_lazy("Leave empty to have one generated; it is shown once. Or type at least 10 characters."),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class PersonForm(_ModelForm):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=ROLES, initial=MARKETERS, widget=forms.RadioSelect)

    class Meta:
        model = Person
        fields = ("username", "first_name", "email")
        labels = {
            "username": gettext_lazy("User name"),
            "first_name": gettext_lazy("Full name"),
            "email": gettext_lazy("E-mail"),
        }
        help_texts = {"username": gettext_lazy("Used to sign in. Letters, digits and @ . + - _")}
        widgets = {
            "username": forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
            "first_name": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, *args: Any, by: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        if self.instance.pk is not None:
            self.initial["role"] = ADMINS if self.instance.is_admin else MARKETERS
            self.initial["first_name"] = self.instance.get_full_name()

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        if Person.objects.filter(username__iexact=username).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This user name is already taken."))
        return username

    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        if self.instance.pk is not None and role != ADMINS:
            refusal = refusal_to_dismiss(self.instance, self.by)
            if refusal:
                raise forms.ValidationError(REFUSALS[refusal])
        return role

    def save(self, commit: bool = True) -> Person:
        person = self.instance
        # One field for the whole name: given and family name come in either order.
        person.last_name = ""
        if self.cleaned_data["role"] != ADMINS:
            person.is_superuser = False
        person.save()
        give_role(person, self.cleaned_data["role"])
        return person


class NewPersonForm(PersonForm):
    password = password_field()

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # the stubs leave it out
        check_password(self, self.instance)

    def save(self, commit: bool = True) -> Person:
        self.made_up = "" if self.cleaned_data["password"] else made_up()
        self.instance.set_password(self.cleaned_data["password"] or self.made_up)
        self.instance.must_change_password = bool(self.made_up)
        return super().save(commit)


class PasswordForm(forms.Form):
    """A new password for somebody who has an account."""

    password = password_field()

    def __init__(self, *args: Any, person: Person, by: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.by = person, by

    def clean(self) -> dict[str, Any]:
        check_password(self, self.person)
        return self.cleaned_data

    def save(self) -> str:
        """Sets it, which ends all her sessions. Returns the password if it was made up."""
        fresh = "" if self.cleaned_data["password"] else made_up()
        self.person.set_password(self.cleaned_data["password"] or fresh)
        # Nobody else has read what she had made up for herself.
        self.person.must_change_password = bool(fresh) and self.person.pk != self.by.pk
        self.person.save(update_fields=["password", "must_change_password"])
        return fresh


def check_password(form: forms.BaseForm, person: Person) -> None:
    password = form.cleaned_data.get("password")
    if not password:
        return
    try:
        validate_password(password, person)
    except forms.ValidationError as error:
        form.add_error("password", error)
