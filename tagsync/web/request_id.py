"""Each request has an id: in its answer, on its error page, in its lines of the log. It tells nothing of the person."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

from tagsync.log_lines import about_import, import_id

HEADER = "X-Request-ID"
_current: ContextVar[str] = ContextVar("request_id", default="-")


def current() -> str:
    """The id of the request that this thread is answering; "-" outside of one."""
    return _current.get()


class RequestId:
    """Outermost, so that no answer and no line of the log is without one. What a client sends is not believed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _current.set(secrets.token_hex(6))
        request.id_in_log = current()  # type: ignore[attr-defined]  # read by InLog
        try:
            with about_import(None):
                response = self.get_response(request)
            response.headers[HEADER] = current()
            return response
        finally:
            _current.reset(token)

    def process_view(self, request: HttpRequest, _view: object, _args: object, _values: object) -> None:
        """From here on the log names the import that the address does."""
        import_id.set(_import_of(request))


def _import_of(request: HttpRequest) -> int | None:
    found = request.resolver_match
    return found.kwargs["pk"] if found and found.route.startswith("imports/<int:pk>/") else None


class InLog(logging.Filter):
    """Gives every record its `request_id` and `import_id`, and `of_import` for a format in words.

    Django logs a request that went wrong when the middleware is left already; such a record has the request with it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        record.request_id = getattr(request, "id_in_log", current())
        record.import_id = number = import_id.get() or (
            _import_of(request) if isinstance(request, HttpRequest) else None
        )
        record.of_import = f" import {number}" if number else ""
        return True
