"""Random uploads, stops, retries, faults, opposite operations: the platform ends as the newest import says (C4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db.models.functions import Coalesce
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper, tasks
from tagsync.imports.check.agreement import end_check
from tagsync.imports.followups.retry import NothingToRetry, Selection
from tagsync.imports.models import Delivery, ImportJob, ImportRow
from tagsync.imports.states import MoveRefused, RowStatus
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants

pytestmark = pytest.mark.django_db(transaction=True)

PHONES = [f"1380000000{number}" for number in range(4)]
TAGS = ("a", "b")
FAULTS = [
    {"kind": "apply_then_cut", "times": 1},
    {"kind": "cut", "times": 2},
    {"kind": "status", "http_status": 503, "times": 1},
    {"kind": "truncated_json", "times": 1},
    *({"kind": "refuse_rows", "field": "phone", "equals": phone, "times": 2} for phone in PHONES),
]
pairs = st.sets(st.tuples(st.sampled_from(PHONES), st.sampled_from(TAGS)), min_size=1, max_size=5)


def ready(owner: Person, connection: Connection, operation: str, rows: Iterable[tuple[str, str]]) -> ImportJob:
    """A checked import without a file: reading sheets is tested elsewhere."""
    rows = sorted(rows)
    job = ImportJob.objects.create(
        owner=owner, connection=connection, operation=operation, file="none", file_name="none", file_sha256="0" * 64
    )
    job.begin_check(owner)
    ImportRow.objects.bulk_create(
        ImportRow(job=job, row_number=number, phone=phone, tags=tag, status=RowStatus.WAITING)
        for number, (phone, tag) in enumerate(rows, start=2)
    )
    ImportJob.objects.filter(pk=job.pk).update(counts={"waiting": len(rows)})
    end_check(job)
    return job


def let_time_pass() -> None:
    """Hold-backs and waits are over."""
    long_ago = timezone.now() - timedelta(hours=1)
    Delivery.objects.filter(answered_at__isnull=False).update(answered_at=long_ago)
    ImportJob.objects.filter(wait_until__isnull=False).update(wait_until=long_ago)
    Connection.objects.update(next_slot_at=None)


def last_words(connection: Connection) -> dict[tuple[str, str], str]:
    """(phone, tag) → operation of the accepted row whose import was first confirmed last."""
    accepted = ImportRow.objects.filter(job__connection=connection, status=RowStatus.ACCEPTED)
    number = Coalesce("confirmed_number", "job__first_queue_number")
    ordered = accepted.order_by(number).values_list("phone", "tags", "job__operation")
    return {(phone, tag): operation for phone, tag, operation in ordered}


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_newest_import_has_the_last_word(
    marketer: Person, connection: Connection, sandbox: Sandbox, quick: None
) -> None:
    connection.rows_per_call = 2
    connection.save()

    class Imports(RuleBasedStateMachine):
        jobs = Bundle("jobs")

        def __init__(self) -> None:
            super().__init__()
            sandbox.faults.clear()
            sandbox.reset()
            ImportJob.objects.all().delete()
            Connection.objects.update(silent_since=None, next_slot_at=None, slow_factor=1)

        @rule(target=jobs, operation=st.sampled_from(["add", "delete"]), rows=pairs)
        def start(self, operation: str, rows: set[tuple[str, str]]) -> int:
            job = ready(marketer, connection, operation, rows)
            actions.start(job, marketer)
            return job.pk

        @rule(job=jobs)
        def work(self, job: int) -> None:
            tasks.run_import(job)

        @rule(job=jobs)
        def stop(self, job: int) -> None:
            self.try_to(lambda: actions.stop(ImportJob.objects.get(pk=job), marketer))

        @rule(job=jobs)
        def resume(self, job: int) -> None:
            self.try_to(lambda: actions.resume(ImportJob.objects.get(pk=job), marketer))

        @rule(job=jobs, doubt=st.booleans())
        def retry(self, job: int, doubt: bool) -> None:
            statuses = frozenset({RowStatus.REJECTED, *([RowStatus.IN_DOUBT] if doubt else [])})
            self.try_to(lambda: actions.retry(ImportJob.objects.get(pk=job), Selection(statuses), marketer))

        @rule(fault=st.sampled_from(FAULTS))
        def break_something(self, fault: dict[str, object]) -> None:
            sandbox.faults.add(**fault)

        @rule()
        def wait(self) -> None:
            let_time_pass()
            keeper.keep()

        @staticmethod
        def try_to(act: object) -> None:
            try:
                act()
            except (MoveRefused, NothingToRetry, actions.NothingToSend):
                return

        def teardown(self) -> None:
            sandbox.faults.clear()
            for _ in range(40):
                let_time_pass()
                queued = ImportJob.objects.filter(status="queued").order_by("queue_number")
                if not queued:
                    break
                for job in queued:
                    tasks.run_import(job.pk)
            assert not ImportJob.objects.filter(status__in=["queued", "running", "stopping"]).exists()
            for job in ImportJob.objects.all():
                check_invariants(job, [entry for entry in sandbox.ledger if entry.rows])
            doubtful = set(ImportRow.objects.filter(status=RowStatus.IN_DOUBT).values_list("phone", "tags"))
            for (phone, tag), operation in last_words(connection).items():
                if (phone, tag) not in doubtful:
                    has_tag = tag in sandbox.tags.get(phone, set())
                    assert has_tag is (operation == "add"), (phone, tag, operation)

    run_state_machine_as_test(
        Imports,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
