"""Headers that only a proxy may set count for nothing where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from tagsync.wsgi import CLAIMS, without_claims


def seen(environ: dict[str, Any], start_response: Any) -> Any:
    return environ


@pytest.mark.parametrize("name", CLAIMS)
def test_nobody_claims_to_come_by_https(settings: Any, name: str) -> None:
    """gunicorn has believed whoever calls from this machine by then."""
    settings.TAGSYNC_BEHIND_PROXY = False
    environ = {name: "https", "wsgi.url_scheme": "https", "REMOTE_ADDR": "127.0.0.1"}
    assert without_claims(seen)(environ, None) == {"wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1"}


def test_a_connection_that_is_safe_stays_so(settings: Any) -> None:
    settings.TAGSYNC_BEHIND_PROXY = False
    assert without_claims(seen)({"wsgi.url_scheme": "https"}, None) == {"wsgi.url_scheme": "https"}


def test_a_proxy_is_believed(settings: Any) -> None:
    settings.TAGSYNC_BEHIND_PROXY = True
    assert without_claims(seen)({CLAIMS[0]: "https", "wsgi.url_scheme": "http"}, None) == {
        CLAIMS[0]: "https",
        "wsgi.url_scheme": "http",
    }
