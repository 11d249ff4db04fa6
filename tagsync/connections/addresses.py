"""Where a connection may point: public https hosts, or what TAGSYNC_ALLOWED_API_HOSTS names; http only for loopback.

Only the spelling is judged here. Where a name leads is looked at when the client connects.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tagsync.tuzhan.addresses import is_public

DEFAULT_PORTS = {"http": 80, "https": 443}
HOST_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Names that lead nowhere on the internet, or to this machine.
PRIVATE_ENDINGS = frozenset(
    ["localhost", "local", "localdomain", "internal", "intranet", "private", "lan", "home", "corp", "arpa"]
)
PATH = re.compile(r"/([A-Za-z0-9_~.-]+/)*[A-Za-z0-9_~.-]*")


def check_base_url(url: str) -> None:
    """Raises ValidationError with the sentence for the person. Used at saving and again before each run."""
    parts = _split(url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_loopback(host):
        raise ValidationError(_("The address must start with https://. Plain http is only for this machine."))
    _check_host(host, parts)


def check_path(path: str) -> None:
    """Raises ValidationError with the sentence for the person."""
    if not PATH.fullmatch(path) or ".." in path:
        raise ValidationError(
            _("The path must start with one / and hold only letters, digits, dashes, dots, underscores and single /.")
        )


def normalised(url: str) -> str:
    """One spelling for one address (small letters, no default port, no / at the end); other text as it is."""
    try:
        parts = _split(url)
    except ValidationError:
        return url
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    has_own_port = parts.port is not None and parts.port != DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}:{parts.port}" if has_own_port else f"{parts.scheme}://{host}"


def is_loopback(host: str) -> bool:
    """`localhost` itself counts; other names never do, wherever they lead, nor does IPv4 inside IPv6."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    # Newer versions of Python look through the wrapping, older ones do not.
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None


def _split(url: str) -> SplitResult:
    wrong = ValidationError(_("This is not a web address like https://integrate.example.com."))
    # urlsplit silently drops tabs and line breaks, and resolvers read full-width digits as digits.
    if not url.isascii() or any(character <= " " or character in "\\\x7f" for character in url):
        raise wrong
    try:
        parts = urlsplit(url)
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        raise wrong from None
    if parts.scheme not in DEFAULT_PORTS or not port_is_readable or not _is_host(parts.hostname or ""):
        raise wrong
    if "@" in parts.netloc or "?" in url or "#" in url or parts.path not in ("", "/"):
        raise ValidationError(_("Give only scheme, host and port here; the path has a field of its own."))
    return parts


def _is_host(host: str) -> bool:
    """A full stop at the end is refused: it spells another name for the same host."""
    if ":" in host:
        return "%" not in host  # an address of one network card; urlsplit has seen that the rest is IPv6
    return bool(HOST_NAME.fullmatch(host))


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
    """An entry without a port allows every port."""
    shown = f"[{host}]" if ":" in host else host
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    allowed = {entry.lower() for entry in settings.TAGSYNC_ALLOWED_API_HOSTS}
    return not allowed.isdisjoint({host, shown, f"{shown}:{port}"})


def _looks_public(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return _looks_like_public_name(host)


def _looks_like_public_name(host: str) -> bool:
    labels = host.split(".")
    # "2130706433", "0x7f.1": spellings of numbers that resolvers accept as addresses.
    return len(labels) > 1 and not labels[-1][:1].isdigit() and labels[-1] not in PRIVATE_ENDINGS
