"""The sample workbook: invented customers, most rows good, some wrong as real sheets are. The same every time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openpyxl

FILE_NAME = "示例-会员标签.xlsx"
TITLE = "会员标签（示例数据，人名与号码均为虚构）"
HEADER = ("客户ID", "微信openid", "微信unionid", "手机号", "姓名", "客户标签")
CUSTOMERS = 300

Value = str | int | None
Row = tuple[Value, ...]

_TAGS = ("会员", "春季活动", "会员,高价值", "沉睡客户", "新客;已领券", "门店-上海", "会员、生日礼")
_SURNAMES = "赵钱孙李周吴郑王冯陈"


def write(path: Path) -> None:
    """Once: whoever has changed it since keeps the changes."""
    if not path.exists():
        book().save(path)


def book() -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "会员"
    sheet.append((TITLE,))
    sheet.append(HEADER)
    for row in rows():
        sheet.append(row)
    for letter in "ABCD":
        sheet.column_dimensions[letter].width = 32
    return book


def rows() -> Iterator[Row]:
    """All rows under the header, in order: the wrong ones stand among the good ones."""
    for number in range(1, CUSTOMERS + 1):
        yield _WRONG[number](_customer(number)) if number in _WRONG else _customer(number)


def _customer(number: int) -> Row:
    """Every third is known by customer ID, every third by openid and unionid, every third by phone."""
    kind = number % 3
    return (
        f"{90_000_000_000_000_000 + number}" if kind == 0 else None,
        f"oSAMPLE{number:021d}" if kind == 1 else None,
        f"uSAMPLE{number:021d}" if kind == 1 else None,
        f"{13_800_000_000 + number}" if kind == 2 else None,
        f"示例{_SURNAMES[number % len(_SURNAMES)]}{number:03d}",
        _TAGS[number % len(_TAGS)],
    )


def _bad_phone(row: Row) -> Row:
    return (None, None, None, "1380000", *row[4:])


def _no_tags(row: Row) -> Row:
    return (*row[:5], None)


def _no_identifier(row: Row) -> Row:
    return (None, None, None, None, *row[4:])


def _ruined_number(row: Row) -> Row:
    # As a number and not as text: Excel keeps 15 digits, the last three are gone.
    return (123_456_789_012_345_000, None, None, None, *row[4:])


def _error_cell(row: Row) -> Row:
    return (*row[:5], "#N/A")


def _foreign_letters(row: Row) -> Row:
    return (None, "微信昵称不是openid", None, None, *row[4:])


def _blank(row: Row) -> Row:
    return (None,) * len(HEADER)


def _same_as(number: int) -> Row:
    return _customer(number)


_WRONG = {
    17: _bad_phone,
    18: _bad_phone,
    41: _no_tags,
    66: _no_identifier,
    90: _ruined_number,
    117: _error_cell,
    142: _foreign_letters,
    180: _blank,
    205: _no_tags,
    233: lambda _: _same_as(230),
    234: lambda _: _same_as(231),
    266: _bad_phone,
}
