"""Error pages: they say what happened and what to do, carry the id that the log has, and need nothing that may fail."""

from __future__ import annotations

import errno
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, connections, transaction
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path

from tagsync.accounts.models import Person
from tagsync.database import has_no_room
from tagsync.imports.models import ImportJob
from tagsync.web import request_id
from tagsync.web.urls import urlpatterns as real
from tests.web.layout import text_of

ID = re.compile(r"[0-9a-f]{12}")


def fail(request: HttpRequest) -> Any:
    raise RuntimeError("13800138000")


def deny(request: HttpRequest) -> Any:
    raise PermissionDenied


def give_way(request: HttpRequest) -> Any:
    """As the database of this test run says it; the title of the import was changed before."""
    with transaction.atomic():
        ImportJob.objects.update(title="half")
        if connection.vendor == "sqlite":
            error: Exception = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        else:
            error = getattr(psycopg.errors, request.GET.get("error", "LockNotAvailable"))("canceling statement")
        with connection.wrap_database_errors:
            raise error


def run_full(request: HttpRequest) -> Any:
    """A disk is full: of the files, or the database's, as that of this test run says it."""
    with transaction.atomic():
        ImportJob.objects.update(title="half")
        if "file" in request.GET:
            raise OSError(errno.ENOSPC, "No space left on device")
        if connection.vendor == "sqlite":
            error: Exception = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
        else:
            error = psycopg.errors.DiskFull("could not extend file")
        with connection.wrap_database_errors:
            raise error


urlpatterns = [
    *real,
    path("fail/", fail),
    path("deny/", deny),
    path("give-way/", give_way),
    path("full/", run_full),
]
handler400 = "tagsync.web.errors.bad_request"
handler403 = "tagsync.web.errors.forbidden"
handler404 = "tagsync.web.errors.not_found"
handler500 = "tagsync.web.errors.server_error"


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


def calm(client: Client) -> Client:
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("/deny/", 403, "You don't have access to this page"),
        ("/nowhere/", 404, "Page not found"),
        ("/fail/", 500, "Something went wrong on our side"),
    ],
)
def test_it_says_what_happened(signed: Client, url: str, status: int, words: str) -> None:
    response = calm(signed).get(url)
    page = response.content.decode()
    assert response.status_code == status
    assert words in page and '<html lang="en"' in page
    assert ID.fullmatch(response[request_id.HEADER])
    assert f"Reference for your admin: {response[request_id.HEADER]}" in page
    assert "13800138000" not in page


@pytest.mark.parametrize(
    ("language", "words"), [("zh-CN,zh;q=0.9", "无法理解这个请求"), ("en-GB", "cannot be understood")]
)
def test_it_speaks_the_browser_s_language(client: Client, db: None, language: str, words: str) -> None:
    response = calm(client).get("/login/", headers={"Accept-Language": language, "Host": "evil.com"})
    assert response.status_code == 400
    assert words in response.content.decode()


def test_the_cookies_win(client: Client, db: None) -> None:
    client.cookies["tagsync_language"], client.cookies["tagsync_theme"] = "en", "dark"
    page = calm(client).get("/login/", headers={"Accept-Language": "zh-CN", "Host": "evil.com"}).content.decode()
    assert '<html lang="en" data-theme="dark">' in page


@pytest.mark.parametrize("signed_in", [False, True])
def test_it_renders_while_the_database_is_down(
    client: Client, marketer: Person, monkeypatch: pytest.MonkeyPatch, signed_in: bool
) -> None:
    if signed_in:
        client.force_login(marketer)
    else:
        client.cookies["sessionid"] = "a" * 32
    client.cookies["tagsync_language"] = "zh-hans"

    def down(*_args: object, **_named: object) -> Any:
        raise DatabaseError("the server closed the connection")

    with monkeypatch.context() as outage:
        outage.setattr(type(connections["default"]), "cursor", down)
        response = calm(client).get("/imports/")
    page = response.content.decode()
    assert response.status_code == 500
    assert '<html lang="zh-hans"' in page and response[request_id.HEADER] in page
    assert "no-store" in response["Cache-Control"]


