"""What is sent is stored only of whom it may come, and only if it can hold an allowed file."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from tagsync.imports.models import ImportJob
from tests.web.test_errors import calm, ways_back


@override_settings(TAGSYNC_MAX_UPLOAD_BYTES=1024)
def test_it_stores_nothing_of_what_is_far_too_large(signed: Client, tmp_path: Path) -> None:
    signed.cookies["tagsync_language"] = "en"
    with override_settings(MEDIA_ROOT=tmp_path, FILE_UPLOAD_MAX_MEMORY_SIZE=0):
        response = signed.post("/imports/new/", b"x" * 1_100_000, content_type="multipart/form-data; boundary=b")
    assert response.status_code == 413
    assert "The file is too large" in response.content.decode()
    assert not list(tmp_path.iterdir())
    assert not ImportJob.objects.exists()


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Path]:
    """Where a body would lie that is stored."""
    folder = tmp_path / "stored"
    folder.mkdir()
    with override_settings(MEDIA_ROOT=folder, FILE_UPLOAD_MAX_MEMORY_SIZE=0):
        yield folder


def post_file(client: Client, address: str, size: int, **more: Any) -> tuple[Any, list[tuple[int, int]]]:
    """The answer, and (bytes read, files seen by then) whenever the body was read on."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\n'
    body = Body(head + b"x" * size + b"\r\n--b--\r\n")
    environ = {"CONTENT_LENGTH": str(len(body.getvalue())), **more}
    kind = "multipart/form-data; boundary=b"
    asked = {"REQUEST_METHOD": "POST", "PATH_INFO": address, "CONTENT_TYPE": kind, "wsgi.input": body, **environ}
    return calm(client).request(**asked), body.reads


class Body(BytesIO):
    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.reads: list[tuple[int, int]] = []

    def read(self, size: int | None = -1) -> bytes:
        given = super().read(size)
        self.reads.append((len(given), len(list(Path(settings.MEDIA_ROOT).iterdir()))))
        return given


# Without a session, and with one that has ended.
COOKIES = ["", "a" * 32]


@pytest.mark.parametrize("cookie", COOKIES)
@pytest.mark.parametrize("address", ["/login/", "/preferences/", "/imports/new/", "/logout/"])
def test_it_stores_nothing_of_a_stranger_s_body(
    client: Client, db: None, stored: Path, address: str, cookie: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies["tagsync_language"], client.cookies["sessionid"] = "en", cookie
    response, reads = post_file(client, address, 300_000)
    assert not any(files for _size, files in reads) and not list(stored.iterdir())
    assert sum(size for size, _files in reads) > 300_000, "the rest is read, so that the browser shows the answer"
    if address in ("/login/", "/preferences/"):
        assert response.status_code == 413
        assert "The file is too large" in response.content.decode() and " MB " not in response.content.decode()
    else:
        assert response["Location"].startswith("/login/")


def test_an_upload_after_the_session_leads_back_to_its_page(client: Client, db: None, stored: Path) -> None:
    client = Client(enforce_csrf_checks=True)
    page = "http://testserver/imports/new/?like=1"
    response, _reads = post_file(client, "/imports/new/", 300_000, HTTP_REFERER=page)
    back = ("/login/", {"next": ["/imports/new/?like=1"], "ended": ["1"]})
    assert ways_back(response["Location"]) == back
    script = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": page}
    response, _reads = post_file(client, "/imports/new/", 300_000, **script)
    assert response.status_code == 204 and ways_back(response["HX-Redirect"]) == back
    assert not list(stored.iterdir())


def test_it_takes_no_stranger_s_body_that_does_not_tell_its_length(client: Client, db: None, stored: Path) -> None:
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert post_file(client, "/login/", 10, **chunked)[0].status_code == 413
    assert post_file(client, "/imports/new/", 10, **chunked)[0]["Location"].startswith("/login/")


def test_a_stranger_s_form_is_read(client: Client, db: None) -> None:
    response = client.post("/preferences/", {"language": "en", "next": "/help/", "more": "x" * 60_000})
    assert response["Location"] == "/help/"


def test_an_upload_of_somebody_signed_in_is_stored(signed: Client, stored: Path) -> None:
    _response, reads = post_file(signed, "/imports/new/", 300_000)
    assert any(files for _size, files in reads)


@pytest.mark.parametrize("length", ["", "x", "-1", "²"])
def test_it_makes_nothing_of_an_odd_length(client: Client, db: None, length: str) -> None:
    assert client.get("/login/", CONTENT_LENGTH=length).status_code == 200
