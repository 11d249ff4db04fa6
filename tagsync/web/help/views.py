"""The help page: three steps, and what the words mean. The same for everybody."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tagsync.connections.models import Connection
from tagsync.web.help.questions import CHAPTERS


@require_safe
def glossary(request: HttpRequest) -> HttpResponse:
    has_sample = settings.LOCAL and Connection.objects.usable().filter(is_sandbox=True).exists()
    return render(request, "help/help.html", {"chapters": CHAPTERS, "has_sample": has_sample})
