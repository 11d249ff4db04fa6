"""Refused by content, each with its own code, and without opening more than needed."""

import time

import pytest

from tagsync.sheets import guard, reader
from tagsync.sheets.errors import CODES, Unreadable
from tagsync.sheets.xlsx.package import Package
from tests import workbooks

CONTENTS = [
    (b"", "empty_file"),
    (b"<html><body><table><tr><td>1", "html"),
    (b"\xef\xbb\xbf\r\n<TABLE border=1>", "html"),
    (b"<html>" + b"PK\x03\x04" * 10, "html"),
    (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "html"),
    (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "xml_2003"),
    (b'<?xml version="1.0"?><feed/>', "not_a_workbook"),
    (b"%PDF-1.7\n", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff\xe0", "image"),
    (b"Rar!\x1a\x07", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\x1f\x8b\x08", "archive"),
    (b"\x09\x08\x08\x00\x00\x05", "damaged"),
    (bytes(5000), "not_a_workbook"),
    (b"PK\x03\x04", "damaged"),
    (b"PK\x03\x04" + bytes(5000), "damaged"),
    (b"PK\x03\x04PK\x05\x06" + bytes(18), "not_a_workbook"),
]


@pytest.mark.parametrize(("content", "code"), CONTENTS)
def test_it_knows_a_file_by_its_content(path, content, code):
    path.write_bytes(content)

    assert refused(path) == code


@pytest.mark.parametrize(
    ("stream", "code"),
    [("EncryptedPackage", "password_protected"), ("Workbook", "damaged"), ("WordDocument", "not_a_workbook")],
)
def test_it_looks_into_old_containers(path, stream, code):
    assert refused(workbooks.ole2(path, stream)) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("xl/workbook.bin", "xlsb"),
        ("mimetype", "ods"),
        ("Index/Document.iwa", "numbers"),
        ("../../etc/passwd", "unsafe_name"),
        ("xl/../../x", "unsafe_name"),
        ("/etc/passwd", "unsafe_name"),
        ("C:/x", "unsafe_name"),
        ("xl\\x.xml", "unsafe_name"),
    ],
)
def test_it_refuses_a_member_by_its_name(path, name, code):
    assert refused(workbooks.with_member(path, name)) == code


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "XL/Worksheets/Sheet1.xml"])
def test_it_refuses_two_members_of_one_name(path, name):
    assert refused(workbooks.with_member(path, name)) == "unsafe_name"


def test_it_refuses_a_link(path):
    assert refused(workbooks.with_link(path)) == "unsafe_name"


def test_it_refuses_encrypted_members(path):
    assert refused(workbooks.with_flag(path, 1)) == "encrypted_part"


@pytest.mark.slow
@pytest.mark.parametrize("count", [2_000, 40_000])
def test_it_refuses_too_many_members(path, count):
    assert refused(workbooks.with_many_members(path, count)) == "too_many_members"


def test_it_refuses_a_compression_that_no_spreadsheet_program_uses(path):
    assert refused(workbooks.packed_with_lzma(path)) == "unknown_compression"


def test_it_refuses_a_large_file_before_it_looks_inside(path):
    path.write_bytes(bytes(2000))

    with pytest.raises(Unreadable) as caught:
        guard.check(path, guard.Limits(max_bytes=1999))
    assert (caught.value.code, caught.value.params) == ("too_large", {"bytes": 2000, "max_bytes": 1999})


def test_it_refuses_what_inflates_beyond_the_ratio(path):
    assert refused(workbooks.of_spaces(path, 20 << 20)) == "inflates_too_much"


def test_it_refuses_a_zip_that_is_no_workbook(path):
    assert refused(workbooks.package(path, {"word.txt": "x"})) == "not_a_workbook"
    parts = workbooks.parts_of()
    parts["xl/workbook.xml"] = "<document/>"
    assert refused(workbooks.package(path, parts)) == "not_a_workbook"


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_it_refuses_a_truncated_file(path, share):
    assert refused(workbooks.truncated(path, share)) == "damaged"


def test_it_refuses_a_sheet_that_ends_in_the_middle(path, refusal):
    assert refusal(workbooks.broken_inside(path)).code == "damaged"


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"]
)
def test_it_refuses_entities(path, refusal, part):
    refused = refusal(workbooks.with_entities(path, part))

    assert (refused.code, refused.params) == ("entity_declaration", {"part": part})


def test_it_counts_what_really_comes_out(path, refusal):
    """The directory declares 1,000 bytes for a sheet of 2 MB."""
    assert refusal(workbooks.declaring_less(path, rows=10_000)).code == "damaged"


def test_it_refuses_what_declares_too_much(path, refusal):
    workbooks.inline(path, [["x" * 100]] * 5_000)

    assert refusal(path, max_inflated_bytes=100_000).code == "inflates_too_much"


def test_it_counts_bytes_while_reading(path):
    """Whatever the directory declares: here one part is read over and over."""
    workbooks.hand_written(path, workbooks.rows_xml([["x" * 100]] * 1_000))
    name = "xl/worksheets/sheet1.xml"

    with Package(path, guard.Limits(max_inflated_bytes=400_000)) as package:
        assert sum(map(len, package.chunks(name))) > 100_000
        with pytest.raises(Unreadable, match="inflates_too_much"):
            for _ in range(4):
                list(package.chunks(name))


def test_it_names_what_it_leaves_shut(path):
    workbooks.with_member(path, "xl/vbaProject.bin")

    assert reader.preview(path).unopened == ("macros",)


def test_it_opens_a_workbook_by_content_whatever_its_name(tmp_path):
    assert reader.preview(workbooks.plain(tmp_path / "names.csv", [["x"]])).rows


def test_it_says_every_refusal_in_a_moment(path):
    began = time.process_time()
    for content, _ in CONTENTS:
        path.write_bytes(content)
        refused(path)

    assert time.process_time() - began < 5


def test_every_code_is_described():
    assert {code for _, code in CONTENTS} <= set(CODES)


def refused(path) -> str:
    """The code, and the proof that the reader says the same as the guard or goes further."""
    with pytest.raises(Unreadable) as read:
        reader.preview(path)
    assert read.value.code in CODES
    return read.value.code
