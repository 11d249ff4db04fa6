"""Which columns are remembered as what, and forgetting it. Everybody has her own; an admin sees all."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tagsync.imports.drafts.saved_mappings import visible_to
from tagsync.imports.models import SavedMapping
from tagsync.mapping.matching import column_name
from tagsync.web.access import signed_in
from tagsync.web.columns.forms import field_label

SHOWN = 200


@require_safe
def mapping_list(request: HttpRequest) -> HttpResponse:
    found = list(visible_to(signed_in(request))[:SHOWN])
    return render(request, "mappings/list.html", {"mappings": [(one, _columns(one)) for one in found]})


@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(visible_to(signed_in(request)), pk=pk).delete()
    messages.success(request, _("Forgotten. At the next upload these columns are matched by their names alone."))
    return redirect("mapping_list")


def _columns(mapping: SavedMapping) -> list[tuple[str, str]]:
    """(header or letter, label of its field) of the columns that are sent."""
    return [(_name(column), field_label(column["field"])) for column in mapping.columns if column["field"]]


def _name(column: dict[str, Any]) -> str:
    # Older ones do not say where their columns stood.
    return column_name(column["header"], column["column"]) if "column" in column else column["header"]
