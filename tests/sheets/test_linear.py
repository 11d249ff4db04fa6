"""What would take time with the square of a file's length, or multiply what is in it, does not. See also `hostile`."""

import random
import string

import pytest

from tagsync.sheets import number_formats, reader
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tagsync.sheets.names import NAME_CHARACTERS, distinct_names
from tagsync.sheets.number_formats import CODES_PARSED, LONGEST_SHOWN, NAMELESS, Formats, parsed, shown_text
from tagsync.sheets.xlsx import package as packages
from tagsync.sheets.xlsx.package import DEEPEST, LONGEST_TOKEN, Package
from tagsync.sheets.xlsx.strings import SharedStrings
from tagsync.sheets.xlsx.workbook import number_styles
from tests import workbooks
from tests.matrix import one_in
from tests.sheets import hostile

STYLES = "xl/styles.xml"
ONE_CELL = '<row r="1"><c r="A1"><v>1</v></c></row>'


def test_a_path_is_only_as_long_as_anybody_asks_for(path):
    hostile.in_styles(path, f"<{'n' * 200}><a>" + "<b>" * 50 + "</b>" * 50 + f"</a></{'n' * 200}>")

    with Package(path, Limits()) as package:
        paths = [found for found, _attributes in package.elements(STYLES)]

    assert max(found.count("/") for found in paths) == DEEPEST - 1
    assert max(len(name) for found in paths for name in found.split("/")) == packages.LONGEST_NAME
    # What comes after something deep is at its place.
    assert "styleSheet/cellXfs/xf" in paths


