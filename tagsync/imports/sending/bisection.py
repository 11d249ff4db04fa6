"""Finding the bad rows of a refused batch by halving: which pieces a refusal leaves, and when halving ends.

Knows the record of calls only. k bad rows of n cost about 2k(log2(n/k) + 1) - 1 calls.
"""

from __future__ import annotations

from django.db.models import Max, Q

from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryState
from tagsync.imports.sending.row_ranges import as_ranges, numbers_in

# Calls under one refused batch. About 85 bad rows of 500 are found within it; beyond, single sends would be cheaper.
BUDGET = 256
ALIKE = 8


def may_halve(delivery: Delivery) -> bool:
    """Whether a refusal of this call is followed by its halves; otherwise its rows are settled as they stand."""
    return delivery.row_count > 1 and calls_under(delivery.root_id or delivery.pk) + 2 <= BUDGET


def calls_under(root_id: int) -> int:
    return Delivery.objects.filter(Q(pk=root_id) | Q(root=root_id)).count()


def halve(job: ImportJob, refused: Delivery) -> list[Delivery]:
    """Plan the two halves of a refused call. The caller holds the job's lock and records the refusal with them."""
    numbers = numbers_in(refused.row_ranges)
    middle = (len(numbers) + 1) // 2
    last = Delivery.objects.filter(job=job).aggregate(last=Max("batch"))["last"]
    return [
        Delivery.objects.create(
            job=job,
            run=refused.run,
            batch=last + place,
            root_id=refused.root_id or refused.pk,
            parent=refused,
            row_ranges=as_ranges(half),
            row_count=len(half),
            fence=refused.fence,
            state=DeliveryState.PLANNED,
        )
        for place, half in enumerate((numbers[:middle], numbers[middle:]), start=1)
    ]


def planned(job: ImportJob) -> list[Delivery]:
    """The pieces that wait to be sent, left before right."""
    pieces = Delivery.objects.filter(job=job, run=job.run, state=DeliveryState.PLANNED)
    return sorted(pieces, key=lambda piece: (piece.root_id or 0, piece.row_ranges[0][0]))


def refuses_everything_alike(job: ImportJob) -> bool:
    """In the first run, the first single rows were all refused with one code, and nothing was accepted."""
    if job.run != 1 or job.refusals_seen:
        return False
    answered = Delivery.objects.filter(job=job, run=1)
    if answered.filter(outcome=DeliveryOutcome.ACCEPTED).exists():
        return False
    singles = answered.filter(row_count=1, outcome=DeliveryOutcome.BATCH_REFUSED).order_by("id")
    codes = list(singles.values_list("code", flat=True)[:ALIKE])
    return len(codes) == ALIKE and len(set(codes)) == 1
