"""A connection as an admin writes it down. Credentials go in and never come out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tagsync.accounts.models import Person
from tagsync.connections.addresses import normalised
from tagsync.connections.credentials import check_credential, ending
from tagsync.connections.crypto import CredentialsUnreadable
from tagsync.connections.models import MAX_ROWS_PER_CALL, Connection
from tagsync.connections.pace import forget_slots
from tagsync.imports.models import ImportJob
from tagsync.imports.states import UNDER_WAY, JobStatus

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Connection]
else:
    _ModelForm = forms.ModelForm  # Django's own class takes no type

FIXED, APP = "token", "app"
CREDENTIAL_FIELDS = (
    "app_id",
    "app_secret_encrypted",
    "fixed_token_encrypted",
    "token_encrypted",
    "token_expires_at",
    "token_renew_at",
    "token_lease_until",
    "token_refusals",
)
# What was sent to one tenant must be finished with that tenant.
UNSETTLED = Q(status__in=UNDER_WAY) | Q(status__in=(JobStatus.STOPPED, JobStatus.BLOCKED), counts__waiting__gt=0)


def unsettled_imports(connection: Connection) -> int:
    """Imports that send, or that can be resumed."""
    return ImportJob.objects.filter(UNSETTLED, connection=connection).count()


def secret_field(label: Any, help_text: Any) -> forms.CharField:
    # new-password: a browser must not offer the admin's own password here.
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"})
    return forms.CharField(label=label, help_text=help_text, required=False, widget=widget)


class ConnectionForm(_ModelForm):
    credentials = forms.ChoiceField(
        label=gettext_lazy("Credentials"),
        choices=[(APP, gettext_lazy("App id and secret")), (FIXED, gettext_lazy("Fixed token"))],
        initial=APP,
        widget=forms.RadioSelect,
    )
    app_secret = secret_field(gettext_lazy("App secret"), gettext_lazy("It belongs to the app id."))
    fixed_token = secret_field(gettext_lazy("Fixed token"), gettext_lazy("It expires two hours after it was issued."))

    class Meta:
        model = Connection
        fields = (
            "name",
            "base_url",
            "path",
            "token_path",
            "app_id",
            "customer_id_key",
            "way_two_order",
            "rows_per_call",
            "calls_per_period",
            "period_seconds",
            "parallel_calls",
            "resend_unanswered",
        )
        widgets = {
            "base_url": forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://integrate.rabbitpre.com"}),
            "way_two_order": forms.RadioSelect,
            "app_id": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        }
        help_texts = {
            "base_url": gettext_lazy("Scheme and host only. Plain http is only for this machine."),
            "token_path": gettext_lazy("Used only with app id and secret."),
            "customer_id_key": gettext_lazy(
                "What the platform calls the customer ID in its requests; newer tenants use thirdId."
            ),
            "rows_per_call": gettext_lazy("The platform takes at most 500."),
            "resend_unanswered": gettext_lazy(
                "When no readable answer comes, it is not known whether the platform took the rows. "
                "On: they are sent again automatically; for tags that is harmless. Off: such rows "
                "are in doubt at once."
            ),
            "calls_per_period": gettext_lazy("The platform documents 10 calls per 5 seconds for reading."),
        }
        error_messages = {"name": {"unique": gettext_lazy("There is a connection of this name, perhaps archived.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = self.instance.pk is not None
        self.unsettled = unsettled_imports(self.instance) if self.stored else 0
        if self.instance.is_sandbox:
            # Set at each start; whatever is posted is not read.
            self.fields["base_url"].disabled = True
            self.fields["base_url"].help_text = _("The test platform of this installation; set at each start.")
        if self.stored:
            self.initial["credentials"] = FIXED if self.instance.uses_fixed_token else APP
            self._describe_stored()
        self.initial["period_seconds"] = f"{self.instance.period_seconds:g}"
        self.pace_before = (self.instance.calls_per_period, self.instance.period_seconds)
        self.fields["rows_per_call"].widget.attrs["max"] = MAX_ROWS_PER_CALL

    def _describe_stored(self) -> None:
        name = "fixed_token" if self.instance.uses_fixed_token else "app_secret"
        field = self.fields[name]
        field.widget.attrs["placeholder"] = _("leave empty to keep")
        try:
            shown = ending(self.instance.fixed_token() or self.instance.app_secret())
        except CredentialsUnreadable:
            field.help_text = _("The stored value was encrypted with another key and cannot be read: enter it again.")
            return
        if shown:
            field.help_text = _("Stored, ends in …%(ending)s. Leave empty to keep it.") % {"ending": shown}

    def clean_fixed_token(self) -> str:
        return self._checked("fixed_token")

    def clean_app_secret(self) -> str:
        return self._checked("app_secret")

    def _checked(self, name: str) -> str:
        text = str(self.cleaned_data[name])
        check_credential(text)
        return text

    def clean(self) -> dict[str, Any]:
        super().clean()  # switches on the look for another connection of the same name
        data = self.cleaned_data
        if data.get("credentials") == FIXED:
            data["app_id"] = ""
            self._need("fixed_token", self.instance.fixed_token_encrypted, _("Enter the token."))
        else:
            if not data.get("app_id") and "app_id" not in self.errors:
                self.add_error("app_id", _("Enter the app id."))
            kept = self.instance.app_secret_encrypted if data.get("app_id") == self.initial.get("app_id") else ""
            self._need("app_secret", kept, _("Enter the secret of this app."))
        if self.unsettled:
            self._keep_tenant()
        return data

    def _need(self, name: str, kept: str, sentence: str) -> None:
        """A stored secret goes only to the address that it was entered for."""
        if self.cleaned_data.get(name) or name in self.errors:
            return
        if not kept:
            self.add_error(name, sentence)
        elif self._address_changes():
            self.add_error(
                name,
                _("The address has changed: enter this again, because a stored value is not sent to a new address."),
            )

    def _address_changes(self) -> bool:
        before, after = self.initial.get("base_url"), self.cleaned_data.get("base_url")
        return self.stored and after is not None and normalised(after) != normalised(str(before))

    def _keep_tenant(self) -> None:
        sentence = ngettext(
            "This can't be changed while %(count)s import on the connection is not finished. Finish "
            "it, or add another connection.",
            "This can't be changed while %(count)s imports on the connection are not finished. "
            "Finish them, or add another connection.",
            self.unsettled,
        ) % {"count": self.unsettled}
        if self._address_changes():
            self.add_error("base_url", sentence)
        if self.cleaned_data.get("app_id", self.initial.get("app_id")) != self.initial.get("app_id"):
            self.add_error("app_id", sentence)

    def save(self, commit: bool = True, by: Person | None = None) -> Connection:
        """Writes only what the form is about: a run may be taking a queue number or a token at this moment."""
        connection = self.instance
        fields = [*self.Meta.fields]
        entered = self._set_credentials(connection)
        if entered:
            fields = [*dict.fromkeys([*fields, *CREDENTIAL_FIELDS])]
        if "rows_per_call" in self.changed_data:
            connection.max_body_bytes = None
            fields.append("max_body_bytes")
        connection.save(update_fields=fields if self.stored else None)
        if entered and self.stored:
            connection.unblock(by)
        if self.stored and (connection.calls_per_period, connection.period_seconds) != self.pace_before:
            forget_slots(connection)
        return connection

    def _set_credentials(self, connection: Connection) -> bool:
        """Whether new ones were entered."""
        data = self.cleaned_data
        if data["credentials"] == FIXED and data["fixed_token"]:
            connection.set_fixed_token(data["fixed_token"])
            return True
        if data["credentials"] == APP and data["app_secret"]:
            connection.set_app(data["app_id"], data["app_secret"])
            return True
        return False
