"""Which row is the header, and which column is probably which field. Only equality decides; the rest is suggested.

Reads rows, changes nothing, and remembers nothing: remembered mappings belong to the room above.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import NamedTuple

from tagsync.mapping.characters import folded, is_visible, narrow
from tagsync.mapping.fields import CUSTOMER_ID, FIELDS
from tagsync.mapping.rows import is_blank
from tagsync.sheets.cells import Cell, Kind, Row, column_letter
from tagsync.sheets.names import on_one_line

HEADER_SEARCH_ROWS = 30
SIMILAR_ENOUGH = 0.8
HEADER_MAX_CHARACTERS = 40  # Longer ones are explanations, not names.
HEADER_KEPT_CHARACTERS = 200

# reason -> what it says of the column
REASONS = {
    "exact": "equal to the field's name, its label or an alias: applied without asking",
    "contains": "a name of the field stands inside the header",
    "similar": "nearly spelt like a name of the field",
    "taken": "fits a field that another column has exactly",
    "content": "the header says nothing, but the values look like the field's",
    "none": "nothing fits",
}

# Values that betray their field, whatever the header says. A customer ID has 17 or 18 digits on the platform; a
# unionid looks like an openid, so a header has to tell them apart.
LOOKS = {
    "phone": re.compile(r"(?:\+?86|0086)?1[3-9]\d{9}", re.ASCII),
    "openid": re.compile(r"o[A-Za-z0-9_-]{27}"),
    CUSTOMER_ID: re.compile(r"\d{17,18}", re.ASCII),
}
LOOK_ALIKE = {"unionid": "openid"}
ENOUGH_VALUES = 3
NEARLY_ALL = 0.8
_filler = re.compile(r"[\s()'`,-]+")
# What no column is called, beside the looks above: a long number, also as Excel or an export writes it, and a phone
# with its middle hidden. Eight digits may be the date of a column.
_long_number = re.compile(r"\+?\d{9,}(?:\.0*)?|\d(?:\.\d+)?[eE]\+?\d{1,2}|1\d\d\*+\d{4}", re.ASCII)
_digit = re.compile(r"\d")


class Suggestion(NamedTuple):
    """`looks_like`: the field that the values betray, or "": `fitting` of `values` that were looked at."""

    column: int
    header: str
    field: str | None
    reason: str
    exact: bool
    matched: str = ""  # the name or alias that fitted
    values: int = 0
    fitting: int = 0
    looks_like: str = ""

    def looks_as(self, field: str | None) -> bool:
        """Whether the values bear out that they are this field; tags, and what is not sent, look like anything."""
        return field in (None, "tags") or (self.looks_like != "" and not self.contradicts(str(field)))

    def contradicts(self, field: str) -> bool:
        """Whether the values look like another field than this one."""
        return self.looks_like not in ("", field, LOOK_ALIKE.get(field))


class _Name(NamedTuple):
    field: str
    text: str
    rank: int  # 0 name, label or alias; 1 stand-in


class _Hit(NamedTuple):
    name: _Name
    reason: str


def header_key(text: str) -> str:
    """What two equal headers have in common: no width, case, white space, underscores or zero-width characters."""
    return "".join(folded(text).replace("_", "").split())


def header_kept(text: str) -> str:
    """On one line, with what a database can hold, and not longer than a name may be."""
    return on_one_line(" ".join(text.split()))[:HEADER_KEPT_CHARACTERS]


def _names() -> tuple[dict[str, _Name], dict[str, _Name]]:
    exact: dict[str, _Name] = {}
    inside: dict[str, _Name] = {}
    for field in FIELDS.values():
        for rank, texts in enumerate(((field.key, field.label, *field.aliases), field.stand_ins, field.hints)):
            for text in texts:
                inside.setdefault(header_key(text), _Name(field.key, text, rank))
                if rank < 2:
                    exact.setdefault(header_key(text), _Name(field.key, text, rank))
    return exact, inside


_EXACT, _INSIDE = _names()
_LONGEST_FIRST = sorted(_INSIDE, key=len, reverse=True)
_word = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def _word_runs(header: str) -> set[str]:
    """The words of a header, joined in every run: "Customer phoneNo" has phone, customerphone, phoneno …"""
    words = [word.lower() for word in _word.findall(unicodedata.normalize("NFKC", header))]
    return {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}


def _contained(header: str, key: str) -> _Name | None:
    runs = _word_runs(header)
    for candidate in _LONGEST_FIRST:
        # A Latin name must be whole words ("stage" has no tag in it); Chinese has no such boundary.
        if candidate in runs or (not candidate.isascii() and candidate in key):
            return _INSIDE[candidate]
    return None


def _weak_hit(header: str, key: str) -> _Hit | None:
    if not key or len(key) > HEADER_MAX_CHARACTERS:
        return None
    if name := _contained(header, key):
        return _Hit(name, "contains")
    close = get_close_matches(key, _EXACT, n=1, cutoff=SIMILAR_ENOUGH)
    return _Hit(_EXACT[close[0]], "similar") if close else None


def _owners(exact: Mapping[int, _Name]) -> dict[str, int]:
    """Field -> the column that has it: a better name before a stand-in, then the first."""
    owners: dict[str, int] = {}
    for column in sorted(exact, key=lambda column: exact[column].rank):  # stable: the first of equals stays first
        owners.setdefault(exact[column].field, column)
    return owners


def suggest(headers: Mapping[int, str], rows: Sequence[Row] = ()) -> list[Suggestion]:
    """One suggestion for each column, in order. No field is taken by "exact" twice. `rows`: some below the header."""
    keys = {column: header_key(header) for column, header in headers.items()}
    exact = {column: _EXACT[key] for column, key in keys.items() if key in _EXACT}
    owners = _owners(exact)
    suggestions = []
    hits: dict[int, _Hit | None] = {}
    for column, header in headers.items():
        hit = _Hit(exact[column], "exact") if column in exact else _weak_hit(header, keys[column])
        # A name merged over several columns stands in the first of them only.
        hit = hit or (_continued(hits.get(column - 1)) if not keys[column] else None)
        hits[column] = hit
        suggestion = _suggestion(column, header, hit, owners)
        suggestions.append(_with_content(suggestion, look_of(rows, column)))
    return suggestions


def _continued(before: _Hit | None) -> _Hit | None:
    """Only tags may stand in several columns."""
    return before._replace(reason="taken") if before and before.name.field == "tags" else None


def _suggestion(column: int, header: str, hit: _Hit | None, owners: Mapping[str, int]) -> Suggestion:
    if hit is None:
        return Suggestion(column, header, None, "none", False)
    owner = owners.get(hit.name.field)
    reason = hit.reason if owner in (None, column) else "taken"
    return Suggestion(column, header, hit.name.field, reason, reason == "exact", hit.name.text)


class Look(NamedTuple):
    """What the values of a column look like: a field's key, or ""."""

    field: str
    values: int
    fitting: int


