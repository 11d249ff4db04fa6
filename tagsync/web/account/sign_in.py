"""Signing in, and what becomes of too many wrong passwords."""

from __future__ import annotations

import math
import secrets
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.views.generic.edit import FormView

from tagsync.accounts import throttle
from tagsync.accounts.models import Person
from tagsync.database import database_now
from tagsync.web.access import own_address
from tagsync.web.account.client_address import client_address
from tagsync.web.people.preference_views import remember

BROWSER_COOKIE = "tagsync_browser"


class SignIn(LoginView):
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.POST.get("username", "")
        # What has no name or no password is no guess.
        self.attempt = begin_attempt(request, name) if name and request.POST.get("password") else throttle.Attempt()
        if self.attempt.held_until:
            return held_up(self, self.attempt.held_until)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Her choices follow her into a browser that does not know her yet."""
        browser = self.request.COOKIES.get(BROWSER_COOKIE, "") or secrets.token_urlsafe(24)
        throttle.succeeded(self.attempt, form.cleaned_data["username"], browser)
        response = super().form_valid(form)
        _remember_browser(response, browser)
        person = self.request.user
        if isinstance(person, Person):
            remember(response, person.language, person.theme)
        return response

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Whoever opened the site itself asked for no page."""
        nowhere = ("", resolve_url("home"), resolve_url(settings.LOGIN_REDIRECT_URL))
        return super().get_context_data(**more) | {"names_a_page": self.get_redirect_url() not in nowhere}

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        return own_address(self.request, super().get_redirect_url())


def begin_attempt(request: HttpRequest, name: str) -> throttle.Attempt:
    return throttle.begin(name, client_address(request), request.COOKIES.get(BROWSER_COOKIE, ""))


def held_up(view: FormView[Any], until: datetime) -> HttpResponse:
    """The form again, empty: nobody has looked at what was typed."""
    # Up: at the second that the page names, she may.
    shown = datetime.fromtimestamp(math.ceil(until.timestamp()), UTC)
    # Without what was sent, which would be checked.
    form = view.get_form_class()(**view.get_form_kwargs() | {"data": None, "files": None})
    context = view.get_context_data(form=form)
    response = view.render_to_response({**context, "held_until": shown}, status=429)
    response.headers["Retry-After"] = str(max(1, math.ceil((shown - database_now()).total_seconds())))
    return response


def _remember_browser(response: HttpResponse, browser: str) -> None:
    """So that what others do at the same address never holds her up. Alone it opens nothing."""
    response.set_cookie(
        BROWSER_COOKIE,
        browser,
        max_age=int(throttle.KNOWN_FOR.total_seconds()),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
