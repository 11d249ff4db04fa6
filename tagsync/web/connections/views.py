"""Connections, for admins: the list, the form, and what is done to one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tagsync.connections.models import Connection, ConnectionState
from tagsync.delivery import connection_actions
from tagsync.delivery.connection_actions import NOTHING_CAME, try_connection
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import Sentence, blocked, of_connection
from tagsync.imports.states import RowStatus
from tagsync.notifications.seen import mark_seen
from tagsync.web.access import signed_in
from tagsync.web.admins import only_with
from tagsync.web.connections.condition import condition_of
from tagsync.web.connections.forms import UNSETTLED, ConnectionForm
from tagsync.web.record.calls import answer_facts
from tagsync.web.ui.numbers import thousands
from tagsync.web.ui.sentences import sentences

admins = only_with("connections.manage_connections")


@dataclass(frozen=True)
class Line:
    """One connection as the list shows it."""

    connection: Connection
    unsettled: int
    trouble: Sentence | None

    @property
    def condition(self) -> list[str]:
        return condition_of(self.connection)


def trouble_of(connection: Connection) -> Sentence | None:
    """What is wrong with a blocked connection, and what to do."""
    if connection.state != ConnectionState.BLOCKED:
        return None
    return blocked(connection)


@require_safe
@admins
def connection_list(request: HttpRequest) -> HttpResponse:
    unsettled = dict(ImportJob.objects.filter(UNSETTLED).order_by().values_list("connection").annotate(Count("pk")))
    connections = Connection.objects.order_by("is_sandbox", "name")
    lines = [Line(one, unsettled.get(one.pk, 0), trouble_of(one)) for one in connections]
    context = {
        "lines": [line for line in lines if not line.connection.archived_at],
        "archived": [line for line in lines if line.connection.archived_at],
    }
    return render(request, "connections/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@admins
def add(request: HttpRequest) -> HttpResponse:
    form = ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        connection = form.save()
        messages.success(request, _("Connection “%(name)s” added.") % {"name": connection})
        return redirect("connection_list")
    return render(request, "connections/form.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@admins
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    connection = get_object_or_404(Connection, pk=pk)
    form = ConnectionForm(instance=connection)
    if request.method == "POST":
        with transaction.atomic():
            # Locked, so that no import starts between the look at unsettled imports and the change.
            locked = Connection.objects.select_for_update(no_key=True).filter(pk=pk)
            form = ConnectionForm(request.POST, instance=locked.get())
            if form.is_valid():
                form.save(by=signed_in(request))
                connection_actions.ring_after_commit(form.instance)
        if not form.errors:
            messages.success(request, _("Connection “%(name)s” saved.") % {"name": form.instance})
            return redirect("connection_list")
    mark_seen(signed_in(request), connection=connection)
    context = {
        "form": form,
        "connection": connection,
        "trouble": trouble_of(connection),
        "condition": condition_of(connection),
    }
    return render(request, "connections/form.html", context, status=422 if form.errors else 200)


@require_POST
@admins
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes nothing on the platform, and its result is kept nowhere: the answer is the page."""
    connection = get_object_or_404(Connection, pk=pk)
    found = try_connection(connection)
    connection.refresh_from_db()
    context = {
        "connection": connection,
        "found": found,
        "tone": "success" if found.works else "warning" if found.code.startswith("wait_") else "danger",
        "said": of_connection(found.code, by_app=not connection.uses_fixed_token),
        "repaired": found.works and connection.state == ConnectionState.BLOCKED,
        "facts": answer_facts(found.answer) if found.answer != NOTHING_CAME else [],
    }
    return render(request, "connections/tested.html", context)


@require_POST
@admins
def unblock(request: HttpRequest, pk: int) -> HttpResponse:
    connection = get_object_or_404(Connection, pk=pk)
    connection.unblock(signed_in(request))
    connection_actions.ring_after_commit(connection)
    messages.success(
        request, _("“%(name)s” is ready again. Its imports continue automatically.") % {"name": connection}
    )
    return redirect("connection_list")


@require_POST
@admins
def forget_limit(request: HttpRequest, pk: int) -> HttpResponse:
    connection = get_object_or_404(Connection, pk=pk)
    connection.forget_body_limit()
    messages.success(request, _("The limit is removed: the next call has the chosen number of rows."))
    return redirect("connection_edit", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@admins
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    """The imports under way are named before; archiving stops them."""
    connection = get_object_or_404(Connection, pk=pk)
    if "restore" in request.POST:
        connection.restore()
        messages.success(request, _("“%(name)s” is in use again.") % {"name": connection})
        return redirect("connection_list")
    if request.method != "POST":
        if connection.archived_at:
            return redirect("connection_edit", pk)
        jobs = [(job, job.count(RowStatus.WAITING)) for job in connection_actions.under_way(connection)]
        return render(request, "connections/archive.html", {"connection": connection, "jobs": jobs})
    stopped = connection_actions.archive(connection, signed_in(request), _number(request.POST.get("seen", "")))
    if stopped is None:
        messages.warning(request, _("Another import was started meanwhile. Look at the list, then archive."))
        return redirect("connection_archive", pk)
    _tell_archived(request, connection, len(stopped))
    return redirect("connection_list")


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def _tell_archived(request: HttpRequest, connection: Connection, stopped: int) -> None:
    done = _("“%(name)s” is archived. Its imports stay readable.") % {"name": connection}
    text = ngettext("%(count)s import was stopped.", "%(count)s imports were stopped.", stopped)
    messages.success(request, sentences(done, text % {"count": thousands(stopped)} if stopped else ""))