def look_of(rows: Sequence[Row], column: int) -> Look:
    texts = [row.cells[column].text for row in rows if column in row.cells]
    if len(texts) < ENOUGH_VALUES:
        return Look("", len(texts), 0)
    looks = [_looks(text) for text in texts]
    fitting = {key: sum(key in found for found in looks) for key in LOOKS}
    best = max(fitting, key=lambda key: fitting[key])
    return Look(best if fitting[best] >= NEARLY_ALL * len(texts) else "", len(texts), fitting[best])


def _looks(text: str) -> set[str]:
    """The fields that a text betrays. An openid may hold a dash, which is filling in a phone."""
    typed = narrow(text).strip()
    bare = _filler.sub("", typed)
    return {key for key, look in LOOKS.items() if look.fullmatch(bare) or look.fullmatch(typed)}


def _with_content(suggestion: Suggestion, look: Look) -> Suggestion:
    seen = suggestion._replace(looks_like=look.field, values=look.values, fitting=look.fitting)
    return seen if seen.field or not look.field else seen._replace(field=look.field, reason="content")


def headers(row: Row, above: Row | None = None) -> dict[int, str]:
    """Column -> header as typed, as `header_kept` has it. A formula without a value is a header of unknown text: "".

    `above`: the row right above it. Of cells merged over both rows the text stands in the upper one.
    """
    found = _texts(row)
    if above is not None and _text_cells(above) > 1:
        found = {**{column: text for column, text in _texts(above).items() if not found.get(column)}, **found}
    return dict(sorted(found.items()))


def column_name(header: str, column: int) -> str:
    """What a column is called where a name is needed: by its letter when it has none."""
    return header or column_letter(column)


def _texts(row: Row) -> dict[int, str]:
    return {
        column: header_kept(cell.text)
        for column, cell in sorted(row.cells.items())
        if cell.kind is Kind.FORMULA or is_visible(cell.text)
    }


def customer_column(row: Row) -> int | None:
    """The first column with a phone, an openid or a long number: then the row is a customer's, and no header."""
    return next((column for column, cell in row.cells.items() if _is_of_customer(cell)), None)


def _is_of_customer(cell: Cell) -> bool:
    bare = _filler.sub("", narrow(cell.text))
    return bool(_long_number.fullmatch(bare) or _looks(cell.text))


def _header_score(row: Row) -> int:
    """2 for each field named exactly, 1 for each that is contained."""
    names = headers(row)
    keys = {column: header_key(text) for column, text in names.items()}
    exact = {_EXACT[key].field for key in keys.values() if key in _EXACT}
    hits = (_contained(names[column], key) for column, key in keys.items() if len(key) <= HEADER_MAX_CHARACTERS)
    contained = {name.field for name in hits if name} - exact
    return 2 * len(exact) + len(contained)


def _text_cells(row: Row) -> int:
    return sum(cell.kind is Kind.TEXT and is_visible(cell.text) for cell in row.cells.values())


def guess_header(rows: Sequence[Row]) -> int | None:
    """The number of the row that most probably holds the headers: 0 when none does, None when nothing is there."""
    candidates = list(islice((row for row in rows if not is_blank(row)), HEADER_SEARCH_ROWS))
    if not candidates:
        return None
    possible = [row for row in candidates if customer_column(row) is None]
    best = max(possible, key=_header_score, default=None)  # the first of equals
    # One header-like word is as likely a title or somebody's tag.
    if best and _header_score(best) > 1:
        return best.number
    first = next((row for row in candidates if _text_cells(row) >= 2), candidates[0])
    return first.number if first in possible and _heads(first, candidates) else 0


def _heads(row: Row, rows: Sequence[Row]) -> bool:
    """Whether a row of words that nobody knows is a header all the same: one is like a field's name, or stands over
    numbers. A row of words over words is as likely the first customer."""
    if any(_weak_hit(text, header_key(text)) for text in headers(row).values()):
        return True
    below = [one for one in rows if one.number > row.number]
    return any(
        not _digit.search(cell.text) and _are_numbers([one.cells[column].text for one in below if column in one.cells])
        for column, cell in row.cells.items()
        if cell.kind is Kind.TEXT and is_visible(cell.text)
    )


def _are_numbers(texts: Sequence[str]) -> bool:
    return bool(texts) and sum(_digit.search(text) is not None for text in texts) >= NEARLY_ALL * len(texts)
