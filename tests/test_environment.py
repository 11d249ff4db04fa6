"""What the environment says is understood, or refused by the name of the variable, without its secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tagsync import environment as env

URL = "TAGSYNC_EMAIL_URL"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, "", "", True, False)),
        ("smtp://me:pa%40ss@mail:2525?tls=starttls", ("mail", 2525, "me", "pa@ss", True, False)),
        ("smtp://me%40x.cn:p@mail?tls=implicit", ("mail", 465, "me@x.cn", "p", False, True)),
        ("smtp://mail/?tls=none", ("mail", 25, "", "", False, False)),
        ("smtp://u:p@127.0.0.1:1025?tls=none", ("127.0.0.1", 1025, "u", "p", False, False)),
        ("smtp://[::1]:1025?tls=none", ("::1", 1025, "", "", False, False)),
    ],
)
def test_it_reads_a_mail_server(monkeypatch: pytest.MonkeyPatch, value: str, expected: tuple[object, ...]) -> None:
    monkeypatch.setenv(URL, value)
    assert env.mail_server(URL) == expected


@pytest.mark.parametrize("value", ["", "  "])
def test_none_is_no_mistake(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(URL, value)
    assert env.mail_server(URL) is None


@pytest.mark.parametrize(
    "value",
    [
        "mail.example.com:587",
        "http://u:hunter2@mail",
        "smtp://",
        "smtp://u:hunter2@",
        "smtp://u:hunter2@mail:99999",
        "smtp://u:hunter2@mail:port",
        "smtp://u:hunter2@mail/inbox",
        "smtp://u:hunter2@mail?tls=maybe",
        "smtp://u:hunter2@mail?tls=",
        "smtp://u:hunter2@mail?ssl=1",
        "smtp://u:hunter2@mail?tls",
        "smtp://u:hunter2@mail#x",
        "smtp://u:hunter2@mail?tls=none",
        "smtp://u:hunter2@[mail",
    ],
)
def test_it_refuses_by_name_and_without_the_password(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(URL, value)
    with pytest.raises(ImproperlyConfigured, match=URL) as refused:
        env.mail_server(URL)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("value", ["noreply@example.com", "tagsync <noreply@example.com>", "标签 <a@b.cn>"])
def test_it_reads_a_sender(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SENDER", value)
    assert env.mail_address("SENDER", "x") == value


@pytest.mark.parametrize("value", ["", "noreply", "@example.com", "noreply@", "a@b\nBcc: c@d", "a b@c.cn"])
def test_it_refuses_a_sender(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SENDER", value)
    with pytest.raises(ImproperlyConfigured, match="SENDER"):
        env.mail_address("SENDER", "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://tags.example.com/", "https://tags.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://example.com/tagsync", "https://example.com/tagsync"),
    ],
)
def test_it_reads_its_own_address(monkeypatch: pytest.MonkeyPatch, value: str, expected: str) -> None:
    monkeypatch.setenv("SITE", value)
    assert env.site_address("SITE", "x") == expected


@pytest.mark.parametrize(
    "value", ["", "tags.example.com", "ftp://x", "https://", "https://x?y", "https://u@x", "http://x:y"]
)
def test_it_refuses_an_address(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SITE", value)
    with pytest.raises(ImproperlyConfigured, match="SITE"):
        env.site_address("SITE", "x")


SERVER = {URL: "smtp://u:hunter2@mail", "TAGSYNC_EMAIL_FROM": "a@b.cn", "TAGSYNC_BASE_URL": "https://b.cn"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, ""),
        ({URL: "mail:25"}, URL),
        ({"TAGSYNC_EMAIL_FROM": ""}, "TAGSYNC_EMAIL_FROM"),
        ({"TAGSYNC_BASE_URL": "b.cn"}, "TAGSYNC_BASE_URL"),
        ({"TAGSYNC_LONG_WAIT_MINUTES": "0"}, "TAGSYNC_LONG_WAIT_MINUTES"),
        # Without a mail server the other two say nothing.
        ({URL: "", "TAGSYNC_BASE_URL": "b.cn"}, ""),
    ],
)
def test_it_does_not_start_half_configured(tmp_path: Path, changes: dict[str, str], named: str) -> None:
    environment = {**os.environ, "TAGSYNC_HOME": str(tmp_path), **SERVER, **changes}
    done = subprocess.run(
        [sys.executable, "-c", "import tagsync.settings"], env=environment, capture_output=True, text=True
    )
    assert (done.returncode == 0) is not bool(named)
    assert named in done.stderr and "hunter2" not in done.stderr


KEY = "x" * 43 + "="
PRODUCTION = {
    "TAGSYNC_MODE": "production",
    "SECRET_KEY": "".join(chr(97 + number % 26) for number in range(60)),
    "TAGSYNC_CREDENTIAL_KEYS": KEY,
    "TAGSYNC_ALLOWED_HOSTS": "tagsync.example.com,.example.org,tagsync,10.0.0.5,[::1]",
    "DATABASE_URL": "postgres://tagsync@db.example.com/tagsync",
    "REDIS_URL": "rediss://redis.example.com/0",
}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, []),
        ({"TAGSYNC_CREDENTIAL_KEYS": "hunter2"}, ["TAGSYNC_CREDENTIAL_KEYS: entry 1"]),
        ({"TAGSYNC_CREDENTIAL_KEYS": f"{KEY},hunter2"}, ["TAGSYNC_CREDENTIAL_KEYS: entry 2"]),
        ({"TAGSYNC_ALLOWED_HOSTS": "tagsync.example.com,.com"}, ["TAGSYNC_ALLOWED_HOSTS", "'.com'"]),
        ({"TAGSYNC_ALLOWED_HOSTS": "*"}, ["TAGSYNC_ALLOWED_HOSTS"]),
        ({"TAGSYNC_ALLOWED_HOSTS": "."}, ["TAGSYNC_ALLOWED_HOSTS"]),
        ({"TAGSYNC_ALLOWED_HOSTS": "https://tagsync.example.com"}, ["TAGSYNC_ALLOWED_HOSTS"]),
        (
            {"TAGSYNC_CREDENTIAL_KEYS": "", "SECRET_KEY": "hunter2", "TAGSYNC_ALLOWED_HOSTS": "*", "REDIS_URL": ""},
            ["TAGSYNC_CREDENTIAL_KEYS", "SECRET_KEY", "TAGSYNC_ALLOWED_HOSTS", "REDIS_URL"],
        ),
    ],
)
def test_production_names_all_that_is_wrong_at_once(tmp_path: Path, changes: dict[str, str], named: list[str]) -> None:
    environment = {**os.environ, "TAGSYNC_HOME": str(tmp_path), **PRODUCTION, **changes}
    done = subprocess.run(
        [sys.executable, "-c", "import tagsync.settings"], env=environment, capture_output=True, text=True
    )
    assert (done.returncode == 0) is not bool(named), done.stderr
    assert [name for name in named if name not in done.stderr] == []
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(("said", "expected"), [("", "here/var"), ("other", "here/other"), ("/else", "/else")])
def test_the_folder_is_below_the_one_where_it_was_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, expected: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TAGSYNC_HOME", said)
    assert env.home(make=False) == tmp_path / expected
    assert not (tmp_path / "here" / "var").exists()


@pytest.mark.parametrize(("value", "is_on"), [("", False), ("0", False), ("False", False), ("1", True), ("yes", True)])
def test_a_switch_that_says_off_is_off(monkeypatch: pytest.MonkeyPatch, value: str, is_on: bool) -> None:
    monkeypatch.setenv("SWITCH", value)
    assert env.switch("SWITCH") is is_on


def test_a_switch_that_says_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCH", "nginx")
    with pytest.raises(ImproperlyConfigured, match="SWITCH"):
        env.switch("SWITCH")


# -- where files are stored

STORAGE = "TAGSYNC_STORAGE"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("s3://files", ("files", "", None, None, None)),
        ("s3://files/tagsync/trial/", ("files", "tagsync/trial", None, None, None)),
        ("s3://files?region_name=cn-north-1", ("files", "", None, "cn-north-1", None)),
        (
            "s3://files/a?endpoint_url=https://minio.example.com:9000&region_name=x&addressing_style=path",
            ("files", "a", "https://minio.example.com:9000", "x", "path"),
        ),
        ("s3://files?endpoint_url=http%3A%2F%2F%5B%3A%3A1%5D%3A9000", ("files", "", "http://[::1]:9000", None, None)),
    ],
)
def test_it_reads_a_bucket(monkeypatch: pytest.MonkeyPatch, value: str, expected: tuple[object, ...]) -> None:
    monkeypatch.setattr(env, "find_spec", lambda _name: True)
    monkeypatch.setenv(STORAGE, value)
    assert env.bucket(STORAGE) == expected


@pytest.mark.parametrize("value", ["", "  "])
def test_without_a_bucket_it_is_a_folder(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(STORAGE, value)
    assert env.bucket(STORAGE) is None


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("/srv/tagsync", "TAGSYNC_UPLOADS"),
        ("files", "TAGSYNC_UPLOADS"),
        ("https://files.s3.amazonaws.com/", "TAGSYNC_UPLOADS"),
        ("s3://", "s3://bucket/prefix"),
        ("s3://a", "s3://bucket/prefix"),
        ("s3://files/../other", "s3://bucket/prefix"),
        ("s3://files/a b", "s3://bucket/prefix"),
        ("s3://files:9000/", "s3://bucket/prefix"),
        ("s3://AKID:hunter2@files/", "AWS_SECRET_ACCESS_KEY"),
        ("s3://files?endpoint_url=https://AKID:hunter2@minio", "AWS_SECRET_ACCESS_KEY"),
        ("s3://files?secret_key=hunter2", "nothing else"),
        ("s3://files?region_name=", "nothing else"),
        ("s3://files?region_name", "s3://bucket/prefix"),
        ("s3://files#hunter2", "nothing else"),
        ("s3://files?endpoint_url=minio:9000", "endpoint_url"),
        ("s3://files?endpoint_url=https://minio:port", "endpoint_url"),
        ("s3://files?addressing_style=dns", "auto, path, virtual"),
        ("s3://[files", "s3://bucket/prefix"),
    ],
)
def test_it_refuses_what_is_no_bucket(monkeypatch: pytest.MonkeyPatch, value: str, word: str) -> None:
    monkeypatch.setenv(STORAGE, value)
    with pytest.raises(ImproperlyConfigured, match=STORAGE) as refused:
        env.bucket(STORAGE)
    assert word in str(refused.value) and "hunter2" not in str(refused.value)


def test_it_says_what_a_bucket_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "find_spec", lambda name: None if name == "storages" else True)
    monkeypatch.setenv(STORAGE, "s3://files")
    with pytest.raises(ImproperlyConfigured, match=r"tagsync\[s3\]"):
        env.bucket(STORAGE)
