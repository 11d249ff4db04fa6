"""Whatever the bytes are: rows or `Unreadable`, nothing else; and the quick way agrees with the parser."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tagsync.sheets.sources import open_source
from tagsync.sheets.xlsx.values import unwire
from tests import workbooks
from tests.sheets import fuzz

SOME = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FRAGMENTS = [
    *(
        '<row r="1">',
        '<row r="2" spans="1:2">',
        "<row>",
        "</row>",
        '<row r="3"/>',
        '<c r="A1">',
        '<c r="B1" t="s">',
        "<c>",
    ),
    *(
        '<c r="C1" t="str">',
        '<c r="A2" s="1"/>',
        '<c r="D1" t="inlineStr">',
        "</c>",
        "<v>",
        "</v>",
        "<is><t>",
        "</t></is>",
    ),
    *(
        "0",
        "1",
        "-1",
        "x",
        "46000.5",
        "&amp;",
        "<!-- -->",
        "<f>",
        "</f>",
        " ",
        "<![CDATA[",
        "]]>",
        "_x000D_",
        "\r",
        "\x01",
    ),
]
WHOLE_ROWS = [
    '<row r="{0}"><c r="A{0}"><v>{0}</v></c></row>',
    '<row r="{0}"><c r="A{0}" s="1"><v>46000</v></c><c r="B{0}" t="s"><v>1</v></c></row>',
    '<row r="{0}"><c r="B{0}" t="inlineStr"><is><t>a &lt; b</t></is></c></row>',
    '<row r="{0}"><c r="A{0}"><f>1</f></c><c r="B{0}" t="e"><v>#N/A</v></c></row>',
    '<row r="{0}"/>',
    '<row><c/><c t="b"><v>1</v></c></row>',
    '<row r="{0}"><c r="C{0}" s="2"/><c r="D{0}" t="str"><v>_x0041_</v></c></row>\n',
]


def everything(path):
    """All rows, read in this process."""
    with open_source(path, Limits()) as source:
        rows = [row for rows in source.rows(source.place(None)) for row in rows]
    return [(row[0], [None if wire is None else unwire(wire) for wire in row[1:]]) for row in rows]


def outcome(path):
    try:
        return everything(path)
    except Unreadable as refused:
        return refused.code


@SOME
@given(st.data())
def test_flipped_bytes_are_rows_or_a_refusal(tmp_path, data):
    path = workbooks.hand_written(tmp_path / "flipped.xlsx", WHOLE_ROWS[0].format(1) * 20, strings=["<t>x</t>"])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)

    outcome(path)


@SOME
@given(st.data())
def test_flipped_xml_is_rows_or_a_refusal(tmp_path, data):
    """The same below the checksums of the zip, part by part."""
    parts = workbooks.parts_of(
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>2</v></c></row>', strings=["<t>x</t>"]
    )
    name = data.draw(st.sampled_from(sorted(parts)))
    content = bytearray(str(parts[name]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    outcome(workbooks.package(tmp_path / "flipped.xlsx", {**parts, name: bytes(content)}))


@SOME
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
def test_the_quick_way_agrees_with_the_parser_on_fragments(tmp_path, rows):
    agree(tmp_path, rows)


@SOME
@given(st.lists(st.sampled_from(WHOLE_ROWS), max_size=12))
def test_the_quick_way_agrees_with_the_parser_on_rows(tmp_path, rows):
    agree(tmp_path, "".join(row.format(number) for number, row in enumerate(rows, 1)))


def agree(tmp_path, rows):
    strings = ["<t>a</t>", "<r><t>b</t></r>"]
    plain = outcome(workbooks.hand_written(tmp_path / "plain.xlsx", rows, strings=strings))
    parsed = outcome(workbooks.hand_written(tmp_path / "parsed.xlsx", "<!-- -->" + rows, strings=strings))

    assert plain == parsed


@pytest.mark.slow
def test_flipped_files_of_every_form_are_rows_or_a_refusal(tmp_path):
    """As the upload page reads them, each in a process of its own; `python -m tests.sheets.fuzz` is the long run."""
    found, _ = fuzz.run(tmp_path, 60, random.Random(2026))

    assert not found["reader_failed"] + found["reader_killed"], found
    assert found["rows"]