def test_the_log_has_the_same_id(signed: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(request_id.InLog())
    with caplog.at_level(logging.WARNING):
        response = calm(signed).get("/fail/")
    assert {record.request_id for record in caplog.records} == {response[request_id.HEADER]}
    assert request_id.current() == "-"


def test_each_request_has_its_own_id_whatever_is_sent_along(signed: Client) -> None:
    ids = {signed.get("/imports/", headers={request_id.HEADER: "x\n"})[request_id.HEADER] for _time in range(3)}
    assert len(ids) == 3 and all(ID.fullmatch(one) for one in ids)


# -- a form whose token is of another sign-in


def test_a_refused_form_leads_back_to_its_page(marketer: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(marketer)
    client.cookies["tagsync_language"] = "en"
    response = client.post("/imports/new/", headers={"Referer": "http://testserver/imports/new/?like=1"})
    assert response.status_code == 403
    page = response.content.decode()
    assert 'href="/imports/new/?like=1"' in page
    assert "This page was open for too long" in page


@pytest.mark.parametrize(
    "referer", ["", "http://evil.com/imports/", "javascript:alert(1)", "http://testserver.evil.com/"]
)
def test_a_refused_form_leads_to_no_other_site(marketer: Person, referer: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(marketer)
    page = client.post("/imports/new/", headers={"Referer": referer}).content.decode()
    assert re.findall(r'class="btn[^"]*" href="([^"]*)"', page) == ["/"]


PERSON = "http://testserver/people/new/"
OURS = {"Referer": PERSON, "Origin": "http://testserver"}


@pytest.fixture
def stale(admin_person: Person) -> Client:
    """A browser that signed in anew elsewhere: its open pages carry a token that counts no more."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_person)
    client.cookies["tagsync_language"] = "en"
    return client


def test_a_refused_form_can_be_sent_once_more(stale: Client) -> None:
    typed = {"username": "zhou <x>", "password": "", "csrfmiddlewaretoken": "of yesterday"}
    response = stale.post("/people/new/?a=1&b=2", typed, headers=OURS)
    page = text_of(response)
    assert response.status_code == 403 and "Send it again" in page
    form = re.search(r'<form method="post" action="([^"]*)">(.*?)</form>', page)
    assert form
    fields = re.findall(r'name="([^"]*)" value="([^"]*)"', form[2])
    assert unescape(form[1]) == "/people/new/?a=1&b=2" and "of yesterday" not in page
    again = stale.post(unescape(form[1]), {name: unescape(value) for name, value in fields}, headers=OURS)
    assert again.status_code == 422 and 'value="zhou &lt;x&gt;"' in text_of(again)


@pytest.mark.parametrize("origin", ["", "http://evil.com", "null", "http://testserver.evil.com"])
def test_no_other_site_has_its_press_sent_again(stale: Client, origin: str) -> None:
    headers = {"Referer": PERSON} | ({"Origin": origin} if origin else {})
    assert "Send it again" not in text_of(stale.post("/people/new/", {"username": "zhou"}, headers=headers))


def test_passwords_and_files_are_put_into_no_page(stale: Client) -> None:
    page = text_of(stale.post("/people/new/", {"username": "zhou", "password": "correct horse"}, headers=OURS))
    assert "correct horse" not in page and "files and type passwords" in page
    file = SimpleUploadedFile("x.csv", b"a")
    assert "Send it again" not in text_of(stale.post("/imports/new/", {"file": file, "title": "t"}, headers=OURS))


@pytest.mark.parametrize(("language", "words"), [("en", "Your browser sent no cookies"), ("zh-hans", "Cookie")])
def test_lost_cookies_are_told(language: str, words: str) -> None:
    """Without the database, which this test has none of."""
    client = Client(enforce_csrf_checks=True)
    sign_in = "http://testserver/login/?next=/imports/7/"
    headers = {"Referer": sign_in, "Accept-Language": language}
    response = client.post("/login/", {"username": "lin", "password": "secret words"}, headers=headers)
    page = text_of(response)
    assert response.status_code == 403 and words in page and "secret words" not in page
    assert 'href="/login/?next=/imports/7/"' in page and "Send it again" not in page


# -- a session that ended


def ways_back(address: str) -> tuple[str, dict[str, list[str]]]:
    return urlsplit(address).path, parse_qs(urlsplit(address).query)


def test_a_press_after_the_session_leads_back_to_the_page(client: Client, ready: ImportJob) -> None:
    page = f"http://testserver/imports/{ready.pk}/check/"
    response = client.post(f"/imports/{ready.pk}/start/", headers={"Referer": page})
    assert ways_back(response["Location"]) == ("/login/", {"next": [f"/imports/{ready.pk}/check/"], "ended": ["1"]})
    client.cookies["tagsync_language"] = "en"
    assert "Your last action was not carried out." in client.get(response["Location"]).content.decode()


def test_a_press_from_nowhere_leads_to_the_start(client: Client, ready: ImportJob) -> None:
    response = client.post(f"/imports/{ready.pk}/start/", headers={"Referer": "http://evil.com/x/"})
    assert ways_back(response["Location"]) == ("/login/", {"next": ["/"], "ended": ["1"]})


def test_a_script_s_press_sends_the_browser(client: Client, ready: ImportJob) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/imports/{ready.pk}/columns/"}
    response = client.post(f"/imports/{ready.pk}/save/", headers=headers)
    assert response.status_code == 204
    back = ways_back(response["HX-Redirect"])
    assert back == ("/login/", {"next": [f"/imports/{ready.pk}/columns/"], "ended": ["1"]})


def test_a_look_after_the_session_says_nothing_of_a_press(client: Client, db: None) -> None:
    assert client.get("/imports/?page=2")["Location"] == "/login/?next=/imports/%3Fpage%3D2"


# -- others are in the way


def test_a_press_that_had_to_give_way_says_so_and_leads_back(signed: Client, ready: ImportJob) -> None:
    page = f"http://testserver/imports/{ready.pk}/check/"
    response = calm(signed).post("/give-way/", headers={"Referer": page})
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    text = response.content.decode()
    assert "The server is busy with something else" in text and "Go back: the page shows how far it got." in text
    assert re.findall(r'class="btn[^"]*" href="([^"]*)"', text) == [f"/imports/{ready.pk}/check/"]
    ready.refresh_from_db()
    assert ready.title == ""


def test_a_page_that_had_to_give_way_offers_itself_again(signed: Client) -> None:
    signed.cookies["tagsync_language"] = "zh-hans"
    text = calm(signed).get("/give-way/?page=2").content.decode()
    assert re.findall(r'class="btn[^"]*" href="([^"]*)"', text) == ["/give-way/?page=2"]
    assert "The server is busy with something else" in text


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of PostgreSQL's locks tests/faults/test_frozen knows")
@pytest.mark.django_db(transaction=True)
def test_a_press_while_another_writes_is_absent_or_whole(client: Client, ready: ImportJob, marketer: Person) -> None:
    client.force_login(marketer)
    address = f"/imports/{ready.pk}/change/"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    try:
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert calm(client).post(address)["X-Busy"] == "1"
            other.execute("ROLLBACK")
        ready.refresh_from_db()
        assert (ready.status, ready.rows.exists(), ready.events.filter(act="change").exists()) == ("ready", True, False)
        assert client.post(address).status_code == 302
        ready.refresh_from_db()
        assert (ready.status, ready.rows.exists(), ready.events.filter(act="change").count()) == ("draft", False, 1)
    finally:
        connection.close()


def test_a_script_s_press_is_told_apart_from_a_failure(signed: Client) -> None:
    headers = {"HX-Request": "true"}
    assert calm(signed).post("/give-way/", headers=headers)["X-Busy"] == "1"
    assert "X-Busy" not in calm(signed).post("/fail/", headers=headers)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite says it in one way")
@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("LockNotAvailable", 503),
        ("QueryCanceled", 503),
        ("DeadlockDetected", 503),
        ("IdleInTransactionSessionTimeout", 503),
        ("AdminShutdown", 500),
        ("UniqueViolation", 500),
    ],
)
def test_it_knows_who_only_gave_way(signed: Client, error: str, status: int) -> None:
    assert calm(signed).get(f"/give-way/?error={error}").status_code == status


# -- nothing is left to write on


@pytest.mark.parametrize("what", ["", "?file"])
def test_a_full_disk_is_told_and_nothing_is_half_done(signed: Client, ready: ImportJob, what: str) -> None:
    page = f"http://testserver/imports/{ready.pk}/check/"
    response = calm(signed).post(f"/full/{what}", headers={"Referer": page})
    assert (response.status_code, response["X-Full"], "X-Busy" in response) == (503, "1", False)
    text = response.content.decode()
    assert "The server’s disk is full" in text and "so it was not carried out" in text
    assert re.findall(r'class="btn[^"]*" href="([^"]*)"', text) == [f"/imports/{ready.pk}/check/"]
    ready.refresh_from_db()
    assert ready.title == ""


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL says it in one way")
@pytest.mark.parametrize(("free", "is_full"), [(0, True), (10**9, False)])
def test_a_file_that_sqlite_cannot_grow_is_a_full_disk_when_it_is(
    monkeypatch: pytest.MonkeyPatch, free: int, is_full: bool
) -> None:
    """As SQLite says it of the file it shares between processes."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert has_no_room(error) is is_full


def test_a_page_on_a_full_disk_speaks_chinese(signed: Client, marketer: Person) -> None:
    Person.objects.update(language="zh-hans")
    text = calm(signed).get("/full/").content.decode()
    assert "服务器磁盘已满" in text and "disk" not in text


# -- maintenance


def test_it_says_that_it_will_be_back(signed: Client) -> None:
    with override_settings(TAGSYNC_MAINTENANCE=True):
        response = signed.get("/imports/", headers={"Accept-Language": "en"})
        assert b"<html" not in signed.get("/healthz").content
    assert response.status_code == 503
    assert response["Retry-After"] == "120"
    assert "tagsync is down for maintenance" in response.content.decode()
    assert signed.get("/imports/").status_code == 200


def test_a_file_is_enough_for_it(client: Client, tmp_path: Path) -> None:
    """Without a database: the fixture that would allow one is not asked for."""
    (tmp_path / "maintenance").touch()
    with override_settings(TAGSYNC_HOME=tmp_path):
        assert client.get("/imports/").status_code == 503
