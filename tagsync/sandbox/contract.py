"""What the documented batch call must look like, checked to the letter. Knows no HTTP, no tokens, no state.

Source: page 986553; at most 500 rows per call: pages 986538, 986700.
"""

from typing import Any

MAX_ROWS = 500
CUSTOMER_ID_KEYS = ("audienceUserId", "thirdId")  # thirdId: page 986319
IDENTIFIER_KEYS = (*CUSTOMER_ID_KEYS, "openid", "unionid", "phone")
_ROW_KEYS = frozenset((*IDENTIFIER_KEYS, "tags"))
_PARAM_KEYS = frozenset(("isMatching", "matchingType", "identifyWay", "optType"))


def problem(body: Any) -> str | None:
    """Why the platform would refuse this body, beginning with the field's name; None when it is as documented."""
    if not isinstance(body, dict):
        return "body: not an object"
    return (
        _keys("", body, frozenset(("publicParams", "data")))
        or _params_problem(body.get("publicParams"))
        or _data_problem(body.get("data"))
    )


def _params_problem(params: Any) -> str | None:
    if not isinstance(params, dict):
        return "publicParams: required, an object"
    if unknown := _keys("publicParams.", params, _PARAM_KEYS):
        return unknown
    if not isinstance(params.get("isMatching"), bool):
        return "publicParams.isMatching: required, true or false"
    if params.get("optType") not in ("add", "delete"):
        return 'publicParams.optType: required, "add" or "delete"'
    return _matching_problem(params)


def _matching_problem(params: dict[str, Any]) -> str | None:
    # Absent means absent: a null, or a choice that has no meaning here, is a mistake of the sender.
    for key in ("matchingType", "identifyWay"):
        if key in params and (type(params[key]) is not int or params[key] not in (1, 2)):
            return f"publicParams.{key}: 1 or 2"
    if "matchingType" in params and not params["isMatching"]:
        return "publicParams.matchingType: only when isMatching is true"
    is_fuzzy = params.get("matchingType") == 2
    if is_fuzzy and "identifyWay" not in params:
        return "publicParams.identifyWay: required when matching is fuzzy"
    if "identifyWay" in params and not is_fuzzy:
        return "publicParams.identifyWay: only when matching is fuzzy"
    return None


def _data_problem(data: Any) -> str | None:
    if not isinstance(data, list) or not data:
        return "data: required, an array with rows"
    if len(data) > MAX_ROWS:
        return f"data: at most {MAX_ROWS} rows"
    for index, row in enumerate(data):
        if found := _row_problem(row):
            return f"data[{index}]{found}"
    return None


def _row_problem(row: Any) -> str | None:
    if not isinstance(row, dict):
        return ": not an object"
    if unknown := _keys(".", row, _ROW_KEYS):
        return unknown
    for key, value in row.items():
        if not isinstance(value, str) or not value.strip():
            return f".{key}: text that is not empty"
    if len(row) < 2 or "tags" not in row:
        return ".tags: required" if "tags" not in row else ": no identifier"
    if not all(map(str.strip, row["tags"].split(","))):
        return ".tags: an empty tag between commas"
    if all(key in row for key in CUSTOMER_ID_KEYS):
        return ".thirdId: not beside audienceUserId"
    return None


def _keys(prefix: str, found: dict[str, Any], allowed: frozenset[str]) -> str | None:
    unknown = found.keys() - allowed
    return f"{prefix}{min(unknown)[:50]}: unknown field" if unknown else None
