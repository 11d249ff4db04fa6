"""The drill: an installation with all its processes sends an import; in the middle a backup is made, more is sent,
everything is killed, the backup restored, and everything started again. Nothing may be sent twice without a
confirmation, and nothing that was sent be shown as not sent.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.restores import hold
from tagsync.imports.states import JobStatus, RowStatus
from tagsync.sandbox import Sandbox
from tests.backups import back_up, restore
from tests.faults import pages
from tests.faults.machines import LEASE_SECONDS, Machine, machine, set_up, shared_by_all, unforeseen
from tests.faults.redis_server import redis_server
from tests.installation import wait_for
from tests.invariants import applied_rows, check_words, key_of
from tests.making import customers

# Parts of the rows: sent before the backup, and before the crash.
BACKUP_AT, CRASH_AT = 0.3, 0.5
CALLS = 200
LATENCY_SECONDS = 0.1
PATIENCE_SECONDS = 300

Figures = dict[str, float]


def run(folder: Path, rows: int, *, told: bool) -> Figures:
    """`told`: somebody says that it was restored, as deploy/README.md asks; or else the installation notices it."""
    with redis_server() as redis, Sandbox() as sandbox:
        connection = Connection(name="Sandbox", base_url=sandbox.url, calls_per_period=1000, period_seconds=1)
        connection.rows_per_call = max(rows // CALLS, 1)
        connection.set_fixed_token("sandbox-token")
        connection.save()
        sandbox.faults.add("latency", seconds=LATENCY_SECONDS)
        with machine(folder / "machine", shared_by_all(folder, redis.url)) as one:
            set_up(one)
            figures = Drill(one, sandbox, folder, rows, told).run()
            check_words(one.said())
            assert not unforeseen(one.said()), "\n".join(one.said())
    return figures


class Drill:
    def __init__(self, one: Machine, sandbox: Sandbox, folder: Path, rows: int, told: bool) -> None:
        self.machine, self.sandbox, self.folder, self.rows, self.told = one, sandbox, folder, rows, told
        self.figures: Figures = {"rows": rows}

    def run(self) -> Figures:
        self.machine.start()
        with self.machine.browser() as admin:
            self.job = ImportJob.objects.get(pk=pages.upload(admin, customers(self.rows)))
            self._wait_for(JobStatus.READY)
            pages.start(admin, self.job.pk)
        self._send_until(BACKUP_AT)
        self._back_up()
        self._send_until(CRASH_AT)
        self._crash()
        self._restore()
        self._start_again()
        self._confirm()
        self._nothing_is_belied()
        self._send_again()
        return self.figures

    # -- steps

    def _wait_for(self, status: JobStatus) -> None:
        def has_come() -> bool:
            self.job.refresh_from_db()
            return self.job.status == status

        wait_for(has_come, PATIENCE_SECONDS)

    def _send_until(self, part: float) -> None:
        wait_for(lambda: sum(self._sent().values()) >= part * self.rows, PATIENCE_SECONDS)

    def _sent(self) -> Counter[object]:
        return applied_rows(self.sandbox.ledger)

    def _back_up(self) -> None:
        before = sum(self._sent().values())
        with self._timed("backup, seconds"):
            back_up(self.folder / "backup")
            # The database first: a file that no record names is harmless.
            shutil.copytree(settings.MEDIA_ROOT, self.folder / "uploads.backup")
        self.figures["sent when the backup began"] = before

    def _crash(self) -> None:
        if not self.told:
            self._have_the_mark_written()
        self.machine.kill()
        # A call that was on its way still arrives.
        time.sleep(LATENCY_SECONDS * 5)
        self.sent = self._sent()
        assert set(self.sent.values()) == {1}
        self.figures["sent at the crash"] = sum(self.sent.values())
        assert self.figures["sent at the crash"] < self.rows, "nothing was left to be sent: the drill shows nothing"

    def _have_the_mark_written(self) -> None:
        """As it is each minute, and when a keeper starts."""
        self.machine.kill("keeper")
        mark = Path(settings.MEDIA_ROOT) / "high-water-mark"
        mark.unlink(missing_ok=True)
        self.machine.start("keeper")
        wait_for(lambda: mark.exists() and mark.read_text())

    def _restore(self) -> None:
        with self._timed("restore, seconds"):
            restore(self.folder / "backup")
            if self.told:
                uploads = Path(settings.MEDIA_ROOT)
                shutil.rmtree(uploads)
                shutil.copytree(self.folder / "uploads.backup", uploads)
                said = self.machine.manage("restored")
                assert "Nothing is sent until" in said and said.endswith(": 1\n"), said
        self.job.refresh_from_db()
        accepted = self.job.count(RowStatus.ACCEPTED)
        self.figures["accepted, says the backup"] = accepted
        assert accepted < self.figures["sent at the crash"], (
            "nothing was sent after the backup: the drill shows nothing"
        )

    def _start_again(self) -> None:
        self.machine.start()
        wait_for(hold.is_on)
        # Until the lease of the backup is over, and the keeper has looked again and again.
        self._wait_for(JobStatus.QUEUED)
        time.sleep(LEASE_SECONDS)
        assert self._sent() == self.sent, "sent without a confirmation"
        found = hold.current()
        assert found and found.reason == (RestoreReason.TOLD if self.told else RestoreReason.BEHIND)

    def _confirm(self) -> None:
        with self.machine.browser() as admin, self._timed("confirmation, seconds"):
            assert str(self.job.file_name) in admin.get("/restore/")
            admin.post("/restore/", {"sent": "maybe"})
            wait_for(lambda: not hold.is_on(), PATIENCE_SECONDS)
            self._wait_for(JobStatus.FINISHED)

    def _send_again(self) -> None:
        """Only because somebody asks for it."""
        self.sandbox.faults.clear()
        self.machine.manage("retry_import", str(self.job.pk), "--include", "in_doubt", "--wait")
        self.job.refresh_from_db()
        assert self.job.counts == {RowStatus.ACCEPTED: self.rows}
        again = self._sent()
        assert len(again) == self.rows
        self.figures["sent again when somebody asked for it"] = sum(number > 1 for number in again.values())

    # -- what must hold

    def _nothing_is_belied(self) -> None:
        assert self._sent() == self.sent, "sent without a confirmation"
        belied, doubted = [], Counter[bool]()
        for row in self.job.rows.select_related("problem"):
            was_sent = self.sent[key_of(row.values_by_field())] > 0
            if row.status == RowStatus.IN_DOUBT:
                doubted[was_sent] += 1
                assert row.unanswered_at and row.problem, row.row_number
            elif row.status != RowStatus.ACCEPTED or not was_sent:
                belied.append(row.row_number)
        assert not belied, f"rows that are told wrongly: {len(belied)}, for example {belied[:5]}"
        assert sum(self.job.counts.values()) == self.rows
        self.figures |= {
            "sent twice without a confirmation": 0,
            "shown as not sent that were": 0,
            "accepted": self.job.count(RowStatus.ACCEPTED),
            "in doubt": self.job.count(RowStatus.IN_DOUBT),
            "in doubt and sent": doubted[True],
            "in doubt and never sent": doubted[False],
        }

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.figures[name] = time.monotonic() - began
