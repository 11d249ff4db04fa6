"""Whatever goes wrong in a command is one line: exit status 2 before its import is queued, 3 with its number then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.test import override_settings

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus
from tests.making import S, finish_check, make_import
from tests.matrix import one_in
from tests.workbooks import plain

pytestmark = pytest.mark.django_db
HEADER, ROW = ("手机号", "标签"), ("13800138000", "VIP")


@pytest.fixture(autouse=True)
def _uploads(tmp_path: Path) -> Iterator[None]:
    with override_settings(MEDIA_ROOT=tmp_path / "uploads"):
        yield


@pytest.fixture(autouse=True)
def nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Redis; the check is done at once, as a worker would do it."""

    def check(job: ImportJob, by: Person) -> None:
        job.begin_check(by)
        finish_check(job)

    monkeypatch.setattr("tagsync.queueing.doorbell.ring", lambda queue, job: True)
    monkeypatch.setattr("tagsync.cli.management.commands.import_sheet.checks_have_workers", lambda: True)
    monkeypatch.setattr("tagsync.cli.management.commands.import_sheet.sends_have_workers", lambda: True)
    monkeypatch.setattr("tagsync.delivery.actions.check", check)


@pytest.fixture
def sheet(tmp_path: Path, admin_person: Person, sandbox_connection: Connection) -> Path:
    return plain(tmp_path / "sheet.xlsx", [HEADER, ROW])


def failed(*words: object, **options: Any) -> CommandError:
    with pytest.raises(CommandError) as caught:
        call_command(*map(str, words), **options)
    line = str(caught.value)
    assert line.isprintable(), line
    return caught.value


def importing(sheet: object, *more: str) -> tuple[object, ...]:
    return ("import_sheet", sheet, "--connection", "Sandbox", "--operation", "add", *more)


def raising(error: BaseException) -> Callable[..., None]:
    def fail(*_args: Any, **_options: Any) -> None:
        raise error

    return fail


