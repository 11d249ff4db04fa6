"""Calls as the pages show them: each with its pieces below it, one of them opened with its request and its answer.

Knows the record of calls only; the request is rebuilt from the rows, for bodies are never stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from tagsync.connections.models import CustomerIdKey
from tagsync.delivery.calls import EMPTY_CALL
from tagsync.imports.models import Delivery, ImportJob, ImportRow
from tagsync.imports.models.delivery import REMARKED, DeliveryOutcome, DeliveryState
from tagsync.imports.sending.outcomes import TheirAnswer
from tagsync.imports.sending.row_ranges import numbers_in
from tagsync.mapping.masking import mask
from tagsync.tuzhan.messages import Settings, batch_body
from tagsync.web.ui.numbers import thousands
from tagsync.web.ui.statuses import CALL_LOOKS, Look

PER_PAGE = 50
ROWS_SHOWN = 20
REMARKED_LOOK = "remarked"
DEEPEST = 9  # 500 rows halved until one is left


class CallLine(NamedTuple):
    call: Delivery
    # how many refusals stand above it
    depth: int
    word: str
    first_row: int | None
    last_row: int | None

    @property
    def planned(self) -> bool:
        return self.call.state == DeliveryState.PLANNED

    @property
    def look(self) -> Look:
        outcome = REMARKED_LOOK if self.call.is_remarked else self.call.outcome
        return call_look(outcome, self.word, planned=self.planned, rows=self.call.row_count)

    @property
    def others(self) -> int:
        """The rows that went with any one of its rows."""
        return max(self.call.row_count - 1, 0)


class Fact(NamedTuple):
    label: str
    value: str


@dataclass(frozen=True)
class OpenedCall:
    line: CallLine
    facts: list[Fact]
    request: str
    rows_shown: int


def call_look(outcome: str, word: str, *, planned: bool = False, rows: int = 1) -> Look:
    """A refusal of many rows only means that they are sent in halves; red is what one row alone met."""
    if planned:
        return Look(*CALL_LOOKS["planned"], word)
    refused_many = outcome == DeliveryOutcome.BATCH_REFUSED and rows > 1
    return Look(*CALL_LOOKS["split" if refused_many else outcome], word)


def word(call: Delivery) -> str:
    if call.state == DeliveryState.PLANNED:
        return _("Planned, not sent yet")
    if call.outcome == DeliveryOutcome.ACCEPTED and call.is_remarked:
        return _("Accepted with remarks")
    return outcome_word(call.outcome) if call.outcome else str(call.get_state_display())


def outcome_word(outcome: str) -> str:
    if outcome == DeliveryOutcome.SIGN_OF_LIFE:
        return _("Without rows: does the platform answer?")
    return str(DeliveryOutcome(outcome).label)


def calls_by_outcome(job: ImportJob) -> list[tuple[Look, int]]:
    """Calls that were made or are under way, as they look, with their number."""
    shown = Case(When(REMARKED, outcome=DeliveryOutcome.ACCEPTED, then=Value(REMARKED_LOOK)), default="outcome")
    counted = job.deliveries.exclude(state=DeliveryState.PLANNED).order_by().values_list(shown)
    numbers = dict(counted.annotate(number=Count("id")))
    words = [("", _("Under way")), *((outcome.value, outcome_word(outcome)) for outcome in DeliveryOutcome)]
    words.insert(2, (REMARKED_LOOK, _("Accepted with remarks")))
    return [(call_look(outcome, said, rows=2), numbers[outcome]) for outcome, said in words if outcome in numbers]


def in_order(job: ImportJob) -> QuerySet[Delivery]:
    """Newest first, and below each call the pieces that its refusal left: left before right, whole before half."""
    tops = Coalesce("root_id", "id").desc()
    return job.deliveries.order_by(tops, "row_ranges__0__0", "-row_count", "id")


def page_of_calls(job: ImportJob, number: str | None) -> Page[Delivery]:
    return Paginator(in_order(job), PER_PAGE).get_page(number)


def call_lines(calls: Iterable[Delivery]) -> list[CallLine]:
    """Two queries at most, however deep the pieces lie."""
    found = list(calls)
    roots = {call.root_id for call in found if call.root_id}
    parents = dict(Delivery.objects.filter(root__in=roots).values_list("id", "parent_id")) if roots else {}
    return [_line(call, parents) for call in found]


def opened(job: ImportJob, pk: int) -> OpenedCall | None:
    """A call of this import with everything that is known of it."""
    call = job.deliveries.filter(pk=pk).first()
    if call is None:
        return None
    numbers = numbers_in(call.row_ranges)[:ROWS_SHOWN]
    facts = [*answer_facts(call), Fact(_("SHA-256 of the request"), call.body_sha256 or "–")]
    return OpenedCall(call_lines([call])[0], facts, request_of(job, numbers), len(numbers))


def request_of(job: ImportJob, numbers: Sequence[int]) -> str:
    """The body of a call with these rows, identifiers masked; without rows the one that only asks for an answer."""
    if not numbers:
        return json.dumps(json.loads(EMPTY_CALL), ensure_ascii=False, indent=2)
    rows = ImportRow.objects.filter(job=job, row_number__in=numbers).order_by("row_number")
    masked = [{key: mask(key, value) for key, value in row.values_by_field().items()} for row in rows]
    asked = Settings(job.match, job.identify_way, job.operation)  # type: ignore[arg-type]  # choices of the model
    key = job.connection.customer_id_key if job.connection else CustomerIdKey.AUDIENCE_USER_ID
    return json.dumps(batch_body(asked, masked, key), ensure_ascii=False, indent=2)


def _line(call: Delivery, parents: Mapping[int, int | None]) -> CallLine:
    depth, above = 0, call.parent_id
    while above and depth < DEEPEST:
        depth, above = depth + 1, parents.get(above)
    ranges = call.row_ranges
    return CallLine(call, depth, word(call), ranges[0][0] if ranges else None, ranges[-1][1] if ranges else None)


def answer_facts(answer: Delivery | TheirAnswer) -> list[Fact]:
    """Every field of the answer, also the empty ones: that nothing came is an answer too."""
    labels = {
        "http_status": _("HTTP status"),
        "code": _("Code"),
        "error_code": _("Error code"),
        "message": _("Message"),
        "data": _("Batch reference"),
        # With a code it could be read, and the rest is what no document names.
        "excerpt": _("Also in the answer") if answer.code else _("Unreadable answer"),
    }
    if answer.remarks:
        labels["remarks"] = _("Remarks")
    if answer.code and not answer.excerpt:
        del labels["excerpt"]
    said = [Fact(label, str(getattr(answer, name) or "–")) for name, label in labels.items()]
    took = "–" if answer.duration_ms is None else _("%(ms)s ms") % {"ms": thousands(answer.duration_ms)}
    return [*said, Fact(_("Duration"), took)]
