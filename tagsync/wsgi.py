"""The door for a web server: `gunicorn tagsync.wsgi`."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from tagsync import timeouts

CLAIMS = ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_SSL", "HTTP_X_FORWARDED_PROTOCOL")
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def without_claims(application: Application) -> Application:
    """Without a proxy before us that sets and strips them, such headers are anybody's claim, whatever address she calls
    from: gunicorn alone would believe whoever calls from this machine.
    """

    def believing_nobody(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        claimed = [environ.pop(name) for name in CLAIMS if name in environ]
        if claimed and environ["wsgi.url_scheme"] == "https":
            environ["wsgi.url_scheme"] = "http"
        return application(environ, start_response)

    return application if settings.TAGSYNC_BEHIND_PROXY else believing_nobody


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tagsync.settings")
os.environ[timeouts.VARIABLE] = timeouts.Role.WEB

application = without_claims(get_wsgi_application())