@pytest.mark.parametrize(
    "part", one_in(4, [STYLES, "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"])
)
@pytest.mark.parametrize("token", ["<!--{}-->", '<a b="{}"/>', "<?a {}?>"])
def test_a_token_is_not_read_again_and_again(path, part, token):
    parts = workbooks.parts_of('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings=["<t>x</t>"])
    root = {"xl/sharedStrings.xml": "<si>", "xl/worksheets/sheet1.xml": "<sheetData>"}.get(part, "</")
    for length, said in ((LONGEST_TOKEN // 2, "x"), (8 * LONGEST_TOKEN, "damaged")):
        text = str(parts[part])
        head, mark, rest = text.partition(root) if root != "</" else text.rpartition(root)
        workbooks.package(path, {**parts, part: head + token.format("x" * length) + mark + rest})
        try:
            seen = reader.preview(path, limits=Limits(max_ratio=10_000)).rows[0].cells[0].text
        except Unreadable as error:
            seen = error.code
        assert seen == said


def test_a_format_is_understood_when_a_cell_has_it(path, monkeypatch):
    understood = []
    monkeypatch.setattr(number_formats, "parsed", lambda code: understood.append(code) or parsed(code))
    hostile.many_formats(path, 400)

    with Package(path, Limits()) as package:
        styles = number_styles(package, STYLES)
        assert not understood
        for _time in range(2):
            assert styles.get("7").code.endswith("7")
            assert styles.get("400") is styles.get(None) is styles.get("007") is None
    assert len(understood) == 1


def test_only_so_many_formats_are_understood():
    formats = Formats()
    for number in range(CODES_PARSED):
        assert formats.of(f'0"{number}"').positive

    unknown = formats.of('0"one more"')
    assert (unknown.code, unknown.positive, unknown.text, unknown.is_date) == (NAMELESS, None, None, False)
    assert formats.of('0"0"').positive


def test_a_format_makes_no_text_longer_than_excel_has():
    twice, framed = parsed("@@"), parsed('"<"@">"')
    half = "x" * (LONGEST_SHOWN // 2)

    assert shown_text(twice, half) == half * 2
    assert shown_text(twice, half + "xx") is None
    assert shown_text(framed, half * 2) == f"<{half * 2}>"
    assert shown_text(parsed("@"), "x" * 100_000) == "x" * 100_000


def test_white_space_is_not_looked_through_in_each_cell(path):
    """Blank rows are many before a preview ends, and one shared string may be in all their cells."""
    hostile.same_text_everywhere(path, 2_000, " " * 99_000)

    assert reader.preview(path, limits=Limits(max_cpu_seconds=3)).rows == ()


@pytest.mark.parametrize(("cells", "said"), [(1 << 14, 1), ((1 << 14) + 1, "too_many_columns")])
def test_blank_cells_end_where_excel_ends(path, cells, said):
    workbooks.hand_written(path, "<row><c><v>1</v></c>" + "<c/>" * (cells - 1) + "</row>")

    try:
        found = len(reader.preview(path).rows)
    except Unreadable as error:
        found = error.code
        assert error.params == {"cell": "XFE1", "max_columns": 200}
    assert found == said


def test_sheets_share_strings_and_styles(path):
    """Read once for each sheet, what is small once is more than a file may become."""
    names = [(f"Sheet{number}", "visible") for number in range(12)]
    strings = [f"<t>{'x' * 90_000}</t>"] * 60 + ["<t>last</t>"]
    workbooks.package(
        path, workbooks.parts_of('<row r="1"><c r="A1" t="s"><v>60</v></c></row>', strings=strings, sheets=names)
    )

    assert [sheet.first for sheet in reader.preview(path).sheets] == ["last"] * 12


def test_what_is_behind_a_flaw_is_refused_each_time(path):
    strings = ["<t>first</t>", f"<t>{'x' * 200_000}</t>", "<t>last</t>"]
    workbooks.hand_written(path, ONE_CELL, strings=strings)

    with Package(path, Limits()) as package:
        shared = SharedStrings(package, "xl/sharedStrings.xml")
        for _time in range(2):
            with pytest.raises(Unreadable, match="cell_too_long") as caught:
                shared.get(2)
            assert caught.value.params["max_characters"] == 100_000


def numbered_one_after_the_other(wanted):
    """What names are, however long it takes."""
    taken, seen, names = set(wanted), set(), []
    for name in wanted:
        number, found = 1, name
        while name in seen and found in taken:
            number += 1
            suffix = f" ({number})"
            found = name[: NAME_CHARACTERS - len(suffix)] + suffix
        taken.add(found)
        seen.add(name)
        names.append(found)
    return names


@pytest.mark.parametrize("seed", range(20))
def test_names_are_numbered_as_ever(seed):
    chance = random.Random(seed)
    long = ["x" * chance.randint(93, 100) for _number in range(3)]
    some = ["a", "a (2)", "a (3)", "a (10)", long[0][:96] + " (2)", long[0][:95] + " (12)", *long]
    some += [name[:-1] + letter for name in long for letter in string.ascii_letters[:3]]

    wanted = [chance.choice(some) for _number in range(chance.randint(1, 150))]

    assert distinct_names(wanted) == numbered_one_after_the_other(wanted)


@pytest.mark.parametrize(
    "written",
    [["a"] * 10_000, [f"{'x' * 97}{number:05}" for number in range(5_000)] * 2, [""] * 10_000],
    ids=["alike", "cut alike", "none"],
)
def test_ten_thousand_names_are_looked_up_not_gone_through(written, monkeypatch):
    class Counting(set):
        asked = 0

        def __contains__(self, name):
            Counting.asked += 1
            return super().__contains__(name)

    monkeypatch.setattr("tagsync.sheets.names.set", Counting, raising=False)

    assert len(set(distinct_names(written))) == len(written)
    assert Counting.asked < 5 * len(written)


@pytest.mark.slow
def test_an_old_workbook_has_only_so_many_rows_in_all(path):
    assert [row.cells[0].text for row in reader.preview(hostile.bare_xls(path, 3, hostile.FIRST_ROW)).rows] == ["1"]
    with pytest.raises(Unreadable, match="too_many_rows"):
        reader.preview(hostile.bare_xls(path, 20, hostile.LAST_ROW))


def test_an_old_workbook_keeps_no_entry_for_each_linked_cell(path):
    hostile.bare_xls(path, 1, hostile.FIRST_ROW, hostile.LINK_EVERYWHERE)

    assert len(reader.preview(path, limits=Limits(max_memory_bytes=200 << 20)).rows) == 1
