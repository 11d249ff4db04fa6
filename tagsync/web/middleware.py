"""What every page needs around it: sign-in, the person's language, safe headers, limits before anything is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import translation
from django.utils.http import urlencode

from tagsync.body_limits import ANONYMOUS_BYTES, most_bytes
from tagsync.queueing.signals import alive
from tagsync.web import errors

GetResponse = Callable[[HttpRequest], HttpResponseBase]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Sessions(SessionMiddleware):
    """A cookie may hold any character, written as an octal number; no key of a session has others than these."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.COOKIES.get(settings.SESSION_COOKIE_NAME, "").isalnum():
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        super().process_request(request)


CHUNK_BYTES = 64 * 1024
# Who watches the process asks these.
PROBES = ("/healthz", "/readyz", "/metrics")


def body_bytes(request: HttpRequest) -> int | None:
    """How long the body says it is. None: it comes in chunks and ends when it ends."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
        return None
    return int(length) if length.isdecimal() else 0


def drain(request: HttpRequest) -> None:
    """Read twice what a file may have: a browser whose upload is cut off shows its own error, not our answer."""
    for _chunk in range(0, 2 * most_bytes(), CHUNK_BYTES):
        if not request.read(CHUNK_BYTES):
            return


class SignInRequired(LoginRequiredMiddleware):
    """Every page needs a signed-in person unless its view says `login_not_required`.

    Nothing of a stranger's body is stored: she is led to the sign-in, or refused, before anybody reads it.
    """

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        response = self._lead_to_sign_in(request, view_func, view_args, view_kwargs)
        if request.user.is_authenticated:
            return response
        length = body_bytes(request)
        if length is None or length > ANONYMOUS_BYTES:
            drain(request)
            return response or errors.too_large(request, None)
        return response

    def _lead_to_sign_in(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        response = super().process_view(request, view_func, view_args, view_kwargs)
        htmx = getattr(request, "htmx", None)
        if response is None or not (htmx or request.method == "POST"):
            return response
        # The way back is to the page that was open: what a card or a form was sent to is no page.
        page = (htmx.current_url_abs_path if htmx else errors.page_before(request)) or "/"
        sign_in = redirect_to_login(page, resolve_url(settings.LOGIN_URL))["Location"]
        if request.method == "POST":
            sign_in = f"{sign_in}&{urlencode({'ended': 1})}"
        # A redirect would be followed inside the script's request, and the form swapped into the card.
        return HttpResponse(status=204, headers={"HX-Redirect": sign_in}) if htmx else HttpResponseRedirect(sign_in)


class OwnPassword:
    """A password that tagsync made up is changed first: until then every page leads to the person's account."""

    OPEN = frozenset({"account", "logout"})

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], *_rest: Any
    ) -> HttpResponseBase | None:
        must = getattr(request.user, "must_change_password", False)
        name = request.resolver_match.url_name if request.resolver_match else None
        if not must or name in self.OPEN or not getattr(view_func, "login_required", True):
            return None
        account = resolve_url("account")
        htmx = getattr(request, "htmx", None)
        return HttpResponse(status=204, headers={"HX-Redirect": account}) if htmx else HttpResponseRedirect(account)


class StillThere:
    """What a part of a page asks for is gone, or not hers to see any more: the page is loaded again and says so."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code in (403, 404) and request.method == "GET" and getattr(request, "htmx", None):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return response


class PersonLanguage:
    """A signed-in person's own language wins over cookie and browser."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        language = getattr(request.user, "language", "")
        if language:
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return self.get_response(request)


class SaysAlive:
    """The web process says that it runs, at most once a minute, in the course of a request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        alive.send(type(self), role="web")
        return self.get_response(request)


class SafeHeaders:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        # Pages hold personal data: no copy stays in a browser's or proxy's cache.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class Maintenance:
    """Pages say "back soon" while `TAGSYNC_MAINTENANCE` is set or a file `maintenance` lies in TAGSYNC_HOME."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked = settings.TAGSYNC_MAINTENANCE or Path(settings.TAGSYNC_HOME, "maintenance").exists()
        # The process is well: whoever watches it must not restart it.
        return errors.maintenance(request) if asked and request.path not in PROBES else self.get_response(request)


class OneEncoding:
    """Our pages are UTF-8, and so is what they send. A client that names another one would have it looked up among
    all that Python knows, of which some decode no text, and some make halves of characters.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.encoding = "utf-8"
        return self.get_response(request)


class BodyLimit:
    """Refuses a body that can hold no allowed file before any of it is stored."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = body_bytes(request) or 0
        if length > most_bytes():
            drain(request)
            return errors.too_large(request, settings.TAGSYNC_MAX_UPLOAD_BYTES)
        return self.get_response(request)
