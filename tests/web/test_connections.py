from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.crypto import encrypt
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob

LIST, NEW = "/connections/", "/connections/new/"
HOST = "https://integrate.rabbitpre.com"


@pytest.fixture
def connection(db: None) -> Connection:
    connection = Connection(name="华东", base_url=HOST)
    connection.set_app("app-1", "stored-secret-9f3a")
    connection.save()
    return connection


@pytest.fixture
def fixed(db: None) -> Connection:
    connection = Connection(name="华南", base_url=HOST)
    connection.set_fixed_token("stored-token-7c1e")
    connection.save()
    return connection


def posted(**changes: Any) -> dict[str, Any]:
    return {
        "name": "华东",
        "base_url": HOST,
        "path": "/api/integrate/audience/tag/batchAdd",
        "token_path": "/api/open/app/getOrgAccessToken",
        "credentials": "app",
        "app_id": "app-1",
        "app_secret": "",
        "fixed_token": "",
        "customer_id_key": "audienceUserId",
        "way_two_order": "phone_first",
        "rows_per_call": 500,
        "calls_per_period": 10,
        "period_seconds": 5,
        "parallel_calls": 2,
        "resend_unanswered": "on",
        **changes,
    }


def page_of(connection: Connection, act: str = "edit") -> str:
    return reverse(f"connection_{act}", args=[connection.pk])


def import_on(connection: Connection, owner: Person, status: str, waiting: int = 5) -> ImportJob:
    return ImportJob.objects.create(
        owner=owner, connection=connection, file="x", file_name="x", status=status, counts={"waiting": waiting}
    )


def errors_of(response: Any) -> set[str]:
    assert response.status_code == 422
    return set(response.context["form"].errors)


# -- who may


