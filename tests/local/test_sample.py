"""The sample shows what the check can say, and nothing in it is anybody's."""

import contextlib
from collections import Counter
from pathlib import Path

import pytest

from tagsync.local import sample
from tagsync.mapping.matching import guess_header, headers, suggest
from tagsync.mapping.rows import Checked, check_row, is_blank
from tagsync.sheets import reader
from tagsync.sheets.cells import Row


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    path = tmp_path_factory.mktemp("sample") / sample.FILE_NAME
    sample.write(path)
    with contextlib.closing(reader.rows(path, reader.preview(path).sheet)) as found:
        return list(found)


def checked(read: list[Row]) -> list[Checked]:
    header = guess_header(read)
    assert header == 2
    found = next(row for row in read if row.number == header)
    columns = {one.column: one.field for one in suggest(headers(found)) if one.field}
    return [check_row(row, columns) for row in read if row.number > header and not is_blank(row)]


def test_its_columns_are_recognised_but_for_one(read: list[Row]) -> None:
    found = suggest(headers(read[1]))
    assert [one.field for one in found] == ["audienceUserId", "openid", "unionid", "phone", None, "tags"]
    assert all(one.exact for one in found if one.field)


def test_most_rows_are_good_and_the_others_wrong_in_many_ways(read: list[Row]) -> None:
    codes = Counter(note.code for row in checked(read) for note in row.notes)
    assert codes == {
        "phone_invalid": 3,
        "no_tags": 2,
        "no_identifier": 1,
        "number_too_long": 1,
        "error_cell": 1,
        "openid_invalid": 1,
    }


def test_it_has_duplicates_and_a_blank_row(read: list[Row]) -> None:
    good = Counter(tuple(row.values.values()) for row in checked(read) if not row.notes)
    assert sum(times - 1 for times in good.values()) == 2
    assert sum(is_blank(row) for row in read if row.number > 2) in (0, 1)  # a reader may leave it out
    assert read[-1].number == sample.CUSTOMERS + 2


def test_it_leaves_a_changed_sample_alone(tmp_path: Path) -> None:
    (tmp_path / sample.FILE_NAME).write_text("changed")
    sample.write(tmp_path / sample.FILE_NAME)
    assert (tmp_path / sample.FILE_NAME).read_text() == "changed"


def test_it_is_the_same_every_time() -> None:
    assert list(sample.rows()) == list(sample.rows())
