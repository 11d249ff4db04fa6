from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tagsync.connections.addresses import check_base_url, check_path, is_loopback, normalised

PUBLIC = [
    "https://integrate.rabbitpre.com",
    "https://integrate.rabbitpre.com/",
    "https://INTEGRATE.rabbitpre.COM",
    "https://integrate.rabbitpre.com:8443",
    "https://8.8.8.8",
    "https://[2606:4700:4700::1111]",
    "https://xn--fiqs8s.xn--55qx5d",
]
LOOPBACK = [
    "http://127.0.0.1",
    "http://127.0.0.1:8000",
    "http://127.8.8.8",
    "http://localhost:8000",
    "http://[::1]:8000",
]
NOT_PUBLIC = [
    # private, link-local, shared, reserved, multicast
    "https://10.0.0.1",
    "https://172.16.0.1",
    "https://192.168.1.1",
    "https://169.254.169.254",
    "https://100.64.0.1",
    "https://0.0.0.0",
    "https://224.0.0.1",
    "https://255.255.255.255",
    "https://[::]",
    "https://[fe80::1]",
    "https://[fc00::1]",
    "https://[ff0e::1]",
    # IPv4 inside IPv6
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:10.0.0.1]",
    "https://[::127.0.0.1]",
    "https://[64:ff9b::7f00:1]",
    "https://[2002:7f00:1::]",
    # numbers that resolvers take for addresses
    "https://2130706433",
    "https://0x7f000001",
    "https://0x7f.0.0.1",
    "https://0177.0.0.1",
    "https://127.1",
    "https://127.0.0.0x1",
    # names that lead inside
    "https://intranet",
    "https://printer.local",
    "https://vault.internal",
    "https://me.localhost",
    "https://router.lan",
    "https://nas.home.arpa",
]
NO_ADDRESS = [
    "",
    "integrate.rabbitpre.com",
    "//integrate.rabbitpre.com",
    "ftp://integrate.rabbitpre.com",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://",
    "https://:443",
    "https://integrate.rabbitpre.com:0",
    "https://integrate.rabbitpre.com:65536",
    "https://integrate.rabbitpre.com:abc",
    "https://integrate.rabbitpre.com.",
    "https://127.0.0.1.",
    "https://printer.local.",
    "https://a..b.com",
    "https://-a.com",
    "https://[::1",
    "https://[fe80::1%25eth0]",
    "https://good.com\\.evil.com",
    "https://good.com\\@evil.com",
    "https://exa\nmple.com",
    "https://exa\tmple.com",
    " https://example.com",
    "https://exam ple.com",
    "https://%31%32%37.0.0.1",
    # full-width digits and full stops become plain ones when a name is looked up
    "https://１２７.0.0.1",
    "https://127。0。0。1",
    "https://中国.公司",
    "https://ⓔxample.com",
]
TOO_MUCH = [
    "https://user@integrate.rabbitpre.com",
    "https://user:secret@integrate.rabbitpre.com",
    "https://@integrate.rabbitpre.com",
    "https://integrate.rabbitpre.com/api",
    "https://integrate.rabbitpre.com?x=1",
    "https://integrate.rabbitpre.com/?",
    "https://integrate.rabbitpre.com#x",
]


def is_allowed(url: str) -> bool:
    try:
        check_base_url(url)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("url", PUBLIC + LOOPBACK)
def test_it_allows_public_https_and_this_machine(url: str) -> None:
    check_base_url(url)


@pytest.mark.parametrize("url", NOT_PUBLIC + NO_ADDRESS + TOO_MUCH)
def test_it_refuses_everything_else(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check_base_url(url)
    assert len(caught.value.messages[0]) > 20


@pytest.mark.parametrize("url", PUBLIC + NOT_PUBLIC)
def test_it_refuses_plain_http_beyond_this_machine(url: str) -> None:
    assert not is_allowed(url.replace("https://", "http://"))


@pytest.mark.parametrize("url", [*LOOPBACK, "https://127.0.0.1", "https://localhost"])
def test_it_refuses_this_machine_in_production(settings: Any, url: str) -> None:
    settings.LOCAL = False
    assert not is_allowed(url)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://integrate.rabbitpre.com", True),
        ("https://integrate.rabbitpre.com:8443", True),
        ("https://INTEGRATE.rabbitpre.com", True),
        ("https://gateway.internal:8443", True),
        ("https://gateway.internal", False),
        ("https://gateway.internal:443", False),
        ("http://gateway.internal:8443", False),
        ("http://127.0.0.1:9000", True),
        ("http://127.0.0.1:9001", False),
        ("http://[::1]:9000", True),
        ("http://[::1]:9001", False),
        ("https://evil.integrate.rabbitpre.com", False),
        ("https://integrate.rabbitpre.com.evil.com", False),
        ("https://integrate.rabbitpre.com.", False),
        ("https://example.com", False),
    ],
)
def test_it_keeps_to_the_list_of_hosts(settings: Any, url: str, allowed: bool) -> None:
    settings.LOCAL = False
    settings.TAGSYNC_ALLOWED_API_HOSTS = [
        "Integrate.rabbitpre.com",
        "gateway.internal:8443",
        "127.0.0.1:9000",
        "[::1]:9000",
    ]
    assert is_allowed(url) is allowed


def test_it_names_the_refused_host(settings: Any) -> None:
    settings.TAGSYNC_ALLOWED_API_HOSTS = ["integrate.rabbitpre.com"]
    with pytest.raises(ValidationError, match=r"example\.com"):
        check_base_url("https://example.com")


@pytest.mark.parametrize("path", ["/", "/api", "/api/integrate/audience/tag/batchAdd", "/v1.2/a_b~c-d/"])
def test_it_allows_a_path(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    "path",
    ["", "api", "//evil.com", "/a//b", "/a?b", "/a#b", "/../a", "/a/..", "/a b", "/a\\b", "/a\n", "/%2e%2e/", "/标签"],
)
def test_it_refuses_a_path(path: str) -> None:
    with pytest.raises(ValidationError):
        check_path(path)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("HTTPS://Integrate.Rabbitpre.com/", "https://integrate.rabbitpre.com"),
        ("https://integrate.rabbitpre.com:443", "https://integrate.rabbitpre.com"),
        ("https://integrate.rabbitpre.com:8443/", "https://integrate.rabbitpre.com:8443"),
        ("http://[::1]:80", "http://[::1]"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("nonsense", "nonsense"),
    ],
)
def test_it_spells_one_address_one_way(written: str, kept: str) -> None:
    assert normalised(written) == kept


def test_it_knows_this_machine_by_its_addresses_only() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("localhost.example.com") and not is_loopback("10.0.0.1")
