"""Where the site and the sandbox listen."""

from pathlib import Path

import pytest

from tagsync.local import addresses


def test_it_refuses_a_port_that_somebody_listens_on() -> None:
    with addresses.listen("127.0.0.1", 0) as first, pytest.raises(OSError):
        addresses.listen("127.0.0.1", first.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/"),
        ("0.0.0.0", "http://127.0.0.1:80/"),
        ("::", "http://[::1]:80/"),
        ("tags.example.com", "http://tags.example.com:80/"),
    ],
)
def test_it_prints_an_address_that_can_be_opened(host: str, url: str) -> None:
    assert addresses.url(host, 80) == url


def test_it_allows_the_host_it_listens_on() -> None:
    assert addresses.allowed_hosts("192.0.2.7")[-1] == "192.0.2.7"
    assert addresses.allowed_hosts("127.0.0.1") == ["localhost", "127.0.0.1", "[::1]"]
    assert addresses.allowed_hosts("::1") == ["localhost", "127.0.0.1", "[::1]"]


def test_it_never_allows_every_name() -> None:
    assert "*" not in addresses.allowed_hosts("0.0.0.0")
    assert len(addresses.allowed_hosts("0.0.0.0")) > 3


def test_it_keeps_the_port_of_the_sandbox(tmp_path: Path) -> None:
    port = addresses.sandbox_port(tmp_path / "port")
    assert addresses.sandbox_port(tmp_path / "port") == port


def test_it_takes_another_port_when_the_kept_one_is_taken(tmp_path: Path) -> None:
    with addresses.listen("127.0.0.1", 0) as taken:
        (tmp_path / "port").write_text(str(taken.getsockname()[1]))
        assert addresses.sandbox_port(tmp_path / "port") != taken.getsockname()[1]


@pytest.mark.parametrize("text", ["", "nonsense", "99999999"])
def test_it_survives_a_damaged_note(tmp_path: Path, text: str) -> None:
    (tmp_path / "port").write_text(text)
    assert addresses.sandbox_port(tmp_path / "port") > 0
