"""Failed rows out, corrected, in again: recognised, accepted, and both imports say so. Also through LibreOffice."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from tests.e2e.test_main_job import bodies, check, see_it_end, start, upload
from tests.installation import Up
from tests.making import HEADER, customers
from tests.workbooks import plain

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
OFFICE = shutil.which("soffice")
ROWS, WRONG_PHONES, NO_TAGS, REFUSED = 500, range(0, 15), range(100, 112), range(300, 313)
FORMULAS = ("=1+1", "=cmd|'/c calc'!A1", "+1", "-2", "@SUM(A1)", '=HYPERLINK("http://x")')


def converted(path: Path, folder: Path) -> Path:
    """The workbook as LibreOffice saves it."""
    if not OFFICE:
        if os.environ.get("CI"):
            pytest.fail("no LibreOffice: CI must have one (Debian package libreoffice-calc)")
        pytest.skip("no LibreOffice: the journey through it is skipped")
    folder.mkdir()
    home = f"-env:UserInstallation={(folder / 'office').as_uri()}"
    command = [OFFICE, home, "--headless", "--convert-to", "xlsx", "--outdir", str(folder), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / path.name


def download(page: Page, button: str, place: Path) -> Path:
    """A small workbook comes at the press, and leaves the page as it is."""
    with page.expect_download(timeout=30_000) as coming:
        page.click(button)
    coming.value.save_as(place)
    return place


def texts(path: Path) -> list[list[str | None]]:
    return [[cell.value for cell in row] for row in load_workbook(path).worksheets[0].iter_rows()]


def kinds(path: Path) -> set[str]:
    """What the cells of all sheets hold."""
    sheets = load_workbook(path).worksheets
    return {cell.data_type for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value is not None}


@pytest.mark.parametrize("office", [False, True], ids=["openpyxl", "libreoffice"])
def test_failed_rows_go_out_and_come_back(in_english: Page, platform: Up, tmp_path: Path, office: bool) -> None:
    page, right = in_english, [list(row) for row in customers(ROWS)]
    rows: list[list[str | None]] = [[*row] for row in right]
    for number in WRONG_PHONES:
        rows[number][3] = "138"
    for number in NO_TAGS:
        rows[number][4] = None
    refused = [{"kind": "refuse_rows", "field": "phone", "equals": rows[number][3]} for number in REFUSED]
    platform.sandbox("POST", "/control/faults", refused)
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *rows]))
    check(page)
    start(page)
    see_it_end(page, "Finished with failures")
    first = page.url
    platform.sandbox("DELETE", "/control/faults")

    failed = download(page, "text=Download 40 failed rows", tmp_path / "failed.xlsx")
    assert page.url == first
    expect(page.locator("#download-failed")).not_to_have_attribute("aria-busy", "true", timeout=10_000)
    book = load_workbook(failed)
    sheet = book.worksheets[0]
    assert sheet.max_row == 41
    for line in sheet.iter_rows(min_row=2):
        number = int(line[5].value) - 2
        assert line[0].value != right[number][0]  # masked
        coloured = {cell.column_letter for cell in line if cell.fill.fgColor.rgb == "00FFC7CE"}
        assert coloured == ({"D"} if number in WRONG_PHONES else {"E"} if number in NO_TAGS else set())
        if number in WRONG_PHONES:
            line[3].value = right[number][3]
        if number in NO_TAGS:
            line[4].value = right[number][4]
    book.save(failed)
    upload(page, converted(failed, tmp_path / "office") if office else failed)
    expect(page.locator("form[action$='/start/'] button.btn--primary")).to_contain_text(
        "Add tags to 40 rows", timeout=20_000
    )
    expect(page.locator("main")).to_contain_text("This sheet corrects “会员.xlsx”")
    start(page)
    expect(page.locator("main")).to_contain_text("40 of 40 rows accepted", timeout=30_000)
    page.goto(first)
    expect(page.locator("main")).to_contain_text("40 of 40 failed rows fixed by corrected sheets")
    expect(page.locator("main")).to_contain_text("460 accepted by the platform")

    sent = [row for body in bodies(platform) for row in body["data"]]
    assert sorted(row["phone"] for row in sent) == sorted(row[3] for row in right)
    assert sorted(row["audienceUserId"] for row in sent) == sorted(row[0] for row in right)


def test_what_goes_out_is_text_to_every_office(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    header = [*HEADER, "=1+1"]
    rows = [[*row[:4], f"标签,{f}", f] for row, f in zip(customers(len(FORMULAS)), FORMULAS, strict=True)]
    book = load_workbook(plain(tmp_path / "会员.xlsx", [header, *rows]))
    for line in book.active.iter_rows():
        for cell in line:
            cell.data_type = "s"
    book.save(tmp_path / "会员.xlsx")
    upload(page, tmp_path / "会员.xlsx")
    check(page)
    start(page)
    see_it_end(page, "Finished")
    download(page, "text=Download the results", tmp_path / "masked.xlsx")
    page.goto("/exports/")
    page.click("text=会员 results.xlsx")
    results = download(page, "text=Make it again with full identifiers", tmp_path / "results.xlsx")
    copy = converted(results, tmp_path / "office")
    assert texts(copy) == texts(results)
    assert [line[:6] for line in texts(copy)[1:]] == rows
    assert kinds(copy) == {"s"}


def test_the_template_is_text_to_every_office(in_english: Page, tmp_path: Path) -> None:
    page = in_english
    page.goto("/imports/new/")
    template = download(page, "a[href$='template.xlsx']", tmp_path / "template.xlsx")
    copy = converted(template, tmp_path / "office")
    assert texts(copy) == texts(template)
    assert kinds(copy) == {"s"}
