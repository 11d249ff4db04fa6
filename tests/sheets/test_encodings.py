"""No text is read in a wrong encoding and sent: a file is read rightly, or somebody is asked, or cells are stopped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tagsync.sheets.cells import Kind
from tagsync.sheets.delimited import TextFile
from tagsync.sheets.guard import DEFAULT_LIMITS, Form, recognise
from tagsync.sheets.reading import Reading
from tagsync.sheets.xlsx.values import unwire
from tests.sheets import text_files

NAMES = {"cp950": "big5"}


def outcome(path: Path, file: text_files.TextFile) -> Counter[str]:
    """What becomes of the file and its cells; whoever is asked says the encoding of most of it."""
    path.write_bytes(file.content)
    assert recognise(path) is Form.TEXT, file.name
    encoding = NAMES.get(file.encoding, file.encoding)
    question = TextFile(path, DEFAULT_LIMITS).questions[0]
    counts = Counter(asked=not question.found)
    reading = Reading() if question.found else Reading(encoding)
    source = TextFile(path, DEFAULT_LIMITS, reading)
    for number, *wires in (row for rows in source.rows() for row in rows):
        expected = file.rows[number - 1]
        for wire, text in zip(wires, expected, strict=False):
            cell = unwire(wire) if wire is not None else None
            if cell is None or cell.kind is not Kind.TEXT:
                counts["stopped" if text is None else "stopped needlessly"] += 1
            elif cell.text != text:
                counts["wrong"] += 1
            else:
                counts["right"] += 1
    return counts


@pytest.mark.slow
def test_it_reads_no_text_wrongly(path: Path) -> None:
    """A text that was read wrongly and not stopped would be sent. Few clean files may be asked about."""
    corpus = text_files.corpus()
    found = [(file, outcome(path, file)) for file in corpus]
    print_sums(found)
    clean = [(file, counts) for file, counts in found if file.is_clean]
    assert len(corpus) >= 300
    assert [file.name for file, counts in found if counts["wrong"]] == []
    assert [file.name for file, counts in clean if counts["stopped needlessly"]] == []
    assert sum(counts["asked"] for _, counts in clean) <= 0.05 * len(clean)


def print_sums(found: list[tuple[text_files.TextFile, Counter[str]]]) -> None:
    """Shown with `pytest -s`."""
    sums: dict[str, Counter[str]] = {}
    for file, counts in found:
        sums.setdefault(file.kind, Counter())
        sums[file.kind] += counts + Counter(files=1)
    columns = ("files", "asked", "right", "stopped", "stopped needlessly", "wrong")
    print("\n", " " * 12, *(f"{column:>12}" for column in columns))
    for kind, counts in sums.items():
        print(f"{kind:13}", *(f"{counts[column]:{max(12, len(column))},}" for column in columns))
