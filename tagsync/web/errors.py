"""Pages for when something went wrong. They ask no database, no session and no person: any of these may be what failed.

What a page says stands in its template; why it happened stands in the log, under the same request id.
"""

from __future__ import annotations

import sys

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import get_template
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme

from tagsync.database import gave_way, has_no_room
from tagsync.web import request_id

RETRY_AFTER_SECONDS = 120
BUSY_RETRY_AFTER_SECONDS = 5
# For scripts: sentences of their own, and not that of a failure.
BUSY_HEADER = "X-Busy"
FULL_HEADER = "X-Full"
# Parts of the names of fields whose content is never put into a page.
SECRET = ("password", "secret", "token")


def error_page(request: HttpRequest, name: str, status: int, **more: object) -> HttpResponse:
    """In the language of the person if she is known by now, else of her cookie or browser."""
    language = getattr(request, "LANGUAGE_CODE", "") or translation.get_language_from_request(request)
    # No context processors: they would ask who is signed in.
    with translation.override(language):
        text = get_template(name).render({"request": request, "request_id": request_id.current(), **more})
    return HttpResponse(text, status=status, headers={"Content-Language": language})


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, "400.html", 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, "403.html", 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, "404.html", 404)


def too_large(request: HttpRequest, max_bytes: int | None) -> HttpResponse:
    """`max_bytes`: of a file; None where no file is expected."""
    megabytes = max_bytes // (1024 * 1024) if max_bytes else None
    return error_page(request, "413.html", 413, max_megabytes=megabytes)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls it while it handles the exception, wherever that came from: a view, a template, the session."""
    error = sys.exc_info()[1]
    if gave_way(error):
        return busy(request)
    if has_no_room(error):
        return full(request)
    return error_page(request, "500.html", 500)


def busy(request: HttpRequest) -> HttpResponse:
    """Others hold in the database what this request needs: it did not wait, and nothing of its last step was kept."""
    response = _not_now(request, "busy.html", BUSY_HEADER)
    response.headers["Retry-After"] = str(BUSY_RETRY_AFTER_SECONDS)
    return response


def full(request: HttpRequest) -> HttpResponse:
    """There was no room for what this request would have recorded: nothing of its last step was kept."""
    return _not_now(request, "full.html", FULL_HEADER)


def _not_now(request: HttpRequest, name: str, header: str) -> HttpResponse:
    pressed = request.method not in ("GET", "HEAD")
    back = (page_before(request) or "/") if pressed else request.get_full_path()
    response = error_page(request, name, 503, pressed=pressed, back=back)
    response.headers[header] = "1"
    return response


def maintenance(request: HttpRequest) -> HttpResponse:
    response = error_page(request, "503.html", 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """As a rule a page that was open while its person signed in anew, or a browser that keeps no cookies."""
    ours = page_before(request)
    more = {
        "back": ours,
        "sent_cookies": bool(request.COOKIES),
        # With a token that counts, for the same press once more.
        "again": _sent(request) if ours and _is_from_here(request) and _is_signed_in(request) else None,
        "csrf_token": get_token(request),
    }
    return error_page(request, "403_csrf.html", 403, **more)


def _is_from_here(request: HttpRequest) -> bool:
    """Whether the browser itself says that a page of ours sent it: no stranger's page may have its press repeated."""
    return request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"


def _is_signed_in(request: HttpRequest) -> bool:
    """As far as the browser tells; the session itself is not asked. Nobody else's press would be done."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def _sent(request: HttpRequest) -> list[tuple[str, str]] | None:
    """What a form sent, when all of it can be sent once more: no file, and nothing that no page may hold."""
    sent = [(name, text) for name, texts in request.POST.lists() for text in texts if name != "csrfmiddlewaretoken"]
    return None if request.FILES or any(text and word in name for name, text in sent for word in SECRET) else sent


def page_before(request: HttpRequest) -> str:
    """The page of ours that the request was sent from, as far as the browser tells; "" otherwise."""
    address = request.headers.get("Referer", "")
    here = f"{request.scheme}://{request.get_host()}"
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}) or not address.startswith(f"{here}/"):
        return ""
    path = address.removeprefix(here)
    return "" if path.startswith("//") else path
