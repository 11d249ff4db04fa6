"""Repairs on the check page with a real browser and real workers: what is repaired is what arrives."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_main_job import bodies, check, see_it_end, start, upload
from tests.installation import Up
from tests.making import HEADER, customer, customers
from tests.workbooks import plain

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def group(page: Page, title: str) -> None:
    """Open the repair of a cause."""
    page.locator(".group", has_text=title).get_by_role("link", name="Fix here").click()
    expect(page.locator(".repair")).to_be_visible()


def test_what_is_repaired_is_what_arrives(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    rows: list[list[str | None]] = [[*row] for row in customers(12)]
    for number in (1, 2, 3):
        rows[number][3] = "无手机"
    rows[5][3], rows[6][4], rows[8][1] = "138", None, "o!"
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *rows]))
    check(page)
    expect(page.locator(".formbar")).to_contain_text("Add tags to 6 rows")

    group(page, "Phone: not a phone number")
    page.get_by_role("button", name="Empty these cells").click()
    expect(page.locator(".toasts")).to_contain_text("3 rows can be sent now.")
    page.get_by_label("Phone, row 7").fill("139 0000 0007")
    page.get_by_label("Phone, row 7").press("Enter")
    expect(page.locator(".toasts")).to_contain_text("1 row can be sent now.")
    group(page, "No tag in the row")
    page.get_by_label("Tags, row 8").fill("新客，会员")
    page.get_by_role("button", name="Save and check my changes").click()
    group(page, "openid: not a usable value")
    page.get_by_role("button", name="Leave out", exact=False).last.click()
    expect(page.locator("main")).to_contain_text("Nothing to fix")
    expect(page.locator(".formbar")).to_contain_text("Add tags to 11 rows")

    page.locator("li", has_text="Left out: row 10").get_by_role("button", name="Undo the fix").click()
    expect(page.locator("#causes")).to_contain_text("openid: not a usable value")
    start(page)
    see_it_end(page, "Finished with failures")
    expect(page.locator(".timeline")).to_contain_text("Rows fixed: Phone: “****” → (empty)")

    sent = {row["audienceUserId"]: row for body in bodies(platform) for row in body["data"]}
    assert len(sent) == 11 and customer(8)[0] not in sent
    assert all("phone" not in sent[customer(number)[0]] for number in (1, 2, 3))
    assert sent[customer(5)[0]]["phone"] == "13900000007"
    assert sent[customer(6)[0]]["tags"] == "新客,会员"


def test_only_what_failed_is_sent_again(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page, rows = in_english, customers(40, "再次")
    refused = [{"kind": "refuse_rows", "field": "phone", "equals": rows[number][3]} for number in (3, 17, 30)]
    platform.sandbox("POST", "/control/faults", refused)
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *rows]))
    check(page)
    start(page)
    see_it_end(page, "Finished with failures")
    first = page.url
    platform.sandbox("DELETE", "/control/faults")
    platform.sandbox("POST", "/control/reset")

    upload(page, plain(tmp_path / "换了名字.xlsx", [HEADER, *reversed(rows)]))
    check(page)
    expect(page.locator("main")).to_contain_text("The same rows were imported before")
    page.get_by_role("button", name="Send only the 3 rows that were not accepted").click()
    start(page)
    see_it_end(page, "Finished")
    sent = [row["phone"] for body in bodies(platform) for row in body["data"]]
    assert sorted(sent) == sorted(rows[number][3] for number in (3, 17, 30))
    page.goto(first)
    expect(page.locator("main")).to_contain_text("3 of 3 failed rows fixed by corrected sheets")


def test_placeholders_are_dropped_in_one_click(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    rows: list[list[str | None]] = [[*row] for row in customers(8)]
    rows[0][3], rows[1][0] = "NULL", f"`{customer(1)[0]}"
    for number, tags in ((2, "NULL"), (3, "VIP,NULL"), (4, "新客,NULL"), (5, "无")):
        rows[number][4] = tags
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *rows]))
    check(page)
    page.get_by_role("button", name="Drop “NULL” from 3 rows").click()
    expect(page.locator("main")).to_contain_text("2 rows can be sent now. 1 row still has a problem.")
    page.get_by_role("button", name="“无” is a tag: send it").click()
    expect(page.locator(".toasts")).to_contain_text("1 row can be sent now.")
    page.locator(".group", has_text="No tag in the row").get_by_role("button", name="Leave 1 out").click()
    start(page)
    see_it_end(page, "Finished")
    sent = {row["audienceUserId"]: row for body in bodies(platform) for row in body["data"]}
    assert [row["tags"] for row in sent.values()] == [
        "春季活动",
        "春季活动",
        "VIP",
        "新客",
        "无",
        "春季活动",
        "春季活动",
    ]
    assert "phone" not in sent[customer(0)[0]] and customer(1)[0] in sent


def test_a_fix_that_was_typed_is_lost_to_no_other_button(in_english: Page, tmp_path: Path) -> None:
    page = in_english
    rows: list[list[str | None]] = [[*row] for row in customers(3, "打字")]
    rows[1][3], rows[2][3] = "138", "139"
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *rows]))
    check(page)
    group(page, "Phone: not a phone number")
    typed = page.get_by_label("Phone, row 3")
    typed.fill("13900000001")
    page.locator(".formbar .btn--primary").click()
    expect(page.get_by_text("is not saved yet, so nothing was done")).to_be_visible()
    expect(typed).to_be_focused()
    assert page.url.partition("?")[0].endswith("/check/")
    # What stays wrong is told beside the field, where the page opens again.
    page.get_by_label("Phone, row 4").fill("140")
    page.get_by_role("button", name="Save and check my changes").click()
    expect(page.locator(".repair")).to_contain_text("1 row still has a problem.")
    page.get_by_label("Phone, row 4").fill("139")
    page.locator(".formbar .btn--primary").click()
    expect(page.get_by_text("is not saved yet, so nothing was done")).to_be_visible()
    page.click("[data-dialog-open=delete-dialog]")
    page.locator("#delete-dialog .btn--danger").click()
    page.wait_for_url("**/imports/")
