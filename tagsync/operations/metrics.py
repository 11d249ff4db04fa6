"""Figures for Prometheus, computed when they are asked for, in a constant number of queries. No figure names a person,
a file or an identifier.

Source: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count, Min, Q, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tagsync.connections.models import Connection, ConnectionState
from tagsync.database import database_now
from tagsync.imports.models import Delivery, ImportJob, JobEvent
from tagsync.imports.states import UNDER_WAY, Act, JobStatus
from tagsync.operations.models import Process, ProcessRole
from tagsync.queueing.health import queue_health

# From an answer of a healthy platform to the longest that a call may take, TAGSYNC_CALL_SECONDS.
CALL_MILLISECONDS = (100, 300, 1_000, 3_000, 10_000, 30_000, 60_000)


class Figures(Collector):
    def collect(self) -> Iterator[Metric]:
        yield from _imports()
        yield from _calls()
        yield from _processes()


def text() -> bytes:
    registry = CollectorRegistry()
    registry.register(Figures())
    return bytes(generate_latest(registry))


def _imports() -> Iterator[Metric]:
    rows: Counter[str] = Counter()
    imports: Counter[str] = Counter()
    for status, counts in ImportJob.objects.values_list("status", "counts"):
        imports[status] += 1
        rows.update(counts)
    by_outcome = GaugeMetricFamily("tagsync_rows", "Rows of all imports by state", labels=["state"])
    for state, number in sorted(rows.items()):
        by_outcome.add_metric([state], number)
    by_state = GaugeMetricFamily("tagsync_imports", "Imports by state", labels=["state"])
    for state, number in sorted(imports.items()):
        by_state.add_metric([state], number)
    oldest = ImportJob.objects.filter(status__in=UNDER_WAY).aggregate(at=Min("first_confirmed_at"))["at"]
    queued = ImportJob.objects.filter(status=JobStatus.QUEUED, deliveries=None).aggregate(at=Min("first_confirmed_at"))
    now = database_now()
    yield by_outcome
    yield by_state
    yield GaugeMetricFamily(
        "tagsync_oldest_import_under_way_seconds",
        "Since the start of the oldest import that is not over",
        value=(now - oldest).total_seconds() if oldest else 0,
    )
    yield GaugeMetricFamily(
        "tagsync_queue_wait_seconds",
        "Since the start of the oldest import that has made no call yet",
        value=(now - queued["at"]).total_seconds() if queued["at"] else 0,
    )
    lost = JobEvent.objects.filter(act=Act.PAUSE, why="lease_expired").count()
    yield CounterMetricFamily("tagsync_lease_expiries", "Imports whose worker was lost", value=lost)


def _calls() -> Iterator[Metric]:
    """Of all calls there ever were: none is deleted and no outcome is changed, so these figures only grow, as
    Prometheus expects. Over the last hours they would shrink, and each time look like a restart and a burst of calls.
    """
    calls = HistogramMetricFamily("tagsync_call_seconds", "Calls to the platform by outcome", labels=["outcome"])
    within = {f"within_{limit}": Count("id", filter=Q(duration_ms__lte=limit)) for limit in CALL_MILLISECONDS}
    found = Delivery.objects.exclude(outcome="").order_by().values_list("outcome")
    for outcome, number, milliseconds, *numbers in found.annotate(Count("id"), Sum("duration_ms"), **within):
        limits = (str(limit / 1000) for limit in CALL_MILLISECONDS)
        # Of a call whose worker died nobody knows how long it took.
        buckets = [*zip(limits, numbers, strict=True), ("+Inf", number)]
        calls.add_metric([outcome], buckets, sum_value=(milliseconds or 0) / 1000)
    yield calls
    blocked = Connection.objects.filter(state=ConnectionState.BLOCKED, archived_at=None).count()
    yield GaugeMetricFamily("tagsync_blocked_connections", "Connections that a person must mend", value=blocked)


def _processes() -> Iterator[Metric]:
    health = queue_health()
    yield GaugeMetricFamily("tagsync_redis_up", "Whether Redis answers", value=health.redis)
    workers = GaugeMetricFamily("tagsync_workers", "Workers that are alive", labels=["queue"])
    for bell, number in health.workers.items():
        workers.add_metric([bell], number)
    yield workers
    keeper = Process.objects.filter(role=ProcessRole.KEEPER).order_by("-seen_at").first()
    age = (timezone.now() - keeper.seen_at).total_seconds() if keeper else float("nan")
    yield GaugeMetricFamily("tagsync_keeper_age_seconds", "Since the keeper was last heard of", value=age)
