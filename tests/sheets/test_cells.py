import pytest

from tagsync.sheets.cells import column_index, column_letter


@pytest.mark.parametrize(
    ("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16383, "XFD")]
)
def test_it_counts_columns_as_excel_does(index, letters):
    assert column_letter(index) == letters
    assert column_index(letters) == index


@pytest.mark.parametrize("letters", ["", "A1", "AAAA", "É", "$A"])
def test_it_refuses_what_is_no_column(letters):
    with pytest.raises(ValueError):
        column_index(letters)
