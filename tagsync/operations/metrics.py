"""Figures for Prometheus, computed when they are asked for, in a constant number of queries. No figure names a person,
a file or an identifier.

Source: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from tagsync.connections.models import Connection, ConnectionState
from tagsync.database import database_now
from tagsync.imports.models import Delivery, ImportJob, JobEvent
from tagsync.imports.states import UNDER_WAY, Act, JobStatus
from tagsync.operations.models import Process, ProcessRole
from tagsync.queueing.health import queue_health


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
    calls = SummaryMetricFamily("tagsync_call_seconds", "Calls to the platform by outcome", labels=["outcome"])
    found = Delivery.objects.exclude(outcome="").order_by().values_list("outcome")
    for outcome, number, milliseconds in found.annotate(Count("id"), Sum("duration_ms")):
        calls.add_metric([outcome], count_value=number, sum_value=(milliseconds or 0) / 1000)
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
