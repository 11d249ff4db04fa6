"""Chinese is whole: every string is translated, nothing is fuzzy, and what is compiled is what is written."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from django.utils import translation
from django.utils.translation import gettext

from tagsync.mapping.fields import FIELDS
from tagsync.mapping.matching import suggest

FOLDER = Path(__file__).parent.parent / "tagsync" / "locale" / "zh_Hans" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|%%|\{[a-z_0-9]*\}")
# A bare machine has no msgfmt, so the compiled catalogue is committed with the written one.
REMEDY = "run the makemessages line of .ci/run, translate, then manage.py compilemessages"


@pytest.fixture(scope="module")
def written() -> polib.POFile:
    return polib.pofile(str(FOLDER / "django.po"))


def texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_it_translates_every_string(written: polib.POFile) -> None:
    assert [entry.msgid for entry in written if not all(texts(entry)) or entry.fuzzy] == [], REMEDY


def test_it_keeps_every_placeholder(written: polib.POFile) -> None:
    wrong = [
        entry.msgid
        for entry in written
        for text in texts(entry)
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    ]
    assert wrong == []


def test_it_is_compiled(written: polib.POFile) -> None:
    compiled = {entry.msgid: texts(entry) for entry in polib.mofile(str(FOLDER / "django.mo"))}
    assert compiled == {entry.msgid: texts(entry) for entry in written}, REMEDY


def test_its_names_of_the_fields_match_without_asking() -> None:
    with translation.override("zh-hans"):
        labels = {number: gettext(field.label) for number, field in enumerate(FIELDS.values())}
    assert [(one.field, one.exact) for one in suggest(labels)] == [(key, True) for key in FIELDS]


def _banned() -> list[str]:
    lines = (FOLDER.parent.parent / "glossary.md").read_text().splitlines()
    return [word for line in lines if line.startswith("| ") for word in re.findall("`([^`]+)`", line.split(" | ")[-1])]


def test_it_uses_no_word_that_the_glossary_bans(written: polib.POFile) -> None:
    banned = _banned()
    assert len(banned) > 20
    found = [
        (word, text)
        for word in banned
        for entry in written
        for text in ([entry.msgid, entry.msgid_plural] if word.isascii() else texts(entry))
        if re.search(rf"\b{word}\b" if word.isascii() else word, text, re.IGNORECASE)
    ]
    assert found == [], "tagsync/locale/glossary.md says which word it is"