ERRORS = [
    (
        OperationalError("Key (phone)=(13800138000)"),
        "The database cannot be used (OperationalError): check that it is running, then try again.",
    ),
    (OSError(28, "No space left on device"), "No space left on device"),
    (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied"),
    (KeyboardInterrupt(), "It was interrupted."),
    (
        ZeroDivisionError("13800138000"),
        "An error in tagsync (ZeroDivisionError): tell whoever looks after it; --traceback shows more.",
    ),
    (
        UnicodeEncodeError("utf-8", "13800138000\ud800", 11, 12, "x"),
        "An error in tagsync (UnicodeEncodeError): tell whoever looks after it; --traceback shows more.",
    ),
]


@pytest.mark.parametrize(("error", "why"), ERRORS)
@pytest.mark.parametrize("place", one_in(3, ["create", "choose_columns", "choose_settings"]))
def test_it_ends_with_2_before_the_import_is_queued(
    sheet: Path, monkeypatch: pytest.MonkeyPatch, place: str, error: BaseException, why: str
) -> None:
    monkeypatch.setattr(f"tagsync.imports.drafts.drafts.{place}", raising(error))
    found = failed(*importing(sheet))
    assert (found.returncode, why in str(found), "13800138000" in str(found)) == (2, True, False)
    if place != "create":
        assert str(found).startswith(f"Import {ImportJob.objects.get().pk} was not started.")


@pytest.mark.parametrize(("error", "why"), ERRORS)
def test_it_ends_with_3_and_the_number_afterwards(
    sheet: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, why: str
) -> None:
    monkeypatch.setattr("tagsync.cli.report.is_over", raising(error))
    found, job = failed(*importing(sheet, "--wait")), ImportJob.objects.get()
    assert (found.returncode, job.status) == (3, JobStatus.QUEUED)
    assert str(found).startswith(f"Import {job.pk} is queued and continues without this command.") and why in str(found)


def test_it_does_not_say_what_it_does_not_know(sheet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagsync.delivery.actions.start", raising(OperationalError()))
    found = failed(*importing(sheet))
    assert (found.returncode, "may have been started" in str(found)) == (3, True)


def test_it_says_when_nobody_reads_the_answer(sheet: Path) -> None:
    class Closed:
        def write(self, text: str) -> None: ...

        def flush(self) -> None:
            raise BrokenPipeError(32, "Broken pipe")

    found = failed(*importing(sheet), stdout=Closed())
    assert (found.returncode, "could not be written here" in str(found)) == (3, True)
    assert ImportJob.objects.get().status == JobStatus.QUEUED


def test_it_goes_on_when_the_draft_was_deleted_meanwhile(sheet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagsync.delivery.actions.check", raising(ImportJob.DoesNotExist()))
    assert "has been changed on its page" in str(failed(*importing(sheet)))


def test_django_s_traceback_is_there_when_asked_for(sheet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagsync.imports.drafts.drafts.create", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        call_command(*map(str, importing(sheet)), traceback=True)


ODD = "a\udcff\x1b[2J\nb"


def test_it_takes_a_file_whose_name_is_not_utf_8(sheet: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xbb\xe1\xd4\xb1\x1b.xlsx"
    os.rename(sheet, odd)
    call_command(*importing(Path(os.fsdecode(odd))))
    assert ImportJob.objects.get().file_name == "\ufffd\ufffdԱ\ufffd.xlsx"


@pytest.mark.parametrize(
    "options",
    [
        ("--sheet", ODD),
        ("--map", f"{ODD}=phone"),
        ("--map", f"手机号={ODD}"),
        ("--user", ODD),
        ("--connection", ODD),
        ("--header-row", "9" * 30),
        ("--header-row", "-5"),
    ],
)
def test_no_option_makes_it_fail(sheet: Path, options: tuple[str, str]) -> None:
    assert failed(*importing(sheet, *options)).returncode == 2


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "9" * 40])
def test_no_number_makes_a_retry_fail(admin_person: Person, number: str) -> None:
    assert failed("retry_import", "--", number).returncode == 2


def test_a_retry_ends_with_3_after_it_is_queued(
    admin_person: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_import(admin_person, sandbox_connection, JobStatus.FINISHED, [S.REJECTED])
    monkeypatch.setattr("tagsync.cli.report.wait_until", raising(OperationalError()))
    found = failed("retry_import", job.pk, "--wait")
    job.refresh_from_db()
    assert (found.returncode, str(job.pk) in str(found), job.status) == (3, True, JobStatus.QUEUED)
    assert job.events.filter(act=Act.RETRY).exists()


def test_two_long_names_that_are_cut_alike_are_not_told_apart(tmp_path: Path, sheet: Path) -> None:
    long = "名" * 250
    plain(sheet, [(f"{long}1", f"{long}2", "标签"), ("1", "13800138000", "VIP")])
    assert failed(*importing(sheet, "--map", f"{long}2=phone")).returncode == 2
    plain(sheet, [(f"{long}1", "标签"), ("13800138000", "VIP")])
    call_command(*map(str, importing(sheet, "--map", f"{long}1=phone")))


@pytest.mark.parametrize("encoding", one_in(2, ["gbk", "ascii", "utf-8", "latin-1"]))
def test_a_terminal_of_any_encoding_gets_the_answer(encoding: str) -> None:
    """In a process of its own: the encoding is that of the real stdout."""
    code = (
        "import json, sys; from tagsync.terminal import in_terminal_language\n"
        "from tagsync.cli.management.commands.import_sheet import _shows_everything\n"
        "@in_terminal_language\n"
        "def handle(): print('会员😀'); print(json.dumps('会员😀', ensure_ascii=not _shows_everything(sys.stdout)))\n"
        "handle()"
    )
    code = f"import django; django.setup()\n{code}"
    env = {**os.environ, "PYTHONIOENCODING": encoding, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, cwd=settings.BASE_DIR)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding).splitlines()[1]) == "会员😀"
