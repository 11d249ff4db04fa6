"""Finds what the platform adds to a success that may mean that not all of it was one: counts, lists, words, flags.

The user's document lets `code` decide, so nothing here changes an outcome; it is said beside it. Which fields a
tenant adds is not documented: names and words are judged, and ordinary successes must pass without a remark.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from tagsync.tuzhan.redaction import HIDDEN, as_text, redact, tidy

MAX_REMARKS_CHARACTERS = 500
# An echo of 500 rows with six fields each is 3,500 values; what is larger is not read to its end, and that is said.
MAX_VALUES = 100_000
MAX_REMARKS = 20
_MAX_ITEM_CHARACTERS = 160
_MAX_KEY_CHARACTERS = 48
_DEEPEST_LOOK = 5

_DOCUMENTED = frozenset(("code", "errorCode", "msg", "data"))
_SUCCESS_WORDS = frozenset(("", "0", "200", "success", "successful", "succeeded", "succ", "ok", "成功", "操作成功"))
_NOTHING = frozenset(("", "-", "null", "none", "nil", "undefined", "false", "no", "n", "f", "无", "没有", "否"))
_FALSE = frozenset(("false", "no", "n", "f", "否", "失败"))

# Parts of a key, in its small letters alone: "fail_count", "failCount" and "FAILCOUNT" are one.
_FAILURE_IN_KEY = re.compile(
    "fail|error|invalid|reject|exception|abnormal|unsuccess|illegal|unmatch|notmatch|notfound|mismatch|incomplete"
    "|partial|refus|denied|discard|warn|unprocessed"
    "|失败|错误|异常|无效|拒绝|非法|未匹配|未找到|跳过|忽略|警告|未处理|不合法"
)
_FAILURE_WORDS = frozenset(
    [
        "err",
        "errs",
        "errno",
        "errnum",
        "errcount",
        "errcode",
        "errlist",
        "errmsg",
        "bad",
        "wrong",
        "skip",
        "skips",
        "skipped",
        "ignore",
        "ignored",
        "missing",
        "missed",
        "lost",
        "dropped",
    ]
)
_SUCCESS_KEYS = frozenset(("success", "successful", "succeed", "succeeded", "succ", "issuccess", "ok", "isok"))
_RESULT_KEYS = frozenset(("result", "status", "state", "flag"))
_CODE_KEYS = frozenset(("code", "subcode", "bizcode", "resultcode", "retcode", "status", "statuscode", "httpstatus"))
_TOTAL_KEYS = frozenset(("total", "totalcount", "totalnum", "totalrows", "总数", "总条数"))
_DONE_KEYS = frozenset((*_SUCCESS_KEYS, "successcount", "successnum", "successrows", "succcount", "成功数", "成功条数"))

_BAD_NOUNS = "失败|错误|异常|无效|拒绝|警告|跳过|忽略"
_BAD_WORDS = r"fail(?:ed|ures?|s)?|errors?|invalid|rejected|exceptions?|warnings?|skipped|ignored"
# What speaks of failures to say that there are none.
_NO_FAILURE = re.compile(
    r"https?://\S+"
    rf"|(?:无|没有|未发现|未出现)(?:任何)?(?:{_BAD_NOUNS})"
    rf"|(?:{_BAD_NOUNS})(?:数量|条数|行数|总数|数)?\s*[:：=]?\s*(?:为|共)?\s*(?:0+(?!\d|[.,]\d)\s*(?:条|个|行|笔)?|无|空)"
    rf"|(?<![\d.,])0+\s*(?:条|个|行|笔)?\s*(?:数据|记录)?(?:{_BAD_NOUNS})"
    rf"|(?<![A-Za-z])(?:{_BAD_WORDS})(?:[ _]?(?:count|num|rows))?\s*[:=]\s*(?:0+(?!\d|[.,]\d)|none|null|nil)"
    rf"|(?<![A-Za-z\d.,])(?:no|0+|zero|without(?: any)?)\s+(?:rows? )?(?:{_BAD_WORDS})(?![A-Za-z])",
    re.IGNORECASE,
)
_FAILURE_IN_TEXT = re.compile(
    "失败|(?<!全)部分|异常|错误|无效|拒绝|非法|有误|报错|超限|未找到|未匹配|不存在|不合法|跳过|忽略|警告|未成功|不成功"
    "|未处理|丢弃|fail|error|invalid|partial|reject|exception|abnormal|unsuccess|illegal|incomplete|refused|denied"
    r"|(?<![a-z])(?:warn|skipped|ignored|missing|wrong|unable|cannot)"
    r"|not (?:found|matched|all|processed|applied|accepted|saved)",
    re.IGNORECASE,
)


def remarks_in(found: dict[str, Any], known: Iterable[str] = ()) -> str:
    """What an accepted answer (of `answers.parse`) says besides, redacted; "" for an ordinary success.

    One "key: value" after the other, the outermost first.
    """
    known, said, left = tuple(known), "", HIDDEN
    for number, (path, value) in enumerate(_remarks(found)):
        item = _shortened(redact(tidy(f"{path}: {as_text(value)}"[: 16 * _MAX_ITEM_CHARACTERS]), known))
        longer = f"{said}; {item}" if said else item
        if number == MAX_REMARKS or len(longer) > MAX_REMARKS_CHARACTERS - 3:
            return f"{said}; {left}"
        said = longer
    return said


def extras_in(found: dict[str, Any]) -> str:
    """What stands in the answer beside the documented fields, as JSON, whether it means anything or not."""
    extras = {key: value for key, value in found.items() if key not in _DOCUMENTED and not _is_plain(key, value)}
    return as_text(extras) if extras else ""


def _is_plain(key: str, value: object) -> bool:
    return _is_nothing(value) or (_letters(key) in _SUCCESS_KEYS and (value is True or _small(value) == "true"))


def _remarks(found: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Path and value of each, breadth first and without recursion: an answer may be nested as deep as it likes."""
    # the last: whether it counts fewer successes than the total beside it
    waiting: deque[tuple[str, str, object, bool]] = deque([("", "", found, False)])
    seen = 0
    while waiting:
        path, key, value, is_less = waiting.popleft()
        seen += 1
        if seen > MAX_VALUES:
            yield HIDDEN, HIDDEN
            return
        if path and path != "code" and (is_less or _speaks_of_failure(key, value)):
            yield path, value
        elif isinstance(value, dict):
            less = _less_than_all(value)
            waiting.extend((_below(path, name), name, inner, name == less) for name, inner in value.items())
        elif isinstance(value, list):
            # An element stands under the name of its list, but is no count and no flag of its own.
            waiting.extend((path, "", inner, False) for inner in value)


