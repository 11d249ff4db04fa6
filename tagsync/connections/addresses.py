"""Where a connection may point: public https hosts, or what TAGSYNC_ALLOWED_API_HOSTS names; http only for loopback."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def check_base_url(url: str) -> None:
    """Raises ValidationError with the sentence for the person. Used at saving and again before each run."""
    parts = _split(url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_loopback(host):
        raise ValidationError(_("The address must start with https://. Plain http is only for this machine."))
    _check_host(host, parts)


def check_path(path: str) -> None:
    if not path.startswith("/") or any(mark in path for mark in "?#\\ ") or "//" in path or ".." in path:
        raise ValidationError(_("The path must start with one / and have no ?, #, spaces or dots that go up."))


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(url: str) -> SplitResult:
    wrong = ValidationError(_("This is not a web address like https://integrate.example.com."))
    try:
        parts = urlsplit(url)
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_readable:
        raise wrong
    if parts.username or parts.password or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise ValidationError(_("Give only scheme, host and port here; the path has a field of its own."))
    return parts


def _check_host(host: str, parts: SplitResult) -> None:
    if settings.TAGSYNC_ALLOWED_API_HOSTS:
        if not _is_listed(host, parts):
            raise ValidationError(
                _("%(host)s is not among the hosts that this installation may call. Ask whoever runs it to add it."),
                params={"host": parts.netloc},
            )
    elif is_loopback(host):
        if not settings.LOCAL:
            raise ValidationError(_("Addresses of this machine are only for the local mode."))
    elif not _looks_public(host):
        raise ValidationError(_("This is not a public host name. A host of your own network must be allowed first."))


def _is_listed(host: str, parts: SplitResult) -> bool:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return any(entry in (host, f"{host}:{port}") for entry in settings.TAGSYNC_ALLOWED_API_HOSTS)


def _looks_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        last_label = host.rstrip(".").rpartition(".")[2]
        # "2130706433", "0x7f.1": spellings of numbers that resolvers accept as addresses.
        return "." in host.rstrip(".") and not last_label[:1].isdigit() and not host.endswith((".local", ".internal"))
