"""Mappings by their headers: kept at every start, found again at the next upload. A person's own comes first.

Of a sheet without column names the number of columns is all there is to go by: it is found again only where the values
look like what they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportJob, SavedMapping
from tagsync.mapping.matching import Suggestion, header_key


def remember(job: ImportJob) -> None:
    """Keep what the person chose for these headers. Nothing to keep when the header row names nothing.

    What an export has written behind the sheet is no part of it.
    """
    own = [column for column in job.columns if not column.get("added")]
    headers = [column["header"] for column in own]
    if job.header_row and not _names(headers):
        return
    columns = [{name: column[name] for name in ("column", "header", "field")} for column in own]
    newest = {"columns": columns, "job": job, "used_at": Now()}
    key = {"owner": job.owner, "headers_sha256": headers_sha256(headers)}
    if not SavedMapping.objects.filter(**key).update(**newest, times_used=F("times_used") + 1):
        SavedMapping.objects.get_or_create(**key, defaults=newest)


def recall(person: Person, headers: Iterable[str]) -> SavedMapping | None:
    """The person's own mapping for these headers, else the newest of anybody."""
    headers = list(headers)
    return _newest(person, headers) if _names(headers) else None


def recall_by_look(person: Person, suggestions: Sequence[Suggestion]) -> SavedMapping | None:
    """The same for a sheet without column names, where every identifier looks like one."""
    found = _newest(person, [suggestion.header for suggestion in suggestions])
    if found is None:
        return None
    fields = fields_of(found, {suggestion.column: suggestion.header for suggestion in suggestions})
    looks = (suggestion.looks_as(fields[suggestion.column]) for suggestion in suggestions)
    return found if all(looks) else None


def _newest(person: Person, headers: Iterable[str]) -> SavedMapping | None:
    found = SavedMapping.objects.filter(headers_sha256=headers_sha256(headers)).select_related("owner", "job")
    return found.filter(owner=person).first() or found.order_by("-used_at").first()


def first_remembered(candidates: Mapping[int, Iterable[str]]) -> int | None:
    """The first of these whose headers somebody has chosen fields for."""
    digests = {number: headers_sha256(headers) for number, headers in candidates.items() if _names(headers)}
    known = SavedMapping.objects.filter(headers_sha256__in=digests.values()).values_list("headers_sha256", flat=True)
    kept = set(known)
    return next((number for number, digest in digests.items() if digest in kept), None)


def fields_of(mapping: SavedMapping, headers: Mapping[int, str]) -> dict[int, str | None]:
    """Column → field as remembered. Of columns with the same name, each gets what stood at its turn."""
    left = [(header_key(column["header"]), column["field"]) for column in mapping.columns]
    fields: dict[int, str | None] = {}
    for number, header in headers.items():
        key = header_key(header)
        index = next((index for index, (other, _) in enumerate(left) if other == key), None)
        fields[number] = left.pop(index)[1] if index is not None else None
    return fields


def visible_to(person: Person) -> QuerySet[SavedMapping]:
    """A person sees and forgets her own; an admin those of all."""
    found = SavedMapping.objects.select_related("owner", "job").order_by("-used_at")
    return found if person.has_perm("imports.view_all_imports") else found.filter(owner=person)


def headers_sha256(headers: Iterable[str]) -> str:
    return hashlib.sha256("\x1f".join(sorted(map(header_key, headers))).encode()).hexdigest()


def _names(headers: Iterable[str]) -> list[str]:
    return [header for header in headers if header_key(header)]