def _below(path: str, key: str) -> str:
    # Two names tell where it stands; a chain of a thousand would only be cut.
    above = path.rpartition(".")[2]
    name = _shortened(key, _MAX_KEY_CHARACTERS)
    return f"{above}.{name}" if above else name


def _speaks_of_failure(key: str, value: object) -> bool:
    name = _letters(key)
    if _means_failure(key, name):
        return not (_is_success_code(value) if name.endswith("code") else _is_nothing(value))
    if name in _SUCCESS_KEYS and (value is False or _small(value) in _FALSE or _number(value) == 0):
        return True
    if name in _RESULT_KEYS and (value is False or _small(value) in _FALSE):
        return True
    if name in _CODE_KEYS and (number := _number(value)) is not None and 400 <= number < 600:
        return True
    return isinstance(value, str) and _text_speaks_of_failure(value)


def _means_failure(key: str, name: str) -> bool:
    if _FAILURE_IN_KEY.search(name):
        return True
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", key[:_MAX_KEY_CHARACTERS])
    return name in _FAILURE_WORDS or any(part.lower() in _FAILURE_WORDS for part in parts)


def _letters(key: str) -> str:
    return "".join(filter(str.isalpha, key[:_MAX_KEY_CHARACTERS])).lower()


def _text_speaks_of_failure(text: str) -> bool:
    text = text[: 4 * MAX_REMARKS_CHARACTERS]
    return bool(_FAILURE_IN_TEXT.search(text)) and bool(_FAILURE_IN_TEXT.search(_NO_FAILURE.sub(" ", text)))


def _is_success_code(value: object) -> bool:
    if isinstance(value, str):
        word = _small(value)
        return word in _NOTHING or word in _SUCCESS_WORDS or not word.strip("0")
    return not value


def _is_nothing(value: object, depth: int = 0) -> bool:
    """Whether a value under a name of failure says that there was none: no number above 0, no list, no word."""
    if value is None or isinstance(value, bool):
        return not value
    if isinstance(value, dict) and depth < _DEEPEST_LOOK:
        return all(_is_nothing(inner, depth + 1) for inner in value.values())
    if isinstance(value, (dict, list)):
        return not value
    number = _number(value)
    if number is not None:
        return number <= 0
    word = _small(value)
    if word in _NOTHING or word in _SUCCESS_WORDS:
        return True
    return ("成功" in word or "success" in word) and not _text_speaks_of_failure(word)


def _less_than_all(found: dict[str, Any]) -> str | None:
    """The name of the count of successes that is smaller than the total beside it."""
    totals = [number for key in found if _letters(key) in _TOTAL_KEYS and (number := _number(found[key])) is not None]
    for key, value in found.items():
        done = _number(value) if totals and _letters(key) in _DONE_KEYS else None
        if done is not None and 0 < done < max(totals):
            return key
    return None


def _small(value: object) -> str:
    return value.strip(" \t\r\n.。!！").lower() if isinstance(value, str) else ""


def _number(value: object) -> Decimal | None:
    """A number, also one written as text (as whole numbers are by `answers.parse`) or in per cent."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    text = str(value).strip().removesuffix("%")
    if len(text) > 40:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return None if number.is_nan() else number


def _shortened(text: str, limit: int = _MAX_ITEM_CHARACTERS) -> str:
    """Without the word through which the limit goes: half an identifier would not be known as one."""
    if len(text) <= limit:
        return text
    return re.sub(r"[A-Za-z0-9_-]+$", "", text[:limit]) + HIDDEN
