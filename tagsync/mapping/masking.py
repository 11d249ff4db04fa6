"""Identifiers as they may be shown or logged. What does not look like a clean value is hidden entirely."""

import re

from tagsync.mapping.fields import CUSTOMER_ID, IDENTIFIERS
from tagsync.mapping.matching import LOOKS

HIDDEN = "****"

_long_phone = re.compile(r"\+?[0-9]{11,15}")
_phone_filler = re.compile(r"[\s()-]+")
_long_openid = re.compile(r"[A-Za-z0-9_-]{12,64}")
_long_customer_id = re.compile(r"[A-Za-z0-9_-]{10,64}")


def mask(field_key: str, value: str) -> str:
    """The value with its middle hidden; tags as they are. Short, unclean and unknown ones show nothing at all."""
    if not value or field_key == "tags":
        return value
    if field_key == "phone":
        digits = _phone_filler.sub("", value)
        return f"{digits[:3]}{HIDDEN}{digits[-4:]}" if _long_phone.fullmatch(digits) else HIDDEN
    if field_key in ("openid", "unionid"):
        return f"{value[:4]}…{value[-2:]}" if _long_openid.fullmatch(value) else HIDDEN
    if field_key == CUSTOMER_ID and _long_customer_id.fullmatch(value):
        return f"{value[:3]}{HIDDEN}{value[-2:]}"
    return HIDDEN


def mask_cell(field_key: str, text: str) -> str:
    """A cell of a column that is sent as this field, or with "" of one that is not: there what looks like an identifier
    is masked as one."""
    if field_key == "tags" or field_key in IDENTIFIERS:
        return mask(field_key, text)
    bare = "".join(text.split()).replace("-", "")
    return next((mask(field, text.strip()) for field, look in LOOKS.items() if look.fullmatch(bare)), text)
