"""The five fields of a row as objects: name, label, help, the headers people give them, how a cell becomes a value.

The form, the preview, the matching and the check all read them from here. Knows no sheet and no platform call.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tagsync.mapping import cleaning
from tagsync.mapping.cleaning import Cleaned
from tagsync.sheets.cells import Cell


def gettext_noop(message: str) -> str:
    """Marks a msgid for extraction; the room with the pages translates it."""
    return message


@dataclass(frozen=True)
class Field:
    """`key` is the platform's name. A header equal to key, label or an alias is this field without asking.

    `stand_ins` are headers that mean this field only when no column carries a better name: elsewhere they may
    be another system's number. `hints` are words that merely make a suggestion. `plain` matches text that
    `clean` would return unchanged.
    """

    key: str
    label: str
    help: str
    clean: Callable[[Cell], Cleaned]
    plain: re.Pattern[str]
    aliases: tuple[str, ...]
    stand_ins: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


# What the customer ID is called in stored JSON, in fingerprints and by `--map`: the platform's own name.
CUSTOMER_ID = "audienceUserId"

_ALL = (
    Field(
        key=CUSTOMER_ID,
        label=gettext_noop("Customer ID"),
        help=gettext_noop("The customer's number on the platform, 17 or 18 digits. Keep the column as text in Excel."),
        clean=cleaning.clean_customer_id,
        plain=cleaning.PLAIN_CUSTOMER_ID,
        aliases=("客户ID", "customer ID"),
        stand_ins=("thirdId", "用户ID", "会员ID", "user ID", "member ID"),
        hints=("客户编号", "客户号", "用户编号", "会员编号", "会员号", "audience ID", "uid"),
    ),
    Field(
        key="openid",
        label=gettext_noop("openid"),
        help=gettext_noop("The customer's WeChat openid, typically 28 letters and digits."),
        clean=cleaning.clean_openid,
        plain=cleaning.PLAIN_OPENID,
        aliases=("微信openid", "WeChat openid", "wx openid"),
        stand_ins=("公众号openid", "微信公众号openid", "小程序openid", "客户openid", "用户openid"),
    ),
    Field(
        key="unionid",
        label=gettext_noop("unionid"),
        help=gettext_noop("The customer's WeChat unionid, typically 28 letters and digits."),
        clean=cleaning.clean_unionid,
        plain=cleaning.PLAIN_OPENID,
        aliases=("微信unionid", "WeChat unionid", "wx unionid"),
        stand_ins=("客户unionid", "用户unionid"),
    ),
    Field(
        key="phone",
        label=gettext_noop("Phone"),
        help=gettext_noop("A mobile number of 11 digits; numbers from abroad with + and country code."),
        clean=cleaning.clean_phone,
        plain=cleaning.PLAIN_PHONE,
        aliases=("手机", "手机号", "手机号码", "mobile", "phone number", "mobile number", "mobile phone", "cellphone"),
        stand_ins=(
            "客户手机",
            "客户手机号",
            "用户手机号",
            "会员手机号",
            "联系手机",
            "移动电话",
            "电话",
            "电话号码",
            "联系电话",
            "telephone",
            "tel",
        ),
        hints=("联系方式", "号码", "cell"),
    ),
    Field(
        key="tags",
        label=gettext_noop("Tags"),
        help=gettext_noop("One tag or several in a cell, separated by commas, semicolons, | or line breaks."),
        clean=cleaning.clean_tags,
        plain=cleaning.PLAIN_TAGS,
        aliases=("标签", "客户标签", "tag", "标签名", "标签名称", "customer tags", "customer tag"),
        stand_ins=("用户标签", "会员标签", "标签列表", "tag name", "tag names", "user tags"),
        hints=("label", "labels", "标记"),
    ),
)

FIELDS: dict[str, Field] = {field.key: field for field in _ALL}  # in the order of the platform's document
IDENTIFIERS = (CUSTOMER_ID, "openid", "unionid", "phone")
