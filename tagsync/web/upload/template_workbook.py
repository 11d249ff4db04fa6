"""The small workbook that people can start from: every header is known, its rows show what a row may be, and a second
sheet says what belongs into each column. Written out in both languages, because it leaves the house."""

from __future__ import annotations

from tagsync.sheets.writer import Sheet

# Made-up people: one found by phone, one by openid and unionid, one by customer ID.
_OPENID, _UNIONID = "oSAMPLEonlyNotARealOpenid001", "oSAMPLEonlyNotARealUnionid01"
_CUSTOMER_ID, _PHONE = "100000000000000001", "13800138000"
_WIDTHS = (24, 34, 34, 18, 34)
_NOTE_WIDTHS = (16, 70, 34)

_CHINESE = (
    Sheet(
        "客户标签",
        ("客户ID", "openid", "unionid", "手机号", "标签"),
        (
            ("", "", "", _PHONE, "春季活动,会员"),
            ("", _OPENID, _UNIONID, "", "新客"),
            (_CUSTOMER_ID, "", "", "", "华东；母婴"),
        ),
        _WIDTHS,
    ),
    Sheet(
        "填写说明",
        ("列", "怎么填", "示例"),
        (
            (
                "客户ID",
                "平台上的客户编号，通常为 17 或 18 位数字。请先把该列设为文本格式，否则 Excel 会改掉后几位。",
                _CUSTOMER_ID,
            ),
            ("openid", "客户在公众号或小程序里的 openid，通常为 28 个字符。", _OPENID),
            ("unionid", "客户在微信开放平台下的 unionid，通常为 28 个字符。", _UNIONID),
            ("手机号", "11 位大陆手机号；境外号码以 + 和国家代码开头。", _PHONE),
            ("标签", "要添加或删除的标签；多个标签用逗号、分号或顿号隔开。", "春季活动,会员"),
            ("", "每行一位客户：四种标识至少填一个，标签至少填一个。", ""),
            ("", "列的顺序随意，多出的列不会发送；不用的列可以删掉。", ""),
            ("", "导入前请删掉“客户标签”里的三行示例。", ""),
        ),
        _NOTE_WIDTHS,
    ),
)
_ENGLISH = (
    Sheet(
        "Customer tags",
        ("Customer ID", "openid", "unionid", "Phone", "Tags"),
        (
            ("", "", "", _PHONE, "Spring campaign,Member"),
            ("", _OPENID, _UNIONID, "", "New customer"),
            (_CUSTOMER_ID, "", "", "", "East; Baby care"),
        ),
        _WIDTHS,
    ),
    Sheet(
        "How to fill it in",
        ("Column", "What belongs there", "Example"),
        (
            (
                "Customer ID",
                "The customer's number on the platform, as a rule 17 or 18 digits. Format the column as text first: "
                "otherwise Excel changes the last digits.",
                _CUSTOMER_ID,
            ),
            (
                "openid",
                "The customer's openid of your official account or mini program, as a rule 28 characters.",
                _OPENID,
            ),
            ("unionid", "The customer's unionid of the WeChat open platform, as a rule 28 characters.", _UNIONID),
            ("Phone", "A mainland mobile of 11 digits; numbers from abroad begin with + and the country code.", _PHONE),
            (
                "Tags",
                "The tags to add or to delete; separate several by commas or semicolons.",
                "Spring campaign,Member",
            ),
            ("", "One customer per row: at least one of the four identifiers, and at least one tag.", ""),
            ("", "Columns may stand in any order; further columns are not sent, unused ones may be deleted.", ""),
            ("", "Delete the three sample rows of “Customer tags” before you import.", ""),
        ),
        _NOTE_WIDTHS,
    ),
)


def sheets(language: str | None) -> tuple[Sheet, ...]:
    return _CHINESE if _is_chinese(language) else _ENGLISH


def file_name(language: str | None) -> str:
    return "标签导入模板.xlsx" if _is_chinese(language) else "tag-import-template.xlsx"


def _is_chinese(language: str | None) -> bool:
    return (language or "zh").startswith("zh")