@pytest.mark.parametrize("name", ["list", "new", "edit", "unblock", "archive", "test"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_does_not_exist_for_marketers(signed: Client, connection: Connection, name: str, method: str) -> None:
    url = reverse(f"connection_{name}", args=[] if name in ("list", "new") else [connection.pk])
    assert getattr(signed, method)(url).status_code in (404, 405)
    connection.refresh_from_db()
    assert connection.archived_at is None


@pytest.mark.parametrize("name", ["list", "new", "edit"])
def test_it_sends_strangers_to_sign_in(client: Client, connection: Connection, name: str) -> None:
    url = reverse(f"connection_{name}", args=[connection.pk] if name == "edit" else [])
    assert client.get(url)["Location"].startswith("/login/")


@pytest.mark.parametrize("name", ["edit", "unblock", "archive", "test"])
def test_it_does_not_find_an_unknown_one(signed_admin: Client, name: str) -> None:
    url = reverse(f"connection_{name}", args=[999])
    assert signed_admin.post(url).status_code == 404


@pytest.mark.parametrize("act", ["unblock", "test"])
def test_it_changes_nothing_by_get(signed_admin: Client, connection: Connection, act: str) -> None:
    assert signed_admin.get(page_of(connection, act)).status_code == 405


# -- the list


def test_it_lists_connections(signed_admin: Client, connection: Connection, fixed: Connection) -> None:
    page = signed_admin.get(LIST).content.decode()
    assert "华东" in page and "App id and secret" in page
    assert "Fixed token" in page and "expires two hours after it was issued" in page
    assert "10 calls in 5 s" in page and "500 rows per call, 2 at a time" in page


def test_it_lists_archived_ones_apart(signed_admin: Client, connection: Connection, fixed: Connection) -> None:
    fixed.archive()
    response = signed_admin.get(LIST)
    assert [line.connection for line in response.context["lines"]] == [connection]
    assert [line.connection for line in response.context["archived"]] == [fixed]


def test_it_says_what_to_do_about_a_blocked_one(signed_admin: Client, fixed: Connection) -> None:
    fixed.block("token_rejected", "HTTP 200, code 100200")
    page = signed_admin.get(LIST).content.decode()
    assert "The platform does not accept the access token" in page
    assert "Enter a new token" in page
    assert "Mark as repaired" in page
    assert "HTTP 200, code 100200" in page


def test_its_advice_knows_how_it_signs_in(
    signed_admin: Client, connection: Connection, fixed: Connection, marketer: Person
) -> None:
    """Nobody can enter a new token where tokens are fetched."""
    for one, words, others in ((fixed, "Enter a new token", "app is authorised"), (connection, "", "Enter a new")):
        one.block("token_rejected")
        job = import_on(one, marketer, "queued", 1)
        for place in (page_of(one), reverse("import_detail", args=[job.pk])):
            page = signed_admin.get(place).content.decode()
            assert (words or "the app is authorised for this tenant") in page and others not in page, place


def test_it_counts_unsettled_imports(signed_admin: Client, connection: Connection, marketer: Person) -> None:
    for status, waiting in [("queued", 5), ("stopped", 5), ("stopped", 0), ("finished", 0), ("ready", 5)]:
        import_on(connection, marketer, status, waiting)
    assert [line.unsettled for line in signed_admin.get(LIST).context["lines"]] == [2]


def test_it_needs_as_many_queries_for_many(
    signed_admin: Client, connection: Connection, marketer: Person, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        other = Connection.objects.create(name=f"c{number}", base_url=HOST)
        import_on(other, marketer, "queued")
    with django_assert_max_num_queries(9):
        signed_admin.get(LIST)


def test_it_shows_an_empty_list(signed_admin: Client) -> None:
    assert "No connection yet" in signed_admin.get(LIST).content.decode()


# -- adding


def test_it_shows_the_form(signed_admin: Client) -> None:
    page = signed_admin.get(NEW).content.decode()
    assert "phone &gt; unionid &gt; openid &gt; customer ID" in page
    assert "customer ID &gt; phone &gt; openid &gt; unionid" in page


def test_it_adds_one_with_an_app(signed_admin: Client) -> None:
    data = posted(name="新", app_secret="secret-1", base_url=HOST.upper() + "/", way_two_order="customer_id_first")
    assert signed_admin.post(NEW, data)["Location"] == LIST
    connection = Connection.objects.get()
    assert (connection.base_url, connection.app_id, connection.app_secret()) == (HOST, "app-1", "secret-1")
    assert connection.way_two_order == "customer_id_first"


def test_it_adds_one_with_a_fixed_token(signed_admin: Client) -> None:
    data = posted(credentials="token", fixed_token=" tok-1 \n", app_secret="ignored")
    assert signed_admin.post(NEW, data).status_code == 302
    connection = Connection.objects.get()
    assert (connection.app_id, connection.fixed_token(), connection.app_secret()) == ("", "tok-1", "")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, {"app_secret"}),
        ({"app_id": "", "app_secret": "s"}, {"app_id"}),
        ({"credentials": "token"}, {"fixed_token"}),
        ({"credentials": "token", "fixed_token": "to ken"}, {"fixed_token"}),
        ({"credentials": "token", "fixed_token": "令牌"}, {"fixed_token"}),
        ({"app_secret": "a\nb"}, {"app_secret"}),
        ({"app_id": "a b", "app_secret": "s"}, {"app_id"}),
        ({"app_secret": "s", "base_url": "http://example.com"}, {"base_url"}),
        ({"app_secret": "s", "base_url": "https://169.254.169.254"}, {"base_url"}),
        ({"app_secret": "s", "path": "api"}, {"path"}),
        ({"app_secret": "s", "rows_per_call": 501}, {"rows_per_call"}),
        ({"app_secret": "s", "period_seconds": "nan"}, {"period_seconds"}),
        ({"app_secret": "s", "way_two_order": "other"}, {"way_two_order"}),
        ({"app_secret": "s", "name": ""}, {"name"}),
    ],
)
def test_it_says_which_field_is_wrong(signed_admin: Client, changes: dict[str, Any], fields: set[str]) -> None:
    assert errors_of(signed_admin.post(NEW, posted(**changes))) == fields
    assert not Connection.objects.exists()


def test_it_adds_the_same_once(signed_admin: Client, connection: Connection) -> None:
    assert errors_of(signed_admin.post(NEW, posted(app_secret="s"))) == {"name", "app_id"}
    assert errors_of(signed_admin.post(NEW, posted(app_secret="s", name="other"))) == {"app_id"}
    assert Connection.objects.count() == 1


