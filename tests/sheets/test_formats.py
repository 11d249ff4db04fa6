import pytest

from tagsync.sheets.number_formats import is_date_format


@pytest.mark.parametrize(
    "code",
    [
        "yyyy-mm-dd",
        "m/d/yy h:mm",
        "[h]:mm",
        "[mm]:ss",
        "aaaa",
        'yyyy"年"m"月"d"日"',
        "[$-804]yyyy/m/d",
        "[DBNum1]d",
        "h AM/PM",
    ],
)
def test_it_knows_a_date_format(code):
    assert is_date_format(code)


@pytest.mark.parametrize(
    "code",
    [
        "General",
        "0",
        "0.00E+00",
        "@",
        '0"d"',
        "[Red]0",
        "#,##0_d",
        "0*m",
        "\\d0",
        "[$-804]0",
        "[Color12]0;[Magenta]-0",
        "[>=100]0",
    ],
)
def test_it_knows_a_number_format(code):
    assert not is_date_format(code)
