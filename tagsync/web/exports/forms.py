"""Which rows somebody wants as a workbook. Whatever is not understood means all of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tagsync.imports.states import FAILURES, RowStatus
from tagsync.web.filters import MAX_NUMBER, chosen
from tagsync.web.ui.statuses import ROW_LOOKS

# Leaves room in the column for what is added to the name.
STEM_CHARACTERS = 200
WHICH = ("all", "failed", *ROW_LOOKS)


class ExportForm(forms.Form):
    rows = forms.ChoiceField(required=False, choices=[(which, which) for which in WHICH])
    problem = forms.IntegerField(required=False, min_value=1, max_value=MAX_NUMBER)
    unmasked = forms.BooleanField(required=False)

    def filters(self) -> dict[str, Any]:
        """As `exports.workbook.rows_of` takes them."""
        said = chosen(self)
        which = said.get("rows", "all")
        found: dict[str, Any] = {"problem": said["problem"]} if "problem" in said else {}
        if which == "failed":
            found |= {"statuses": [str(status) for status in FAILURES], "open": True}
        elif which != "all":
            found |= (
                {"statuses": [str(RowStatus.WAITING)], "unsent": True} if which == "not_sent" else {"statuses": [which]}
            )
        return found

    def file_name(self, uploaded: str) -> str:
        """The name of the uploaded file with what is in the workbook."""
        stem = (uploaded.rpartition(".")[0] or uploaded)[:STEM_CHARACTERS]
        said = chosen(self)
        if said.get("rows") == "failed" or "problem" in said:
            return _("%(name)s failed rows.xlsx") % {"name": stem}
        if said.get("rows", "all") == "all":
            return _("%(name)s results.xlsx") % {"name": stem}
        return _("%(name)s rows.xlsx") % {"name": stem}
