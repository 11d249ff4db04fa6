"""One slice of an import: claimed, prepared, its batches sent and their answers recorded; then it is released.

Only this thread touches the database. `leases` says whether it is still ours, `sender` makes the calls, `recorder`
carries out what their answers mean.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto

from tagsync.connections import silence, tokens
from tagsync.connections.models import MAX_PARALLEL_CALLS, Connection, ConnectionState
from tagsync.connections.pace import MAX_WAIT_SECONDS
from tagsync.delivery.clients import Unusable, calls, client_for
from tagsync.delivery.finish import release
from tagsync.delivery.leases import HeldLease, claim_import, is_proven
from tagsync.delivery.policy import failures_in_a_row, silent_too_long
from tagsync.delivery.recorder import Contact, Recorder, SliceState
from tagsync.delivery.sender import Sender
from tagsync.imports.followups import retry
from tagsync.imports.locking import FenceLost
from tagsync.imports.models import ImportJob
from tagsync.imports.sending import counts, outcomes, superseded
from tagsync.imports.states import JobStatus, MoveRefused, WaitReason
from tagsync.queueing.shutdown import is_shutting_down
from tagsync.tuzhan.client import Client

SLICE_SECONDS = 20.0
# Superseding compares with all that newer imports did before any of it is kept. Below RQ's limit for a task.
PREPARE_SECONDS = 200.0


class Next(Enum):
    """What a slice does next."""

    BEGIN = auto()  # another call
    COLLECT = auto()  # the calls under way, and begin none
    GO_ON = auto()  # after a short pause, with rows and connection as they are then
    END = auto()


def run_slice(job_id: int) -> None:
    """Work on an import for about SLICE_SECONDS, if it may be run now. Double calls are harmless."""
    job = claim_import(job_id)
    if job is None or job.connection is None:
        return
    try:
        client = client_for(job.connection)
    except Unusable as error:
        job.connection.block(error.reason, where=tokens.read_from(job.connection))
        silence.release_probe(job.connection)
        job.pause(error.reason)
        return
    # Threads begin when they are needed, and an admin may allow more calls at any moment.
    with client, ThreadPoolExecutor(MAX_PARALLEL_CALLS, "call") as pool:
        Slice(job, job.connection, client, pool).run()


class Slice:
    def __init__(self, job: ImportJob, connection: Connection, client: Client, pool: ThreadPoolExecutor) -> None:
        self.job, self.connection = job, connection
        self.client, self.pool = client, pool
        self.began = time.monotonic()
        self.lease = HeldLease(job, connection)
        self.state = SliceState(failures_in_a_row(job))
        # A claim on a connection that is not known to answer took the probe along.
        self.contact = Contact(connection, self.state, has_probe=not is_proven(connection))
        self.recorder = Recorder(job, connection, self.state, self.contact)
        self.sender: Sender | None = None

    def run(self) -> None:
        try:
            prepared = self._prepare()
            if prepared:
                self._send_batches()
        except (FenceLost, MoveRefused):
            if self.sender:
                for flight, outcome in self.sender.all_landed():
                    self.recorder.record_late(flight, outcome)
            raise
        self._release(prepared)

    def _prepare(self) -> bool:
        """Bring the rows to where earlier workers and people left them; False when the slice was too short for it."""
        outcomes.break_off_orphans(self.job)
        outcomes.settle_dead_batches(self.job)
        return retry.take_up(self.job, self._goes_on) and superseded.mark(self.job, self._goes_on)

    def _goes_on(self) -> bool:
        """Asked between pieces of long work, which this keeps leased."""
        self.lease.keep()
        return not (self._is_stopped() or time.monotonic() - self.began > PREPARE_SECONDS)

    def _send_batches(self) -> None:
        self.sender = sender = Sender(self.job, self.client, self.pool, self.lease, self.state, self.contact)
        self.lease.keep()
        while (step := self._next(sender)) is not Next.END:
            if step is Next.GO_ON:
                self._go_on(sender)
            else:
                if step is Next.BEGIN:
                    sender.begin(lambda: not self._is_over())
                for flight, outcome in sender.landed():
                    sender.plan(self.recorder.record(flight, outcome))
            self.lease.keep()

    # -- what may be done now

    def _next(self, sender: Sender) -> Next:
        state, over = self.state, self._is_over()
        if sender.flights:
            return Next.COLLECT if state.held or state.drained or over else Next.BEGIN
        if over:
            return Next.END
        if state.held:
            # Short pauses are waited out here, long ones free the worker.
            return Next.END if state.pause and state.pause.seconds > MAX_WAIT_SECONDS else Next.GO_ON
        return Next.END if state.drained else Next.BEGIN

    def _is_over(self) -> bool:
        return self._is_stopped() or time.monotonic() - self.began > SLICE_SECONDS

    def _is_stopped(self) -> bool:
        connection = self.connection
        closed = connection.state == ConnectionState.BLOCKED or connection.archived_at is not None
        elsewhere = not calls(self.client, connection)
        asked = self.state.question is not None or is_shutting_down()
        stopped = self.lease.job_status != JobStatus.RUNNING or self.lease.is_on_hold
        return stopped or closed or elsewhere or asked

    def _go_on(self, sender: Sender) -> None:
        if self.state.pause:
            time.sleep(self.state.pause.seconds)
        self.state.go_on()
        self.lease.look()
        sender.start_over()

    # -- the end of the slice

    def _release(self, prepared: bool) -> None:
        state = self.state
        self.contact.release_probe()
        if state.drained and not state.held:
            counts.verify(self.job)
            if self.job.trial_rows is not None:
                state.question = state.question or ("trial_done", {"rows": self.job.trial_rows})
        silent = state.pause is not None and state.pause.reason in (WaitReason.UNANSWERED, WaitReason.NOT_REACHED)
        if silent and silent_too_long(self.connection):
            state.question = ("no_answer_for_a_day", {})
        blocked = self.connection.state == ConnectionState.BLOCKED
        pause = None if blocked else state.pause
        release(self.job, pause, state.question, ring=not (pause or blocked), prepared=prepared)
