"""The reference tells every setting, and no other."""

from __future__ import annotations

import re
from pathlib import Path

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
