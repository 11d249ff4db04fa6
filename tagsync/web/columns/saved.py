"""What a page that saves itself sends, as the draft takes it; and what it is told. Choices are kept as they were made,
complete or not: only what could not be sent as it stands is left out, and named."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tagsync.database import shown_now
from tagsync.imports.drafts.saving import Choice, Seen
from tagsync.imports.models import ImportJob
from tagsync.mapping.fields import FIELDS
from tagsync.web.columns.forms import ColumnsForm, field_name
from tagsync.web.columns.settings_form import MATCHINGS, SettingsForm
from tagsync.web.filters import number_in

# Of the forms' fields, besides the columns: those that are named as the import names them.
ALIKE = ("fixed_tags", "hidden_rows", "connection", "operation")
_page = re.compile(r"[\w-]{1,16}", re.ASCII)


class Conflict(NamedTuple):
    """`version`: what is there now, for whoever wants her own choices all the same; "" where these mean nothing."""

    title: str
    text: str
    version: str = ""


class Saved(NamedTuple):
    """What the page carries to know itself again, and what is said of its last save."""

    version: str
    page: str
    turn: int
    unsaved: list[str]
    conflict: Conflict | None = None

    @property
    def status(self) -> int:
        return 409 if self.conflict else 200


def seen_in(data: Mapping[str, Any]) -> Seen:
    """`over`: the newer choices that she was told of, and wants hers instead."""
    page = str(data.get("of_page", ""))
    version = str(data.get("over") or data.get("of_version", ""))
    return Seen(version, page if _page.fullmatch(page) else "", number_in(str(data.get("turn", ""))))


def shown_time(when: datetime | None) -> str:
    """Of a save: with its day unless that is today."""
    if when is None:
        return ""
    local, now = timezone.localtime(when), timezone.localtime(shown_now())
    return date_format(local, "H:i" if local.date() == now.date() else "Y-m-d H:i")


def newly_opened(job: ImportJob) -> Saved:
    return Saved(job.choices_sha256(), secrets.token_urlsafe(9), 0, [])


def still_open(job: ImportJob, seen: Seen, unsaved: list[str]) -> Saved:
    """The same page after its save."""
    return Saved(job.choices_sha256(), seen.page or secrets.token_urlsafe(9), seen.turn, unsaved)


def overtaken(job: ImportJob, seen: Seen) -> Saved:
    """The same page, whose choices are not kept; they stay on it, for the person to decide."""
    title = _("This import was changed in another tab or by somebody else. What you chose here is not saved.")
    text = _("Load the latest choices, or replace them with those on this page.")
    conflict = Conflict(title, text, job.choices_sha256())
    return Saved(seen.version, seen.page, seen.turn, [], conflict)


def of_another_sheet(seen: Seen) -> Saved:
    title = _("Another sheet or header row has been chosen in the meantime. Nothing here is saved.")
    text = _("These choices are for other columns. Load the latest choices, and choose there.")
    return Saved(seen.version, seen.page, seen.turn, [], Conflict(title, text))


def choice_in(columns: ColumnsForm, settings: SettingsForm) -> Choice:
    """Of bound forms."""
    said = {column: str(columns.data.get(field_name(column), "?")) for column in columns.columns}
    fields = {column: key or None for column, key in said.items() if not key or key in FIELDS}
    columns.is_valid(), settings.is_valid()
    valid = {**columns.cleaned_data, **settings.cleaned_data}
    kept = {name: valid[name] for name in ALIKE if name in valid and name in {**columns.data, **settings.data}}
    if valid.get("matching"):
        kept["match"], kept["identify_way"] = MATCHINGS[valid["matching"]]
    return Choice(fields, kept)


def unsaved_in(columns: ColumnsForm, settings: SettingsForm) -> list[str]:
    """What is not kept as it was typed, each with the reason."""
    found = []
    for form in (columns, settings):
        for name in form.errors:
            if name in ALIKE and form.data.get(name):
                errors = " ".join(map(str, form.errors[name]))
                found.append(_("%(field)s: %(error)s") % {"field": form.fields[name].label, "error": errors})
    return found
