from hypothesis import given
from hypothesis import strategies as st

from tagsync.mapping.fields import FIELDS
from tagsync.mapping.rows import CODES, Checked, Note, check_row, identifiers, is_blank
from tagsync.sheets.cells import Cell, Kind, Row

from .sheet import number, row, text
from .test_cleaning import any_cell

COLUMNS = {0: "audienceUserId", 1: "openid", 2: "unionid", 3: "phone", 4: "tags"}
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


def found(checked: Checked) -> list[tuple[str, str | None]]:
    return [(note.code, note.field) for note in checked.notes]


def test_it_gives_the_five_values_of_a_good_row() -> None:
    checked = check_row(row("123456789012345678", OPENID, None, number("13800138000"), "VIP, 新客", at=9), COLUMNS)
    assert checked.row_number == 9
    assert checked.notes == ()
    assert checked.values == {
        "audienceUserId": "123456789012345678",
        "openid": OPENID,
        "unionid": "",
        "phone": "13800138000",
        "tags": "VIP,新客",
    }
    assert list(checked.values) == list(FIELDS)


def test_it_collects_every_problem_in_the_order_of_the_fields() -> None:
    columns = {0: "tags", 1: "phone", 2: "openid"}
    checked = check_row(row("a\tb," + "t" * 256, number("1.2E+17"), "x y", at=4), columns)
    assert found(checked) == [
        ("openid_invalid", "openid"),
        ("number_too_long", "phone"),
        ("control_character", "tags"),
        ("tag_too_long", "tags"),
    ]
    assert checked.notes[1] == Note("number_too_long", "phone", 1, "1.2E+17", {})
    assert checked.notes[3].params == {"max_characters": 255}


def test_it_keeps_what_was_typed_where_a_field_is_not_fine() -> None:
    checked = check_row(row(None, None, None, " 138 0013 ", " VIP "), COLUMNS)
    assert checked.values["phone"] == " 138 0013 "
    assert checked.values["tags"] == "VIP"


def test_it_misses_identifier_and_tags_only_when_nothing_stands_there() -> None:
    assert found(check_row(row(), COLUMNS)) == [("no_identifier", None), ("no_tags", "tags")]
    assert found(check_row(row(None, None, None, "12", "VIP"), COLUMNS)) == [("phone_invalid", "phone")]
    assert found(check_row(row(OPENID, None, None, None, Cell(Kind.FORMULA, "")), COLUMNS)) == [
        ("formula_without_value", "tags")
    ]
    assert found(check_row(row(None, None, None, " \u200b", Cell(Kind.ERROR, "#N/A")), COLUMNS)) == [
        ("no_identifier", None),
        ("error_cell", "tags"),
    ]


def test_it_stops_a_row_with_one_good_and_one_bad_identifier() -> None:
    assert found(check_row(row(None, OPENID, None, "12", "VIP"), COLUMNS)) == [("phone_invalid", "phone")]


def test_it_quotes_a_tags_cell_of_mere_separators() -> None:
    checked = check_row(row(OPENID, None, None, None, ",，"), COLUMNS)
    assert checked.notes == (Note("no_tags", "tags", 4, ",，", {}),)
    assert check_row(row(OPENID), {0: "openid"}).notes == (Note("no_tags", "tags", None, "", {}),)


def test_it_ignores_columns_without_a_field() -> None:
    checked = check_row(row(OPENID, Cell(Kind.ERROR, "#N/A"), Cell(Kind.FORMULA, ""), "VIP"), {0: "openid", 3: "tags"})
    assert checked.notes == ()


@given(st.lists(st.one_of(st.none(), any_cell), max_size=6), st.permutations(list(FIELDS)))
def test_it_gives_values_or_notes_that_can_be_stored_for_any_row(cells: list[Cell | None], keys: list[str]) -> None:
    checked = check_row(row(*cells), dict(enumerate(keys)))
    assert list(checked.values) == list(FIELDS)
    assert {note.code for note in checked.notes} <= set(CODES)
    for shown in (*checked.values.values(), *(note.value for note in checked.notes)):
        assert "\x00" not in shown
        shown.encode()
    assert bool(checked.notes) or (bool(identifiers(checked.values)) and bool(checked.values["tags"]))


@given(
    st.sampled_from(list(FIELDS)),
    st.one_of(any_cell, st.builds(number, st.from_regex(r"-?[0-9]{1,17}", fullmatch=True))),
)
def test_it_takes_no_shortcut_that_cleaning_would_not(key: str, cell: Cell) -> None:
    checked = check_row(row(cell), {0: key})
    cleaned = FIELDS[key].clean(cell)
    flaws = tuple((note.code, note.params) for note in checked.notes if not note.code.startswith("no_"))
    assert flaws == cleaned.flaws
    assert flaws or checked.values[key] == cleaned.value


def test_it_tells_blank_rows() -> None:
    assert is_blank(Row(1, {}))
    assert is_blank(row(" ", "\u200b\u3000", "\x00\n"))
    assert not is_blank(row(" ", "x"))
    assert not is_blank(row(number("0")))
    assert not is_blank(row(Cell(Kind.FORMULA, "")))


def test_it_lists_the_identifiers_of_a_row() -> None:
    values = {"audienceUserId": "", "openid": OPENID, "unionid": "", "phone": "13800138000", "tags": "VIP"}
    assert identifiers(values) == (("openid", OPENID), ("phone", "13800138000"))
    assert identifiers({"tags": "VIP"}) == ()


def test_it_changes_nothing_in_the_row() -> None:
    given_row = row(text(" x "), None, None, None, " a ,")
    before = dict(given_row.cells)
    assert check_row(given_row, COLUMNS) == check_row(given_row, COLUMNS)
    assert given_row.cells == before


def test_it_takes_no_remark_for_a_customer() -> None:
    remark = Cell(Kind.REMARK, "合计：3笔")
    checked = check_row(row(remark, at=9), {0: "audienceUserId", 1: "tags"}, fixed_tags="VIP")
    assert found(checked) == [("line_is_remark", "audienceUserId")]
    assert not is_blank(row(remark))
