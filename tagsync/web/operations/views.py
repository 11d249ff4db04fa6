"""What is served of operation: a page for admins, the probes, and metrics. Without a sign-in nothing tells a secret."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from tagsync.operations import metrics, processes
from tagsync.operations.facts import facts, is_ready
from tagsync.web.admins import only_with


@require_safe
@only_with("connections.manage_connections")
def overview(request: HttpRequest) -> HttpResponse:
    found = sorted(facts(), key=lambda fact: fact.ok)
    context = {"facts": found, "wrong": sum(not fact.ok for fact in found), "processes": processes.running()}
    return render(request, "operations/overview.html", context)


@login_not_required
def healthz(_request: HttpRequest) -> JsonResponse:
    """Whether the process and its database are up, for who would restart it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """Whether requests can be answered; it names what is wrong and tells nothing of it."""
    found = {fact.check: fact.ok for fact in is_ready()}
    return JsonResponse(found, status=200 if all(found.values()) else 503)


@login_not_required
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """For who knows the token; without one in the settings there is no such page."""
    token = settings.TAGSYNC_METRICS_TOKEN
    if not token:
        raise Http404
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), token.encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)
