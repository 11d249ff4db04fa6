"""What each person has chosen for herself: language, theme, no first steps."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_POST

from tagsync.accounts.models import Person
from tagsync.web.access import own_address, signed_in

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "tagsync_theme"
YEAR_SECONDS = 365 * 24 * 3600


@require_POST
@login_not_required
def set_preferences(request: HttpRequest) -> HttpResponse:
    """Whatever is not on offer is passed over."""
    language = _offered(request, "language", tuple(dict(settings.LANGUAGES)))
    theme = _offered(request, "theme", THEMES)
    if isinstance(request.user, Person):
        # Only what was chosen: another press may be writing the other field.
        chosen = {name: value for name, value in (("language", language), ("theme", theme)) if value}
        for name, value in chosen.items():
            setattr(request.user, name, value)
        request.user.save(update_fields=chosen)
    # Not `redirect`, which would take a word without a slash for the name of a page.
    response = HttpResponseRedirect(_next(request))
    remember(response, language, theme)
    return response


@require_POST
def hide_first_steps(request: HttpRequest) -> HttpResponse:
    person = signed_in(request)
    person.first_steps_hidden = True
    person.save(update_fields=["first_steps_hidden"])
    if getattr(request, "htmx", False):
        return render(request, "upload/_first_steps_hidden.html")
    return redirect("import_new")


def _offered(request: HttpRequest, name: str, choices: tuple[str, ...]) -> str:
    value = request.POST.get(name, "")
    return value if value in choices else ""


def _next(request: HttpRequest) -> str:
    return own_address(request, request.POST.get("next", "")) or resolve_url(settings.LOGIN_REDIRECT_URL)


def remember(response: HttpResponse, language: str, theme: str) -> None:
    """In the browser, for the pages before sign-in; "" leaves what is there."""
    for name, value in ((settings.LANGUAGE_COOKIE_NAME, language), (THEME_COOKIE, theme)):
        if value:
            # Scripts may read the theme: they show it before the server has answered.
            response.set_cookie(
                name,
                value,
                max_age=YEAR_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=name != THEME_COOKIE,
                samesite="Lax",
            )
