"""What a number format shows, of the numbers of a sheet, against Excel's rules and against LibreOffice."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
import xlwt

from tagsync.sheets import number_formats, reader
from tagsync.sheets.cells import FormattedCell, Kind
from tagsync.sheets.number_formats import CODES_NAMED, LONGEST_CODE, NAMELESS, Formats, parsed, shown, shown_text
from tagsync.sheets.xlsx.values import number
from tests import workbooks
from tests.sheets.number_formats import EXCEL_ALONE, NOT_UNDERSTOOD, ROUNDED, SHOWN, TEXTS, VALUES

OFFICE = shutil.which("soffice")


def one_space(text: str | None) -> str | None:
    return None if text is None else re.sub(" +", " ", text).strip()


def seen(code: str, value: str) -> str | None:
    wire = number(value)
    return one_space(shown(parsed(code), str(wire) if isinstance(wire, int) else wire[1]))


def test_it_compares_sixty_formats() -> None:
    assert len(SHOWN) >= 60


@pytest.mark.parametrize("code", [*SHOWN, *EXCEL_ALONE])
def test_it_shows_numbers_as_excel_does(code: str) -> None:
    assert tuple(seen(code, value) for value in VALUES) == (SHOWN | EXCEL_ALONE)[code]


@pytest.mark.parametrize(("code", "value", "expected"), ROUNDED)
def test_it_rounds_as_excel_does(code: str, value: str, expected: str | None) -> None:
    assert seen(code, value) == expected


@pytest.mark.parametrize(("code", "text", "expected"), TEXTS)
def test_it_shows_texts_as_excel_does(code: str, text: str, expected: str) -> None:
    assert shown_text(parsed(code), text) == expected


@pytest.mark.parametrize("code", NOT_UNDERSTOOD)
def test_it_says_what_it_does_not_understand(code: str) -> None:
    assert [seen(code, value) for value in ("5", "-5", "0", "1234.5")] == [None] * 4


@pytest.mark.parametrize("code", ["0.00E+00", "# ?/?", "[>5]0;0", "[DBNum1]0", "yyyy/m/d;@", "[>5]0;0;0;@", "0#;@"])
def test_it_understands_texts_in_any_format_that_has_no_section_for_them(code: str) -> None:
    assert shown_text(parsed(code), "x") == "x"


@pytest.mark.parametrize("code", ["0;0;0;0", "0;0@", ";;;[>1]@", "@" * 256])
def test_it_does_not_guess_what_is_shown_of_a_text(code: str) -> None:
    assert shown_text(parsed(code), "x") is None


def test_it_knows_which_whole_numbers_stay_as_they_are() -> None:
    """Most numbers of most sheets: they need no second look."""
    kept = ["General", "0", "#", "???", "0_ ", "0_);(0)", "[Red]0", "[$-804]0", "0.##", "0;-0", "@", "0;@", "* 0"]
    assert all(parsed(code).keeps_whole for code in kept)
    for code in filter(lambda code: parsed(code).keeps_whole, SHOWN):
        assert [seen(code, value) for value in ("5", "123", "13800138000")] == ["5", "123", "13800138000"]


def test_it_shows_whole_numbers_the_same_in_the_shorter_way() -> None:
    short = [code for code in (*SHOWN, "{0}", "0,000", "#,###") if parsed(code).whole]
    assert len(short) > 30
    for code in short:
        for value in (1, 9, 10, 999, 1000, 123456, 13800138000, 999999999999999):
            assert parsed(code).whole.format(value) == shown(parsed(code), str(value)), code


def test_it_looks_at_no_code_that_is_longer_than_excel_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    pieces = number_formats._pieces
    monkeypatch.setattr(number_formats, "_pieces", lambda code: looked_at.append(code) or pieces(code))
    formats = Formats()

    for code in ("[" * 150_000, "y" * 256, '"' * 150_000, "@" * 256):
        form = formats.of(code)
        assert (shown(form, "5"), form.is_date) == (None, False)
        assert shown_text(form, "x") == (None if "@" in code else "x")
        assert form.code == code[:LONGEST_CODE] + NAMELESS
    assert looked_at == []
    assert seen("0" * 255, "5") == "5".rjust(255, "0")
    assert len(looked_at) == 1


@pytest.mark.parametrize("decimals", [14, 27, 30, 100, 253])
def test_it_shows_as_many_decimals_as_a_code_has_room_for(decimals: int) -> None:
    assert shown(parsed("0." + "0" * decimals), "1.5") == "1.5" + "0" * (decimals - 1)
    assert shown(parsed("0." + "#" * decimals), "-123456789012345") == "-123456789012345"
    zeros = "0" * (decimals - 1)
    assert shown(parsed(f"0.{zeros}%"), "999999999999999") == f"99999999999999900.{zeros}%"


def test_it_scans_a_code_once_from_left_to_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """No piece is looked for behind the first one that is never closed, so no part of a code is read twice."""
    for code in ("[" * 255, '"' * 255, '"[' * 127, "\\" * 255, "0[" * 127):
        assert sum(len(piece.mark) + len(piece.text) for piece in number_formats._pieces(code)) <= 3 * len(code)
        assert seen(code, "5") is None or set(code) == {"\\"} or set(code) == {'"'}


def test_it_tells_only_so_many_unknown_formats_apart() -> None:
    formats = Formats()
    codes = [formats.of(f"0/{number}").code for number in range(CODES_NAMED + 2)]
    assert codes == [*(f"0/{number}" for number in range(CODES_NAMED)), NAMELESS, NAMELESS]


# From the file


def xlsx(path: Path, cells: Sequence[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """One cell a row, in column A, and a mark in column B."""
    codes = list(dict.fromkeys(code for code, _ in cells))
    monkeypatch.setattr(workbooks, "STYLES", ("General", *codes))
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" s="{codes.index(code) + 1}"{typed(value)}</c><c r="B{n}"><v>1</v></c></row>'
        for n, (code, value) in enumerate(cells, 1)
    )
    return workbooks.hand_written(path, rows)


def typed(value: str) -> str:
    is_text = value.isalpha()
    return f' t="inlineStr"><is><t>{escape(value)}</t></is>' if is_text else f"><v>{value}</v>"


def xls(path: Path, cells: Sequence[tuple[str, str]]) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for row, (code, value) in enumerate(cells):
        style = xlwt.XFStyle()
        style.num_format_str = code
        sheet.write(row, 0, value if value.isalpha() else float(value), style)
        sheet.write(row, 1, 1)
    book.save(str(path))
    return path


ALL = [(code, value) for code in [*SHOWN, *NOT_UNDERSTOOD] for value in VALUES] + [
    (c, t) for c, t, _ in TEXTS if t.isalpha()
]


@pytest.mark.parametrize("form", ["xlsx", "xls"])
def test_it_reads_what_is_shown(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [(code, value) for code, value in ALL if code or form == "xlsx"]
    path = tmp_path / f"book.{form}"
    rows = reader.rows(xlsx(path, cells, monkeypatch) if form == "xlsx" else xls(path, cells), "Sheet1")
    for (code, value), row in zip(cells, rows, strict=True):
        expected = shown_text(parsed(code), value) if value.isalpha() else shown(parsed(code), value)
        cell = row.cells.get(0)
        assert row.cells[1] == (Kind.NUMBER, "1")
        if expected == "":
            assert cell is None
        elif expected is None:
            assert isinstance(cell, FormattedCell)
            assert (cell.kind, cell.text, cell.stored, cell.format) == (Kind.UNSHOWN, value, value, code)
        elif expected == value or value.isalpha():
            assert cell == (Kind.TEXT if value.isalpha() else Kind.NUMBER, expected)
        else:
            assert isinstance(cell, FormattedCell)
            assert (cell.kind, cell.text, cell.stored, cell.format) == (Kind.FORMATTED, expected, value, "")


def test_it_knows_the_formats_without_a_code(path: Path) -> None:
    parts = workbooks.parts_of(
        '<row r="1">'
        + "".join(f'<c r="{letter}1" s="{style}"><v>1234.5</v></c>' for style, letter in enumerate("ABCDEFG"))
        + "</row>"
    )
    used = "".join(f'<xf numFmtId="{key}"/>' for key in (0, 4, 10, 11, 12, 44, 37))
    parts["xl/styles.xml"] = f'<styleSheet xmlns="{workbooks.MAIN}"><cellXfs>{used}</cellXfs></styleSheet>'
    (row,) = reader.rows(workbooks.package(path, parts), "Sheet1")
    assert [cell.text for cell in row.cells.values()] == ["1234.5", "1,234.50", "123450.00%", *["1234.5"] * 3, "1,235"]
    assert [cell.kind for cell in row.cells.values()] == [
        *(Kind.NUMBER, Kind.FORMATTED, Kind.FORMATTED, Kind.UNSHOWN, Kind.UNSHOWN, Kind.UNSHOWN, Kind.FORMATTED),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["xlsx", "xls"])
def test_it_shows_what_libreoffice_shows(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not OFFICE:
        if os.environ.get("CI"):
            pytest.fail("no LibreOffice: CI must have one (Debian package libreoffice-calc)")
        pytest.skip("no LibreOffice: the comparison with it is skipped")
    cells = [(code, value) for code, value in ALL if code or form == "xlsx"]
    cells += [(code, value) for code, value, _ in ROUNDED]
    path = tmp_path / f"book.{form}"
    _ = xlsx(path, cells, monkeypatch) if form == "xlsx" else xls(path, cells)
    # Commas, quotation marks, UTF-8, from the first line; not quoted, not "special", and: cells as they are shown.
    as_shown = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,true"
    home = f"-env:UserInstallation={(tmp_path / 'office').as_uri()}"
    command = [OFFICE, home, "--headless", "--convert-to", as_shown, "--outdir", str(tmp_path), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with path.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        theirs = [one_space(row[0]) for row in csv.reader(file)]
    assert len(theirs) == len(cells)
    ours = [shown_text(parsed(code), value) if value.isalpha() else seen(code, value) for code, value in cells]
    different = [
        (cell, mine, other) for cell, mine, other in zip(cells, ours, theirs, strict=True) if mine not in (None, other)
    ]
    assert different == []
    assert sum(mine is not None for mine in ours) > 400
