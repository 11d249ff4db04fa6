"""From which address a request comes."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """An IPv4 address, or the network of an IPv6 address: whoever has one of those has all of it.

    What a request says of itself counts only behind a proxy, and only the last entry, which the proxy wrote.
    """
    direct = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.TAGSYNC_BEHIND_PROXY else ""
    return _normal(forwarded.rpartition(",")[2].strip()) or _normal(direct) or direct


def _normal(text: str) -> str:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or f"{IPv6Address(int(address) >> 64 << 64)}/64")
