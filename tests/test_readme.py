"""The reference tells every setting, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

BASE = Path(__file__).parent.parent
NAME = r"(?:TAGSYNC|SECRET|DATABASE|REDIS)_[A-Z_]+"
READ = re.compile(rf"(?:env\.\w+|\btext|\bwords|environ\.get)\(\s*\"({NAME})\"")


def read_by_the_code() -> set[str]:
    sources = (path.read_text() for path in (BASE / "tagsync").rglob("*.py"))
    return {name for source in sources for name in READ.findall(source)}


def told_by(document: str) -> set[str]:
    table = document.partition("\n## Settings\n")[2].partition("\n## ")[0]
    lines = (line for line in table.splitlines() if line.startswith("| `"))
    return {name for line in lines for name in re.findall(rf"`({NAME})`", line)}


def test_every_setting_stands_in_the_table_and_is_read() -> None:
    told, read = told_by((BASE / "deploy" / "REFERENCE.md").read_text()), read_by_the_code()
    assert len(read) > 20
    assert told - read == set()
    assert read - told == set()


def shape(document: str) -> tuple[int, int, list[str], list[str]]:
    """What both languages have alike: headings, pictures, commands, and where links lead."""
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)]+)\)", document)
    commands = re.findall(r"^    (\S.*)$", document, re.MULTILINE)
    return document.count("\n## "), document.count("!["), commands, [one for one in links if "README" not in one[:6]]


def test_the_chinese_readme_has_what_the_english_one_has() -> None:
    english, chinese = (BASE / "README.md").read_text(), (BASE / "README.zh.md").read_text()
    assert shape(english) == shape(chinese)


@pytest.mark.parametrize("name", ["README.md", "README.zh.md", "deploy/README.md", "deploy/REFERENCE.md"])
def test_its_links_and_pictures_lead_somewhere(name: str) -> None:
    path = BASE / name
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [one for one in targets if not (path.parent / one).exists()] == []