# -- secrets


def test_it_never_shows_a_secret_again(signed_admin: Client, connection: Connection, fixed: Connection) -> None:
    for one, secret, end in [(connection, "stored-secret-9f3a", "9f3a"), (fixed, "stored-token-7c1e", "7c1e")]:
        page = signed_admin.get(page_of(one)).content.decode()
        assert secret not in page and f"ends in …{end}" in page and "leave empty to keep" in page
        assert not re.search(r'type="password"[^>]*value=', page)


def test_it_does_not_give_a_typed_secret_back(signed_admin: Client, connection: Connection) -> None:
    response = signed_admin.post(page_of(connection), posted(name="", app_secret="typed-secret", fixed_token="typed"))
    assert errors_of(response) == {"name"}
    assert "typed" not in response.content.decode()


def test_it_shows_no_end_of_a_short_secret(signed_admin: Client, fixed: Connection) -> None:
    fixed.set_fixed_token("abcd")
    fixed.save()
    assert "abcd" not in signed_admin.get(page_of(fixed)).content.decode()


def test_it_opens_when_the_key_is_lost(signed_admin: Client, fixed: Connection, settings: Any) -> None:
    settings.TAGSYNC_CREDENTIAL_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    assert "enter it again" in signed_admin.get(page_of(fixed)).content.decode()


def test_it_keeps_the_secret_that_is_not_entered(signed_admin: Client, connection: Connection) -> None:
    stored = connection.app_secret_encrypted
    assert signed_admin.post(page_of(connection), posted(name="renamed")).status_code == 302
    connection.refresh_from_db()
    assert (connection.name, connection.app_secret_encrypted) == ("renamed", stored)


def test_it_sends_no_stored_secret_to_another_address(signed_admin: Client, connection: Connection) -> None:
    elsewhere = posted(base_url="https://example.com")
    assert errors_of(signed_admin.post(page_of(connection), elsewhere)) == {"app_secret"}
    assert signed_admin.post(page_of(connection), {**elsewhere, "app_secret": "new"}).status_code == 302
    connection.refresh_from_db()
    assert (connection.base_url, connection.app_secret()) == ("https://example.com", "new")


def test_it_needs_the_secret_of_another_app(signed_admin: Client, connection: Connection) -> None:
    assert errors_of(signed_admin.post(page_of(connection), posted(app_id="app-2"))) == {"app_secret"}


def test_it_changes_the_kind_of_credentials(signed_admin: Client, connection: Connection) -> None:
    data = posted(credentials="token", fixed_token="tok-1")
    assert signed_admin.post(page_of(connection), data).status_code == 302
    connection.refresh_from_db()
    assert connection.uses_fixed_token and connection.fixed_token() == "tok-1" and not connection.app_secret_encrypted


# -- changing


def test_it_unblocks_with_new_credentials_only(signed_admin: Client, connection: Connection) -> None:
    connection.block("app_id_or_secret")
    signed_admin.post(page_of(connection), posted(parallel_calls=3))
    connection.refresh_from_db()
    assert (connection.state, connection.parallel_calls) == ("blocked", 3)
    signed_admin.post(page_of(connection), posted(app_secret="new-secret"))
    connection.refresh_from_db()
    assert (connection.state, connection.blocked_reason) == ("ready", "")


def test_it_leaves_alone_what_a_run_writes(signed_admin: Client, connection: Connection, monkeypatch: Any) -> None:
    """A worker takes a number and renews the token between reading and saving the form."""
    original = Connection.full_clean

    def meanwhile(self: Connection, *args: Any, **kwargs: Any) -> None:
        Connection.objects.filter(pk=self.pk).update(
            queue_number=7, token_encrypted=encrypt("fresh"), state="blocked", blocked_reason="forbidden"
        )
        original(self, *args, **kwargs)

    monkeypatch.setattr(Connection, "full_clean", meanwhile)
    assert signed_admin.post(page_of(connection), posted(name="renamed")).status_code == 302
    connection.refresh_from_db()
    assert (connection.name, connection.queue_number, connection.state) == ("renamed", 7, "blocked")
    assert connection.token_encrypted


