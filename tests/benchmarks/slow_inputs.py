"""Looks for small files that keep the reading process busy: `python -m tests.benchmarks.slow_inputs 600 [--seed 7]`.

Each file is at most 100 kB. What is repeated in it, where and how often is changed at random; the slowest of each form
are changed further. Measured is the processor time of the child process for one preview, as the upload page asks for
it. The slowest file of each form is kept in the folder that is named first; what ends the process is told too.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import resource
import secrets
import struct
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import xlwt

from tagsync.sheets import reader
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tests import workbooks

MOST_BYTES = 100_000
# A little below what a small file may become.
MOST_INFLATED = 9_000_000
KEPT_PER_FORM = 12
LIMITS = Limits(max_cpu_seconds=30)
SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
STYLES, WORKBOOK, RELATIONS = "xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
PARTS = (SHEET, STRINGS, STYLES, WORKBOOK, RELATIONS, "_rels/.rels")
# (what is repeated, what closes each repetition); "#" becomes the number of the repetition.
XML_PIECES = (
    ("<a>", "</a>"),
    ("<a/>", ""),
    ("<c/>", ""),
    ("<t>", "</t>"),
    ("<si><t>x</t></si>", ""),
    ("<si><r><t>x</t></r><rPh><t>y</t></rPh></si>", ""),
    ("<r><t>a</t></r>", ""),
    ("a<x/>", ""),
    ("&#65;", ""),
    ("&amp;", ""),
    ("x", ""),
    (" ", ""),
    ("\n", ""),
    ("/", ""),
    ("a:", ""),
    ("1", ""),
    (".1", ""),
    ("_x0041_", ""),
    ("_x", ""),
    (' b#="1"', ""),
    ("<!-- x -->", ""),
    ("<?x y?>", ""),
    ("<row>", "</row>"),
    ('<row r="#"><c r="A#"><v>1</v></c></row>', ""),
    ('<row r="#"><c r="A#" t="s"><v>0</v></c><c r="GR#" t="s" s="3"><v>0</v></c></row>', ""),
    ('<row r="#"><c r="B#" s="#"><v>1</v></c></row>', ""),
    ('<row r="#"><c r="A#" t="inlineStr"><is><t>a</t></is></c></row>', ""),
    ("<row>" + '<c t="s"><v>0</v></c>' * 200 + "</row>", ""),
    ("<row>" + '<c s="1"><v>1</v></c>' * 200 + "</row>", ""),
    ('<c t="s"><v>0</v></c>', ""),
    ('<numFmt numFmtId="#" formatCode="0;#"/>', ""),
    ('<xf numFmtId="#"/>', ""),
    ('<sheet name="a" sheetId="#" r:id="rId1"/>', ""),
    ('<Relationship Id="r#" Type="x/worksheet" Target="../a"/>', ""),
    ("../", ""),
    ("@", ""),
    ("0", ""),
    ("[", ""),
    ("[h]", ""),
    ("&quot;", ""),
    ("&quot;a&quot;", ""),
    (";", ""),
    ("#,", ""),
)
# Codes of BIFF records whose reading does more than look.
# fmt: off
RECORDS = (
    *range(0x05, 0x60), 0x7D, 0x85, 0x99, 0xBD, 0xBE, 0xD6, 0xE0, 0xE5, 0xEC, 0xFC, 0xFD, 0x15F, 0x1AE, 0x1B0, 0x1B6,
    0x1B8, 0x201, 0x203, 0x204, 0x205, 0x207, 0x208, 0x221, 0x27E, 0x293, 0x31B, 0x41E, 0x4BC, 0x800, 0x809, 0x872,
)
# fmt: on
TEXT_PIECES = (
    '"',
    '""',
    ",",
    ";",
    "\t",
    "|",
    "\r",
    "\n",
    "a",
    "a,b\n",
    '="a"',
    "1",
    " ",
    "会",
    "\ufffd",
    "\0",
    "#\n",
    "a\n",
)
COUNTS = (1, 10, 200, 255, 5_000, 100_000, 1_000_000, 4_000_000)
# Where something may be put into a part: before, behind and inside of tags, values and texts.
PLACES = re.compile(r"<|>|(?<=\")|(?=\")|$")


class Repeated(NamedTuple):
    """Something put into one part, so many times. `place`: a share of the places that there are."""

    part: str
    place: float
    piece: tuple[str, str]
    count: int


class Case(NamedTuple):
    form: str
    base: str
    changes: tuple[Repeated, ...]


def strings_workbook() -> dict[str, str | bytes]:
    row = '<row r="{0}"><c r="A{0}" t="s"><v>0</v></c><c r="B{0}" s="3"><v>5</v></c></row>'
    return workbooks.parts_of("".join(row.format(number) for number in range(1, 4)), strings=["<t>a</t>", "<t>b</t>"])


def many_sheets() -> dict[str, str | bytes]:
    names = [(f"Sheet{number}", "visible") for number in range(1, 13)]
    return workbooks.parts_of(workbooks.rows_xml([["a", "b"]]), strings=["<t>a</t>"], sheets=names)


def odd_rows() -> dict[str, str | bytes]:
    return workbooks.parts_of("<row><c t='s'><v>0</v></c></row>" * 3, strings=["<r><t>a</t></r>"])


BASES: dict[str, Callable[[], dict[str, str | bytes]]] = {
    "strings": strings_workbook, "sheets": many_sheets, "odd": odd_rows
}  # fmt: skip


def put_in(text: str, change: Repeated) -> str:
    places = [match.start() for match in PLACES.finditer(text)]
    at = places[min(int(change.place * len(places)), len(places) - 1)]
    piece, closing = change.piece
    count = min(change.count, MOST_INFLATED // (len(piece) + len(closing)))
    if "#" in piece and count > 1:
        said = "".join(piece.replace("#", str(number)) for number in range(10, 10 + min(count, 400_000)))
    else:
        said = piece * count
    return text[:at] + said + closing * count + text[at:]


def xlsx(case: Case) -> bytes:
    parts = BASES[case.base]()
    for change in case.changes:
        if change.part in parts:
            parts[change.part] = put_in(str(parts[change.part]), change)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def xls(case: Case) -> bytes:
    """The parts are a format, a text, a number of rows or columns, and bytes that are put in anywhere."""
    book = xlwt.Workbook(encoding="utf-8")
    said: dict[str, list[str]] = {"format": ["0.00"], "text": ["VIP"]}
    times = {"rows": 20, "columns": 2, "sheets": 1}
    for change in case.changes:
        if change.part in said:
            said[change.part].append((change.piece[0] * min(change.count, 30_000))[:30_000])
        elif change.part in times:
            times[change.part] = min(max(1, change.count), {"rows": 4_000, "columns": 250, "sheets": 12}[change.part])
    styles = [xlwt.easyxf(num_format_str=code or "0") for code in said["format"]]
    cells = 0
    for number in range(times["sheets"]):
        sheet = book.add_sheet(f"Sheet{number}")
        for row in range(times["rows"]):
            for column in range(times["columns"]):
                cells += 1
                if cells > 8_000:
                    break
                value = said["text"][cells % len(said["text"])] if cells % 2 else cells
                sheet.write(row, column, value, styles[cells % len(styles)])
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book.save(file)
    content = bytearray(file.getvalue())
    for change in case.changes:
        if change.part == "bytes":
            content[int(change.place * len(content))] = change.count % 256
    return bytes(content)


def bare_xls(case: Case) -> bytes:
    """Records without a container: before the sheet, or in it. What they hold is random, and often very much."""
    parts: dict[str, list[bytes]] = {"globals": [], "sheet": [record(0x203, struct.pack("<HHHd", 0, 0, 0, 1.0))]}
    left = MOST_BYTES - 200
    for change in case.changes:
        if change.part in parts:
            chance = random.Random(change.place)
            words = [chance.choice((0, 1, 2, 8, 255, 256, 65535, chance.randrange(65536))) for _ in range(40)]
            content = struct.pack("<40H", *words)[: chance.choice((0, 2, 4, 6, 8, 10, 14, 20, 32, 80))]
            one = record(chance.choice(RECORDS), content)
            times = max(1, min(change.count, left // len(one)))
            left -= times * len(one)
            parts[change.part] += [one] * times
    start, end = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)), record(0x0A, b"")
    before = b"".join(parts["globals"])
    name = struct.pack("<BB", 0, 0) + b"\x01\0a"
    place = len(start) + len(before) + 4 + 4 + len(name) + len(end)
    sheet = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + b"".join(parts["sheet"]) + end
    return start + before + record(0x85, struct.pack("<I", place) + name) + end + sheet


def record(code: int, content: bytes) -> bytes:
    return struct.pack("<HH", code, len(content)) + content


def csv(case: Case) -> bytes:
    text = case.base
    for change in case.changes:
        at = int(change.place * len(text))
        text = (text[:at] + change.piece[0] * min(change.count, MOST_BYTES) + text[at:])[:MOST_BYTES]
    return text.encode(["utf-8", "gb18030", "utf-16"][len(text) % 3], "replace")[:MOST_BYTES]


FORMS: dict[str, Callable[[Case], bytes]] = {"xlsx": xlsx, "xls": xls, "bare xls": bare_xls, "csv": csv}
LINES = ("手机号,标签\n13800138000,VIP\n", 'a\tb\n"c"\t"d"\n')
FORM_BASES = {"xlsx": tuple(BASES), "xls": ("",), "bare xls": ("",), "csv": LINES}
FORM_PARTS = {
    "xlsx": PARTS,
    "xls": ("format", "text", "rows", "columns", "sheets", "bytes"),
    "bare xls": ("globals", "sheet"),
    "csv": ("",),
}


def first_cases(form: str, chance: random.Random) -> list[Case]:
    """Each piece in each part, as often as there is room for, at some places."""
    pieces = XML_PIECES if form == "xlsx" else [(piece, "") for piece in TEXT_PIECES]
    cases = [
        Case(form, chance.choice(FORM_BASES[form]), (Repeated(part, chance.random(), piece, COUNTS[-1]),))
        for part in FORM_PARTS[form]
        for piece in pieces
        for _place in range(2)
    ]
    chance.shuffle(cases)
    return cases


def changed(case: Case, chance: random.Random) -> Case:
    changes = list(case.changes)
    if changes and chance.random() < 0.4:
        place = chance.randrange(len(changes))
        if chance.random() < 0.2:
            del changes[place]
        else:
            old = changes[place]
            count = max(1, int(old.count * chance.choice((0.1, 0.5, 2, 4, 10))))
            changes[place] = old._replace(count=count, place=chance.choice((old.place, chance.random())))
    else:
        pieces = XML_PIECES if case.form == "xlsx" else [(piece, "") for piece in TEXT_PIECES]
        part = chance.choice(FORM_PARTS[case.form])
        changes.append(Repeated(part, chance.random(), chance.choice(pieces), chance.choice(COUNTS)))
    return case._replace(changes=tuple(changes[-6:]))


def measured(path: Path) -> tuple[float, str]:
    """Processor time of the reading process, and what comes of it."""
    before = _child_seconds()
    try:
        said = f"{len(reader.preview(path, limits=LIMITS).rows)} rows"
    except Unreadable as error:
        said = error.code
    return _child_seconds() - before, said


def _child_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Tried(NamedTuple):
    seconds: float
    said: str
    size: int
    case: Case


def search(seconds: float, chance: random.Random, folder: Path) -> dict[str, list[Tried]]:
    """The slowest of each form, the slowest first; each one's file lies in the folder."""
    best: dict[str, list[Tried]] = {form: [] for form in FORMS}
    first = {form: first_cases(form, chance) for form in FORMS}
    ends, tried = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        form = chance.choice(["xlsx", "xlsx", "xlsx", "bare xls", "xls", "csv"])
        known = best[form]
        if first[form] and chance.random() < 0.7:
            case = first[form].pop()
        elif known and chance.random() < 0.7:
            case = changed(chance.choice(known).case, chance)
        else:
            case = changed(Case(form, chance.choice(FORM_BASES[form]), ()), chance)
        content = FORMS[form](case)
        if len(content) > MOST_BYTES:
            continue
        path = folder / "tried.upload"
        path.write_bytes(content)
        took, said = measured(path)
        tried += 1
        if said in ("reader_failed", "reader_killed"):
            print(f"{tried:>6} {said}: {told(case)}", flush=True)
        known.append(Tried(took, said, len(content), case))
        known.sort(key=lambda one: -one.seconds)
        del known[KEPT_PER_FORM:]
        if known[0].case == case:
            (folder / f"slowest.{form.replace(' ', '-')}").write_bytes(content)
            print(f"{tried:>6} {took:6.2f} s {said:20} {len(content):>7,} bytes  {told(case)}", flush=True)
        path.unlink()
    print(f"{tried} files")
    return best


def told(case: Case) -> str:
    changes = "; ".join(
        f"{change.piece[0][:40]!r}{'…' if len(change.piece[0]) > 40 else ''} × {change.count:,}"
        f" in {change.part.rpartition('/')[2]} at {change.place:.3f}"
        for change in case.changes
    )
    return f"{case.form} {case.base!r}: {changes}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.slow_inputs", description=__doc__)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="slow-inputs-"))
    print(f"seed {wanted.seed}, files in {folder}")
    best = search(wanted.seconds, random.Random(wanted.seed), folder)
    for form, known in best.items():
        for one in known[:3]:
            print(f"{form}: {one.seconds:.2f} s, {one.said}, {one.size:,} bytes: {told(one.case)}")


if __name__ == "__main__":
    main()
