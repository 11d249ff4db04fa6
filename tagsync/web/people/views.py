"""People, for admins: who may sign in, and as what."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from tagsync.accounts.admins import refusal_to_dismiss
from tagsync.accounts.models import Person
from tagsync.web.access import signed_in
from tagsync.web.admins import only_with
from tagsync.web.people.forms import REFUSALS, NewPersonForm, PasswordForm, PersonForm

admins = only_with("accounts.manage_people")
page = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@admins
def person_list(request: HttpRequest) -> HttpResponse:
    people = Person.objects.prefetch_related("groups").order_by("-is_active", "username")
    return render(request, "people/list.html", {"people": people})


@page
@admins
def add(request: HttpRequest) -> HttpResponse:
    form = NewPersonForm(request.POST or None, by=signed_in(request))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            person = form.save()
        return _said_once(request, person, form.made_up, _("%(name)s can sign in now.") % {"name": person.label})
    return render(request, "people/add.html", {"form": form}, status=422 if form.errors else 200)


@page
@admins
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(Person, pk=pk)
    if request.method == "POST":
        act = {"password": _set_password, "disable": _disable, "enable": _enable}.get(request.POST.get("act", ""))
        return act(request, person) if act else _save(request, person)
    return _edit_page(request, person)


def _edit_page(
    request: HttpRequest, person: Person, form: PersonForm | None = None, password_form: PasswordForm | None = None
) -> HttpResponse:
    me = signed_in(request)
    context = {
        "person": person,
        "is_me": person.pk == me.pk,
        "form": form or PersonForm(instance=Person.objects.get(pk=person.pk), by=me),
        "password_form": password_form or PasswordForm(person=person, by=me, auto_id="new_%s"),
    }
    return render(request, "people/edit.html", context, status=422 if form or password_form else 200)


def _save(request: HttpRequest, person: Person) -> HttpResponse:
    with transaction.atomic():
        form = PersonForm(request.POST, instance=Person.objects.get(pk=person.pk), by=signed_in(request))
        if form.is_valid():
            form.save()
    if form.errors:
        return _edit_page(request, person, form=form)
    messages.success(request, _("%(name)s is saved.") % {"name": form.instance.label})
    return redirect("person_list")


def _set_password(request: HttpRequest, person: Person) -> HttpResponse:
    form = PasswordForm(request.POST, person=person, by=signed_in(request), auto_id="new_%s")
    if not form.is_valid():
        return _edit_page(request, person, password_form=form)
    made_up = form.save()
    if person.pk == signed_in(request).pk:
        update_session_auth_hash(request, person)
    return _said_once(request, person, made_up, _("%(name)s has a new password.") % {"name": person.label})


def _disable(request: HttpRequest, person: Person) -> HttpResponse:
    with transaction.atomic():
        refusal = refusal_to_dismiss(person, signed_in(request))
        if not refusal:
            Person.objects.filter(pk=person.pk).update(is_active=False)
            person.end_sessions()
    if refusal:
        messages.error(request, REFUSALS[refusal])
        return redirect("person_edit", person.pk)
    messages.success(request, _("%(name)s can't sign in any more.") % {"name": person.label})
    return redirect("person_list")


def _enable(request: HttpRequest, person: Person) -> HttpResponse:
    Person.objects.filter(pk=person.pk).update(is_active=True)
    messages.success(request, _("%(name)s can sign in again.") % {"name": person.label})
    return redirect("person_list")


def _said_once(request: HttpRequest, person: Person, made_up: str, sentence: str) -> HttpResponse:
    """A made-up password stands on this one answer: a message would write it into the session."""
    if made_up:
        return render(request, "people/password.html", {"person": person, "password": made_up, "sentence": sentence})
    messages.success(request, sentence)
    return redirect("person_list")
