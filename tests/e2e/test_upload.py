"""The upload page in a browser: what it refuses by itself, what it shows while it sends, the way of a first import."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.e2e.conftest import choose
from tests.installation import Up
from tests.making import HEADER, customers
from tests.workbooks import plain

pytestmark = pytest.mark.e2e
URL = "/imports/new/"
REFUSAL = "[data-upload-refusal]"


@pytest.fixture
def posts(in_english: Page) -> list[str]:
    """What the browser has sent."""
    sent: list[str] = []
    in_english.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("名单.pdf", b"%PDF", "This is a PDF"),
        pytest.param("名单.PNG", b"x", "This is a picture", marks=pytest.mark.slow),
        pytest.param("名单.numbers", b"x", "Apple Numbers", marks=pytest.mark.slow),
        pytest.param("名单.exe", b"x", "not an Excel workbook", marks=pytest.mark.slow),
        pytest.param("名单.xlsx", b"", "The file is empty", marks=pytest.mark.slow),
    ],
)
def test_it_refuses_by_itself(in_english: Page, posts: list[str], name: str, content: bytes, said: str) -> None:
    page = in_english
    page.goto(URL)
    page.set_input_files("input[name=file]", {"name": name, "mimeType": "", "buffer": content})
    expect(page.locator(REFUSAL)).to_contain_text(said)
    expect(page.locator(REFUSAL)).to_contain_text(name)
    page.click("text=Upload and continue")
    expect(page.locator(REFUSAL)).to_be_focused()
    expect(page.locator("text=Upload and continue")).not_to_have_attribute("aria-busy", "true")
    assert posts == []


@pytest.mark.slow
def test_it_refuses_what_is_too_large_and_then_takes_another(
    in_english: Page, posts: list[str], tmp_path: Path
) -> None:
    page = in_english
    page.goto(URL)
    page.evaluate("document.querySelector('[data-upload]').dataset.maxBytes = 2000")
    page.set_input_files("input[name=file]", plain(tmp_path / "会员.xlsx", [HEADER, *customers(500)]))
    expect(page.locator(REFUSAL)).to_contain_text("The file is too large: at most 100 MB are allowed.")
    assert posts == []
    page.evaluate("document.querySelector('[data-upload]').dataset.maxBytes = 9000000")
    page.set_input_files("input[name=file]", tmp_path / "会员.xlsx")
    expect(page.locator(REFUSAL)).to_be_hidden()
    page.click("text=Upload and continue")
    page.wait_for_url("**/columns/")


def test_it_asks_for_a_file_without_asking_the_server(in_english: Page, posts: list[str]) -> None:
    in_english.goto(URL)
    in_english.click("text=Upload and continue")
    expect(in_english.locator(REFUSAL)).to_contain_text("Choose a file first.")
    assert posts == []


def test_it_takes_one_dropped_file_and_no_two(in_english: Page, posts: list[str]) -> None:
    page = in_english
    page.goto(URL)
    drop = """(names) => {
        const data = new DataTransfer();
        for (const name of names) data.items.add(new File(["a,b"], name));
        const event = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
        document.querySelector("[data-dropzone]").dispatchEvent(event);
    }"""
    page.evaluate(drop, ["a.csv", "b.csv"])
    expect(page.locator(REFUSAL)).to_contain_text("These are several files.")
    page.evaluate(drop, ["a.csv"])
    expect(page.locator(REFUSAL)).to_be_hidden()
    expect(page.locator("[data-dropzone-name]")).to_contain_text("a.csv · 1 KB")


def slow(page: Page, bytes_per_second: int) -> CDPSession:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    session.send("Network.emulateNetworkConditions", limits)
    return session


@pytest.mark.slow
def test_it_shows_how_far_it_is_and_can_be_cancelled(in_english: Page, tmp_path: Path, excused: list[str]) -> None:
    excused += ["htmx:afterRequest", "htmx:sendAbort"]
    page = in_english
    page.goto(URL)
    file = tmp_path / "会员.csv"
    file.write_text("手机号,标签\n" + "13800138000,新客\n" * 100_000)
    session = slow(page, 400_000)
    page.set_input_files("input[name=file]", file)
    page.fill("input[name=title]", "双11")
    page.click("text=Upload and continue")
    progress = page.locator("[data-upload-progress]")
    expect(progress).to_contain_text(re.compile(r"[1-9]\d? % · [\d.]+ (KB|MB) of 1\.\d MB"), timeout=15_000)
    page.click("[data-upload-cancel]")
    expect(progress).to_be_hidden()
    expect(page.locator("[data-dropzone-name]")).to_contain_text("会员.csv")
    session.send("Network.emulateNetworkConditions", {
        "offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
    })  # fmt: skip
    page.click("text=Upload and continue")
    page.wait_for_url("**/columns/")
    expect(page.locator("main")).to_contain_text("双11")


def test_it_says_when_the_network_is_gone(in_english: Page, tmp_path: Path, excused: list[str]) -> None:
    excused += ["ERR_FAILED", "htmx:afterRequest", "htmx:sendError"]
    page = in_english
    page.goto(URL)
    page.set_input_files("input[name=file]", plain(tmp_path / "会员.xlsx", [HEADER, *customers(3)]))
    page.route("**/imports/new/", lambda route: route.abort())
    page.click("text=Upload and continue")
    expect(page.locator(REFUSAL)).to_contain_text("The upload was cut off; nothing was saved.")
    expect(page.locator("[data-dropzone-name]")).to_contain_text("会员.xlsx")
    expect(page.locator("[data-upload-progress]")).to_be_hidden()


def test_it_shows_the_reference_when_a_press_fails(in_english: Page, tmp_path: Path, excused: list[str]) -> None:
    excused.append("503")
    page = in_english
    page.goto(URL)
    page.set_input_files("input[name=file]", plain(tmp_path / "会员.xlsx", [HEADER, *customers(3)]))
    page.route(
        "**/imports/new/", lambda route: route.fulfill(status=503, headers={"X-Request-ID": "abc123abc123"}, body="")
    )
    page.click("text=Upload and continue")
    expect(page.locator("#request-failed")).to_contain_text("abc123abc123")
    page.click("#request-failed button")
    expect(page.locator("#request-failed")).to_be_hidden()


def test_it_says_that_others_were_in_the_way(in_english: Page, tmp_path: Path, excused: list[str]) -> None:
    excused.append("503")
    page = in_english
    page.goto(URL)
    page.set_input_files("input[name=file]", plain(tmp_path / "会员.xlsx", [HEADER, *customers(3)]))
    page.route("**/imports/new/", lambda route: route.fulfill(status=503, headers={"X-Busy": "1"}, body=""))
    page.click("text=Upload and continue")
    expect(page.locator("#request-failed")).to_contain_text("The server is busy with something else")
    expect(page.locator("#request-failed [data-failed]")).to_be_hidden()


@pytest.mark.slow
def test_the_way_of_a_first_import(in_english: Page, platform: Up, tmp_path: Path) -> None:
    """Sample down, sample up, steps hidden for good."""
    page = in_english
    newcomer(page, platform)
    page.goto(URL)
    with page.expect_download() as coming:
        page.click("#first-steps >> text=Download a sample to try with")
    coming.value.save_as(tmp_path / coming.value.suggested_filename)
    page.set_input_files("input[name=file]", tmp_path / "示例-会员标签.xlsx")
    page.click("#first-steps >> text=Hide")
    expect(page.locator("#first-steps h2")).to_have_count(0)
    expect(page.locator("[data-focus]")).to_be_focused()
    expect(page.locator("[data-dropzone-name]")).to_contain_text("示例-会员标签.xlsx")
    page.click("text=Upload and continue")
    page.wait_for_url("**/columns/")
    expect(page.locator("main")).to_contain_text("is looked up first; not found →")
    page.goto(URL)
    expect(page.locator("text=Your first import in three steps")).to_have_count(0)


def newcomer(page: Page, platform: Up) -> None:
    """Make a marketer and sign in as her."""
    page.goto("/people/new/")
    name = f"neu{page.evaluate('Date.now()')}"
    page.fill("input[name=username]", name)
    for field in page.locator("main input[type=password]").all():
        field.fill("a long enough pass-phrase")
    page.click("main button.btn--primary")
    page.wait_for_url("**/people/")
    page.context.clear_cookies()
    page.goto("/login/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", "a long enough pass-phrase")
    page.click("main button.btn--primary")
    page.wait_for_url("**/imports/")
    choose(page, language="en")


@pytest.mark.slow
def test_an_example_follows_the_choices(in_english: Page, tmp_path: Path) -> None:
    page = in_english
    page.goto(URL)
    page.set_input_files("input[name=file]", plain(tmp_path / "会员.xlsx", [HEADER, *customers(3)]))
    page.click("text=Upload and continue")
    page.wait_for_url("**/columns/")
    example = page.locator("#matching-fuzzy-1")
    expect(example).to_contain_text("Row 2: unionid u00000…0000 is looked up first; not found → openid")
    page.select_option("select[name=column_2]", "")
    expect(example).to_contain_text("Row 2: openid o00000…0000 is looked up first; not found → Phone")


@pytest.mark.slow
@pytest.mark.parametrize("colours", ["none", "active"])
def test_it_is_whole_at_200_percent_and_in_forced_colours(in_english: Page, tmp_path: Path, colours: str) -> None:
    """200 % of 1440 pixels is a page of 720; in forced colours the chosen card is told by its border."""
    page = in_english
    page.emulate_media(forced_colors=colours)
    page.set_viewport_size({"width": 720, "height": 450})
    page.goto(URL)
    page.set_input_files("input[name=file]", plain(tmp_path / "会员.xlsx", [HEADER, *customers(3)]))
    page.screenshot(path=tmp_path / "upload.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    page.click("text=Upload and continue")
    page.wait_for_url("**/columns/")
    page.screenshot(path=tmp_path / "columns.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    border = "getComputedStyle(one).borderWidth"
    borders = page.evaluate(f"[...document.querySelectorAll('#id_matching .choice')].map((one) => {border})")
    assert borders == (["3px", "1px", "1px", "1px"] if colours == "active" else ["1px"] * 4)
    for button in page.locator("main button.btn--primary:visible").all():
        box = button.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 720
