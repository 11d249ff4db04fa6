from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import translation

from tagsync.connections.management.commands.add_connection import Command
from tagsync.connections.models import Connection

URL = ("--base-url", "https://integrate.rabbitpre.com")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setenv("TOKEN", "canary-token-1")
    monkeypatch.setenv("SECRET", "canary-secret-1\n")
    monkeypatch.setenv("EMPTY", "  ")
    monkeypatch.setenv("SPACED", "canary token")
    monkeypatch.setenv("CHINESE", "令牌")
    monkeypatch.delenv("MISSING", raising=False)


def add(*arguments: str) -> str:
    out = StringIO()
    with translation.override("en"):
        call_command("add_connection", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        add(*arguments)
    assert caught.value.returncode == 2
    sentence = str(caught.value)
    assert "\n" not in sentence and "canary" not in sentence
    assert not Connection.objects.exclude(name="taken").exists()
    return sentence


@pytest.mark.slow
def test_it_adds_a_connection_with_a_fixed_token() -> None:
    assert add("华东", *URL, "--token-env", "TOKEN") == "Connection “华东” added: https://integrate.rabbitpre.com\n"
    connection = Connection.objects.get()
    assert (connection.name, connection.fixed_token(), connection.app_id) == ("华东", "canary-token-1", "")
    assert connection.path == "/api/integrate/audience/tag/batchAdd"
    assert connection.token_path == "/api/open/app/getOrgAccessToken"
    assert not connection.is_sandbox


def test_it_adds_a_connection_with_app_and_pace() -> None:
    add(
        "one", *URL, "--app-id", "app-1", "--app-secret-env", "SECRET", "--path", "/api/open/tag", "--token-path", "/t",
        "--rows-per-call", "100", "--calls-per-period", "3", "--period-seconds", "1.5", "--parallel-calls", "4",
    )  # fmt: skip
    connection = Connection.objects.get()
    assert (connection.app_id, connection.app_secret(), connection.fixed_token()) == ("app-1", "canary-secret-1", "")
    assert (connection.path, connection.token_path, connection.rows_per_call) == ("/api/open/tag", "/t", 100)
    assert (connection.calls_per_period, connection.period_seconds, connection.parallel_calls) == (3, 1.5, 4)


def test_it_allows_this_machine_in_local_mode() -> None:
    add("one", "--base-url", "http://127.0.0.1:8123", "--token-env", "TOKEN")
    assert Connection.objects.get().base_url == "http://127.0.0.1:8123"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("x", *URL, "--token-env", "MISSING"), "MISSING"),
        (("x", *URL, "--token-env", "EMPTY"), "EMPTY"),
        (("x", *URL, "--token-env", ""), "environment variable"),
        (("x", *URL, "--token-env", "SPACED"), "SPACED"),
        (("x", *URL, "--token-env", "CHINESE"), "CHINESE"),
        (("x", *URL, "--app-id", "a", "--app-secret-env", "MISSING"), "MISSING"),
        (("x", *URL, "--app-id", "a"), "--app-secret-env"),
        (("x", *URL, "--app-id", " ", "--app-secret-env", "SECRET"), "--app-id"),
        (("x", *URL, "--app-id", "a b", "--app-secret-env", "SECRET"), "--app-id"),
        (("x", *URL, "--token-env", "TOKEN", "--app-secret-env", "SECRET"), "--app-secret-env"),
        (("x", *URL, "--token-env", "TOKEN", "--calls-per-period", "3"), "--period-seconds"),
        (("x", *URL, "--token-env", "TOKEN", "--period-seconds", "3"), "--calls-per-period"),
        (("x", *URL, "--token-env", "TOKEN", "--rows-per-call", "501"), "--rows-per-call"),
        (("x", *URL, "--token-env", "TOKEN", "--rows-per-call", "many"), "--rows-per-call"),
        (("x", *URL, "--token-env", "TOKEN", "--parallel-calls", "0"), "--parallel-calls"),
        (("x", *URL, "--token-env", "TOKEN", "--path", "api"), "--path"),
        (("x", *URL, "--token-env", "TOKEN", "--token-path", "//x"), "--token-path"),
        (("x", "--base-url", "http://example.com", "--token-env", "TOKEN"), "--base-url"),
        (("x", "--base-url", "https://10.0.0.1", "--token-env", "TOKEN"), "--base-url"),
        ((" ", *URL, "--token-env", "TOKEN"), "NAME"),
        (("n" * 101, *URL, "--token-env", "TOKEN"), "NAME"),
    ],
)
def test_it_refuses_in_one_line(arguments: tuple[str, ...], says: str) -> None:
    assert says in refused(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("x", *URL),
        ("x", "--token-env", "TOKEN"),
        (*URL, "--token-env", "TOKEN"),
        ("x", *URL, "--token-env", "TOKEN", "--app-id", "a"),
        ("x", *URL, "--token-env", "TOKEN", "--token", "canary"),
    ],
)
def test_it_refuses_incomplete_arguments(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        Command().run_from_argv(["manage.py", "add_connection", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_it_refuses_a_name_that_is_taken() -> None:
    add("taken", *URL, "--token-env", "TOKEN")
    assert "“taken” exists already" in refused("taken", "--base-url", "https://x.com", "--token-env", "TOKEN")


def test_it_refuses_a_twin_of_the_same_app() -> None:
    add("taken", *URL, "--app-id", "a", "--app-secret-env", "SECRET")
    assert "taken" in refused("x", *URL, "--app-id", "a", "--app-secret-env", "SECRET")


def test_no_option_and_no_database_gives_more_than_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = "a\udcff\x1b"
    add(odd, *URL, "--token-env", "TOKEN")
    assert Connection.objects.get().name == "a\ufffd\ufffd"
    Connection.objects.all().delete()
    for option in ("--base-url", "--path", "--token-path"):
        assert refused("b", *URL, option, odd, "--token-env", "TOKEN")
    assert refused("b", *URL, "--app-id", odd, "--app-secret-env", "SECRET")

    def gone(*_args: object, **_options: object) -> None:
        raise OperationalError("canary")

    monkeypatch.setattr(Connection, "save", gone)
    assert refused("b", *URL, "--token-env", "TOKEN").startswith(
        "The database cannot be used (OperationalError): check that it is running, then try again."
    )
