"""The small workbook that people can start from: every header is known, and its three rows show what a row may be."""

from __future__ import annotations

from typing import NamedTuple


class TemplateSheet(NamedTuple):
    file_name: str
    sheet_name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


# Made-up people: one found by phone, one by openid and unionid, one by customer ID.
_OPENID, _UNIONID = "oSAMPLEonlyNotARealOpenid001", "oSAMPLEonlyNotARealUnionid01"
_CUSTOMER_ID, _PHONE = "100000000000000001", "13800138000"

CHINESE = TemplateSheet(
    "标签导入模板.xlsx",
    "客户标签",
    ("客户ID", "openid", "unionid", "手机号", "标签"),
    (
        ("", "", "", _PHONE, "春季活动,会员"),
        ("", _OPENID, _UNIONID, "", "新客"),
        (_CUSTOMER_ID, "", "", "", "华东；母婴"),
    ),
)
ENGLISH = TemplateSheet(
    "tag-import-template.xlsx",
    "Customer tags",
    ("Customer ID", "openid", "unionid", "Phone", "Tags"),
    (
        ("", "", "", _PHONE, "Spring campaign,Member"),
        ("", _OPENID, _UNIONID, "", "New customer"),
        (_CUSTOMER_ID, "", "", "", "East; Baby care"),
    ),
)


def for_language(code: str | None) -> TemplateSheet:
    return CHINESE if (code or "zh").startswith("zh") else ENGLISH
