"""Each request has an id: in its answer, on its error page, in its lines of the log. It tells nothing of the person."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

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
        try:
            response = self.get_response(request)
            response.headers[HEADER] = current()
            return response
        finally:
            _current.reset(token)


class InLog(logging.Filter):
    """Gives every record a `request_id` for the log's format."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current()
        return True
