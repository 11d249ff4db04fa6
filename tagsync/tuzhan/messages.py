"""The bodies of the platform's calls, as the document writes them. Must not know how they travel.

Source: page 986553 of the platform's documentation, section "客户标签导入配置".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

ROW_KEYS = ("audienceUserId", "openid", "unionid", "phone", "tags")
MATCHING_TYPES = {"exact": 1, "fuzzy": 2}


@dataclass(frozen=True)
class Settings:
    """The three choices of the API. Raises: ValueError when fuzzy matching comes without an identify way."""

    match: Literal["none", "exact", "fuzzy"]
    identify_way: Literal[1, 2] | None
    operation: Literal["add", "delete"]

    def __post_init__(self) -> None:
        if self.match == "fuzzy" and self.identify_way not in (1, 2):
            raise ValueError("fuzzy matching needs identify_way 1 or 2")


def batch_body(
    settings: Settings, rows: Sequence[Mapping[str, str]], customer_id_key: str = "audienceUserId"
) -> dict[str, Any]:
    """One batchAdd body; the rows keep their order, empty values are left out.

    Raises: ValueError for a row without identifier or tags (a delete without tags might mean "delete all").
    """
    return {
        "publicParams": _public_params(settings),
        "data": [_row(row, customer_id_key) for row in rows],
    }


def encode(body: dict[str, Any]) -> bytes:
    """The body as it travels: compact UTF-8 JSON. Equal bodies give equal bytes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _public_params(settings: Settings) -> dict[str, Any]:
    # Absent means absent, not null: the document gives no meaning to null.
    params: dict[str, Any] = {"isMatching": settings.match != "none"}
    if settings.match != "none":
        params["matchingType"] = MATCHING_TYPES[settings.match]
    if settings.match == "fuzzy":
        params["identifyWay"] = settings.identify_way
    params["optType"] = settings.operation
    return params


def _row(row: Mapping[str, str], customer_id_key: str) -> dict[str, str]:
    values = {key: row[key] for key in ROW_KEYS if row.get(key)}
    if "tags" not in values or len(values) < 2:
        raise ValueError("a row needs an identifier and a tag")
    return {customer_id_key if key == "audienceUserId" else key: text for key, text in values.items()}