def test_it_forgets_the_slots_of_a_pace_that_was_changed(
    signed_admin: Client,
    connection: Connection,
    marketer: Person,
    quiet_queue: list[tuple[str, int]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    later = timezone.now() + timedelta(hours=1)
    waiting = import_on(connection, marketer, "queued")
    Connection.objects.update(next_slot_at=later, slow_factor=4)
    ImportJob.objects.update(wait_until=later, wait_reason="pace")
    signed_admin.post(page_of(connection), posted(rows_per_call=100))
    connection.refresh_from_db()
    waiting.refresh_from_db()
    assert (connection.next_slot_at, waiting.wait_until, quiet_queue) == (later, later, [])
    with django_capture_on_commit_callbacks(execute=True):
        signed_admin.post(page_of(connection), posted(period_seconds=4))
    connection.refresh_from_db()
    waiting.refresh_from_db()
    assert (connection.next_slot_at, connection.slow_factor) == (None, 4)
    assert (waiting.wait_until, waiting.wait_reason) == (None, "")
    # It is rung for at once.
    assert quiet_queue == [("sends", waiting.pk)]


@pytest.mark.parametrize(
    ("status", "waiting", "locked"),
    [
        ("queued", 5, True),
        ("running", 0, True),
        ("stopping", 5, True),
        ("stopped", 5, True),
        ("blocked", 5, True),
        ("stopped", 0, False),
        ("finished", 0, False),
        ("ready", 5, False),
    ],
)
def test_it_keeps_the_tenant_while_an_import_is_unsettled(
    signed_admin: Client, connection: Connection, marketer: Person, status: str, waiting: int, locked: bool
) -> None:
    import_on(connection, marketer, status, waiting)
    moved = posted(base_url="https://example.com", app_id="app-2", app_secret="new")
    response = signed_admin.post(page_of(connection), moved)
    if not locked:
        assert response.status_code == 302
        return
    assert errors_of(response) == {"base_url", "app_id"}
    assert "1 import on the connection is not finished" in response.content.decode()
    connection.refresh_from_db()
    assert (connection.base_url, connection.app_id, connection.app_secret()) == (HOST, "app-1", "stored-secret-9f3a")


def test_it_takes_a_new_token_while_an_import_waits(signed_admin: Client, fixed: Connection, marketer: Person) -> None:
    import_on(fixed, marketer, "queued")
    fixed.block("token_rejected")
    data = posted(name="华南", credentials="token", app_id="", fixed_token="new-token", path="/other")
    assert signed_admin.post(page_of(fixed), data).status_code == 302
    fixed.refresh_from_db()
    assert (fixed.fixed_token(), fixed.state, fixed.path) == ("new-token", "ready", "/other")


# -- acts


def test_it_goes_on_when_repaired(signed_admin: Client, connection: Connection) -> None:
    connection.block("forbidden")
    for _twice in range(2):
        assert signed_admin.post(page_of(connection, "unblock"))["Location"] == LIST
        connection.refresh_from_db()
        assert connection.state == "ready"


def test_it_archives_and_takes_back(signed_admin: Client, connection: Connection) -> None:
    for _twice in range(2):
        signed_admin.post(page_of(connection, "archive"))
        connection.refresh_from_db()
        assert connection.archived_at
    assert "Unarchive" in signed_admin.get(page_of(connection)).content.decode()
    signed_admin.post(page_of(connection, "archive"), {"restore": "1"})
    connection.refresh_from_db()
    assert connection.archived_at is None


def test_it_archives_with_a_stopped_import(signed_admin: Client, connection: Connection, marketer: Person) -> None:
    import_on(connection, marketer, "stopped")
    signed_admin.post(page_of(connection, "archive"))
    connection.refresh_from_db()
    assert connection.archived_at


def test_it_escapes_what_the_platform_said(signed_admin: Client, connection: Connection) -> None:
    connection.block("forbidden", "<img src=x onerror=alert(1)>")
    for url in (LIST, page_of(connection)):
        assert "<img src=x" not in signed_admin.get(url).content.decode()
