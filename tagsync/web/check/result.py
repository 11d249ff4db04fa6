"""The result of the check as its page shows it: balance, causes, tags, who is found by what. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.imports.check.identification import identified_by
from tagsync.imports.followups.undo import undone
from tagsync.imports.models import ImportJob, ImportRow, JobTag, Problem
from tagsync.imports.models.summary import ChangeSummary, WarningSummary
from tagsync.imports.notes import letter
from tagsync.imports.permissions import sees_in_full, sees_invalid_values
from tagsync.imports.problems import Sentence, change_made, sentence
from tagsync.imports.problems.file_rows import no_customers
from tagsync.imports.problems.groups import ProblemGroup, groups
from tagsync.imports.states import ENDED, RowStatus
from tagsync.mapping.masking import mask
from tagsync.web.columns.forms import field_label
from tagsync.web.record.next_steps import undone_sentence
from tagsync.web.ui.cells import in_short

TAGS_SHOWN = 30
LOOK_ALIKES_SHOWN = 10


class Part(NamedTuple):
    """One number of the balance."""

    swatch: str
    label: str
    rows: int


class Example(NamedTuple):
    """A cell as Excel names it (or only its row), and what was typed there."""

    row_number: int
    cell: str
    value: str
    after: str = ""  # what cleaning made of it


class Remark(NamedTuple):
    """What was noticed or done in so many cells, without stopping a row."""

    times: int
    sentence: Sentence
    examples: list[Example]


class Tag(NamedTuple):
    text: str
    rows: int
    is_new: bool  # never sent over this connection before


@dataclass(frozen=True)
class Cause:
    problem: Problem
    rows: int
    sentence: Sentence
    examples: list[Example]
    # a tag that may be a mere word for "nothing", or ""
    placeholder: str


def balance(job: ImportJob) -> list[Part]:
    """Rows in the file = the other parts together. What is always asked for stands there even when it is 0."""
    parts = [
        *(Part("", part.label, part.rows) for part in no_customers(job)),
        Part("waiting", _("ready"), job.count(RowStatus.WAITING)),
        Part("to_fix", _("to fix"), job.count(RowStatus.TO_FIX)),
        Part("duplicate", _("duplicates"), job.count(RowStatus.DUPLICATE)),
        Part("left_out", _("left out"), job.count(RowStatus.LEFT_OUT)),
        Part("", _("blank"), job.blank_rows),
    ]
    shown = [part for part in parts if part.rows or part.swatch in ("waiting", "to_fix")]
    return [Part("", _("rows in the file"), job.rows_in_file), *shown]


def causes(job: ImportJob, person: Person) -> list[Cause]:
    """What stops rows, biggest first. The owner sees her own values in full: she has to repair them."""
    return [_cause(group, sees_invalid_values(person, job)) for group in groups(job, [RowStatus.TO_FIX])]


def found_by(job: ImportJob) -> list[tuple[str, int]]:
    """(label of the identifier, rows), the one tried first coming first."""
    return [(field_label(key), rows) for key, rows in identified_by(job)]


def tags(job: ImportJob) -> tuple[list[Tag], int]:
    """The most frequent tags with their rows, and how many more there are."""
    most = job.check_summary.get("tags", [])[:TAGS_SHOWN]
    known = _sent_before(job, [tag for tag, _ in most])
    shown = [Tag(tag, rows, is_new=known is not None and tag not in known) for tag, rows in most]
    return shown, max(0, int(job.check_summary.get("tag_count", len(most))) - len(most))


def _sent_before(job: ImportJob, tags: list[str]) -> set[str] | None:
    """Which of the tags earlier imports sent over this connection; None when there was none: then all are new."""
    earlier = ImportJob.objects.filter(connection=job.connection, first_confirmed_at__isnull=False)
    if not earlier.exists():
        return None
    return set(JobTag.objects.filter(job__in=earlier, tag__in=tags).values_list("tag", flat=True))


def look_alikes(job: ImportJob) -> list[list[Tag]]:
    """Tags that people take for one, most frequent first."""
    found = job.check_summary.get("look_alikes", [])[:LOOK_ALIKES_SHOWN]
    return [[Tag(tag, rows, is_new=False) for tag, rows in group] for group in found]


def warnings(job: ImportJob, person: Person) -> list[Remark]:
    """What somebody should look at before the start; it stops nothing."""
    found, in_full = job.check_summary.get("warnings", []), sees_in_full(person, job)
    return [
        _remark(one, one["params"].get("field", "openid"), sentence(one["code"], one["params"]), in_full)
        for one in found
    ]


def changes(job: ImportJob, person: Person) -> list[Remark]:
    """What cleaning changed, with cells before and after."""
    found, in_full = job.check_summary.get("changes", []), sees_in_full(person, job)
    return [_remark(one, one["field"], change_made(one["code"], one["field"]), in_full) for one in found]


def _remark(one: WarningSummary | ChangeSummary, field: str, said: Sentence, in_full: bool) -> Remark:
    examples = [
        Example(number, cell, *(in_short(value if in_full else mask(field, value)) for value in values))
        for number, cell, *values in one["examples"]
    ]
    return Remark(one["rows"], said, examples)


class Earlier(NamedTuple):
    """An import that was started before. `same_content`: the same rows in the same way, whatever the file is called.

    `rest`: rows that it has not brought to the platform, when it is over and only these could be sent.
    """

    job: ImportJob
    same_content: bool
    rest: int = 0
    # what another one has taken back of it since
    undone: str = ""


def earlier_import(job: ImportJob, person: Person) -> Earlier | None:
    """The newest started import of the same content that the person may see, else of the very same file."""
    started = ImportJob.objects.visible_to(person).filter(first_confirmed_at__isnull=False).exclude(pk=job.pk)
    newest = started.select_related("owner").order_by("-pk")
    same = newest.filter(content_sha256=job.content_sha256).first() if job.content_sha256 else None
    if same:
        taken_back = _taken_back(same)
        return Earlier(same, same_content=True, rest=0 if taken_back else _rest(job, same), undone=taken_back)
    file = newest.filter(file_sha256=job.file_sha256).first()
    return Earlier(file, same_content=False, undone=_taken_back(file)) if file else None


def _taken_back(job: ImportJob) -> str:
    by = undone([job]).get(job.pk)
    return undone_sentence(by) if by else ""


def _rest(job: ImportJob, same: ImportJob) -> int:
    """Only for an import that the owner may see: its name and its failures will stand in hers."""
    delivered = same.count(RowStatus.ACCEPTED)
    possible = same.status in ENDED and delivered and job.corrects_id is None
    possible = possible and ImportJob.objects.visible_to(job.owner).filter(pk=same.pk).exists()
    return max(0, job.count(RowStatus.WAITING) - delivered) if possible else 0


def _cause(group: ProblemGroup, in_full: bool) -> Cause:
    problem = group.problem
    return Cause(
        problem=problem,
        rows=group.rows,
        sentence=sentence(problem.code, problem.params),
        examples=[_example(row, problem.code, in_full) for row in group.examples],
        placeholder=str(problem.params["placeholder"]) if problem.code == "placeholder_in_tags" else "",
    )


def _example(row: ImportRow, code: str, in_full: bool) -> Example:
    note = next((note for note in row.noted if note.code == code), None)
    if note is None:
        return Example(row.row_number, "", "")
    shown = in_short(note.value if in_full else mask(note.field or "", note.value))
    return Example(row.row_number, f"{letter(note)}{row.row_number}" if note.column is not None else "", shown)
