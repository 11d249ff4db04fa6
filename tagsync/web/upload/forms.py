"""The upload form. Whether the file can be read is found by reading it, not here."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from tagsync.accounts.models import Person
from tagsync.imports.drafts.drafts import Refusal
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import Sentence, sentence
from tagsync.web.filters import number_in

ACCEPTED = ".xlsx,.xlsm,.xls,.et,.csv,.tsv,.txt"
# What people take for a sheet, by its ending: code of `imports.problems` → endings.
MISTAKEN = {
    "pdf": ".pdf",
    "image": ".png,.jpg,.jpeg,.gif,.webp,.heic,.bmp",
    "archive": ".zip,.rar,.7z,.gz",
    "numbers": ".numbers",
    "ods": ".ods",
    "xlsb": ".xlsb",
    "html": ".html,.htm,.mht",
}


class UploadForm(forms.Form):
    # An empty file has its own sentence further down, one that says what to do.
    file = forms.FileField(
        label=_("Excel file"), allow_empty_file=True, error_messages={"required": _("Choose a file first.")}
    )
    title = forms.CharField(
        label=_("Title"),
        required=False,
        max_length=200,
        help_text=_("A name to find this import by. Without one, the file name is shown."),
    )

    def clean_file(self) -> UploadedFile[bytes]:
        upload: UploadedFile[bytes] = self.cleaned_data["file"]
        most = settings.TAGSYNC_MAX_UPLOAD_BYTES
        if (upload.size or 0) > most:
            lines = _what_and_advice("too_large", {"max_bytes": most})
            raise forms.ValidationError([forms.ValidationError(line, code="too_large") for line in lines])
        return upload

    @property
    def status(self) -> int:
        """Of the answer that shows what is wrong."""
        return 413 if self.has_error("file", "too_large") else 422

    def refuse(self, refusal: Refusal) -> None:
        """Say at the file why it was not taken, and what to do."""
        for line in _what_and_advice(refusal.code, refusal.params):
            self.add_error("file", line)


def refusals() -> list[tuple[str, str, Sentence]]:
    """(code, endings, sentence) of what a browser can refuse by itself, before anything is sent."""
    limit = {"max_bytes": settings.TAGSYNC_MAX_UPLOAD_BYTES}
    plain = [(code, "", sentence(code, limit)) for code in ("not_a_workbook", "empty_file", "too_large")]
    return plain + [(code, endings, sentence(code)) for code, endings in MISTAKEN.items()]


def _what_and_advice(code: str, params: Mapping[str, str | int]) -> list[str]:
    why = sentence(code, params)
    return [why.title, why.advice]


def corrected_by(data: QueryDict, person: Person) -> ImportJob | None:
    """The import whose page has led here with a corrected sheet; only told, the file itself says what it corrects."""
    return ImportJob.objects.visible_to(person).filter(pk=number_in(data.get("corrects", ""))).first()


def like_of(data: QueryDict, person: Person) -> ImportJob | None:
    """The import whose settings are asked for. One that this person may not see, or that has none yet, is no answer."""
    seen = ImportJob.objects.visible_to(person).exclude(connection=None)
    return seen.filter(pk=number_in(data.get("like", ""))).select_related("connection").first()
