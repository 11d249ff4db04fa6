"""What the commands refuse before anything is queued: one line that says what is wrong. Exit statuses: journeys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.terminal import COULD_NOT_RUN, CouldNotRun
from tests.making import HEADER, customer
from tests.workbooks import filtered, plain

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _prepared(
    admin_person: Person, sandbox_connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with override_settings(MEDIA_ROOT=tmp_path / "uploads"):
        yield


def refused(sheet: Path, *options: str, connection: str = "Sandbox") -> str:
    """The one line; nothing is left of what was begun."""
    with pytest.raises(CouldNotRun) as caught:
        call_command("import_sheet", str(sheet), "--connection", connection, "--operation", "add", *options)
    assert caught.value.returncode == COULD_NOT_RUN
    assert not ImportJob.objects.visible_to(Person.objects.get()).exists()
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        (("姓名", "标签"), (), "No column says who the customer is."),
        (("手机号", "姓名"), (), "No column holds the tags."),
        (("手机号", "手机", "标签"), (), "“Phone” is chosen for more than one column."),
        (("a", "标签"), ("--map", "b=phone"), "--map b=phone is not HEADER=FIELD"),
        (("a", "标签"), ("--map", "a=name"), "FIELD is one of audienceUserId, openid, unionid, phone, tags"),
        (("手机号", "标签"), ("--sheet", "none"), "There is no sheet “none” in the file."),
    ],
)
def test_it_says_what_is_wrong_with_columns(
    tmp_path: Path, header: tuple[str, ...], options: tuple[str, ...], said: str
) -> None:
    line = refused(plain(tmp_path / "sheet.xlsx", [header, ["1"] * len(header)]), *options)
    assert said in line
    if not options or "--map" in options:
        assert all(f"“{name}”" in line for name in header)


def test_it_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    text = tmp_path / "text.xlsx"
    text.write_text('手机号,标签\n"1,2\n')
    assert "quotation mark" in refused(text)
    assert "No such file" in refused(tmp_path / "none")
    assert "empty" in refused(plain(tmp_path / "empty.xlsx", []))


def test_it_says_what_is_wrong_with_a_connection_or_a_person(tmp_path: Path) -> None:
    sheet = plain(tmp_path / "sheet.xlsx", [HEADER, customer(1)])
    assert "There is no connection “none”. There are: Sandbox" in refused(sheet, connection="none")
    assert "nobody" in refused(sheet, "--user", "nobody")


HIDING = [("手机号", "标签"), ("13800138000", "VIP"), ("13800138001", "VIP"), ("13800138002", "VIP")]


def test_it_wants_to_know_what_becomes_of_hidden_rows(tmp_path: Path) -> None:
    line = refused(filtered(tmp_path / "sheet.xlsx", HIDING, [3]))
    assert "Hidden: 1; shown: 2." in line
    assert "--hidden skip" in line
    assert "--hidden send" in line


def test_it_wants_to_know_what_the_characters_are(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_bytes("phone,tags\n13800138000,会\n13800138001,会\n".encode("gb18030"))
    line = refused(sheet)
    assert "--encoding gb18030, --encoding big5" in line
    assert "13800138000" not in line
    assert "“klingon” is not an encoding" in refused(sheet, "--encoding", "klingon")
    assert "“comma” cannot separate" in refused(sheet, "--delimiter", "comma")
