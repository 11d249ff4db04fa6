"""An import and its events. Each change of state is one conditional update with its event in the same transaction."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection, ConnectionState
from tagsync.database import shown_now
from tagsync.imports.models.choices import HiddenRows, IdentifyWay, Match, Operation
from tagsync.imports.models.figures import Figures
from tagsync.imports.models.folded import FoldedField
from tagsync.imports.models.summary import Summary
from tagsync.imports.signals import moved
from tagsync.imports.states import DELETABLE, Act, JobStatus, MoveRefused, allowed
from tagsync.sheets.reading import Reading

# What several moves change alike.
NO_WAIT: dict[str, Any] = {"wait_until": None, "wait_reason": ""}
NO_CAUSE: dict[str, Any] = {"cause": "", "cause_params": {}}
NOTHING_CHECKED: dict[str, Any] = {"counts": {}, "blank_rows": 0, "summary": {}, **NO_CAUSE}
AT_REST: dict[str, Any] = {"lease_until": None, "ended_at": Now()}
GOES_ON: dict[str, Any] = {"ended_at": None, **NO_WAIT, **NO_CAUSE}


def _random_path(_job: ImportJob, _file_name: str) -> str:
    """Stored under a name that tells nothing; the person's own file name is a column."""
    return f"{uuid.uuid4().hex}.upload"


class ImportJobQuerySet(models.QuerySet["ImportJob"]):
    def visible_to(self, person: Person) -> ImportJobQuerySet:
        """A marketer sees her own imports, an admin all; what is being deleted nobody sees."""
        kept = self.exclude(status=JobStatus.DISCARDED)
        return kept if person.has_perm("imports.view_all_imports") else kept.filter(owner=person)


class ImportJob(Figures):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="imports")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="imports", null=True, blank=True)
    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    # the sheet
    file = models.FileField(upload_to=_random_path, max_length=200)
    file_name = models.CharField(max_length=255)
    file_bytes = models.PositiveBigIntegerField(default=0)
    search_text = FoldedField(of=("title", "file_name"), most=2000)
    file_sha256 = models.CharField(max_length=64)
    sheet = models.CharField(max_length=100, blank=True, default="")
    # 0: the sheet has no header; empty: not looked for yet
    header_row = models.PositiveIntegerField(null=True, blank=True)
    # [{"column": 0, "header": "手机号", "field": "phone" or null}, …]: every column of the header with its decision;
    # "added" says of one that an export of ours wrote it, "row_numbers" which of these holds them
    columns = models.JSONField(default=list, blank=True)
    # How a person wants the file to be read where it leaves that open, see `reading`; empty: as the evidence says
    encoding = models.CharField(max_length=20, blank=True, default="")
    delimiter = models.CharField(max_length=1, blank=True, default="")
    # empty: nobody was asked
    hidden_rows = models.CharField(max_length=4, choices=HiddenRows.choices, blank=True, default="")
    # Tags that every row gets besides those of its columns, joined with a comma.
    fixed_tags = models.TextField(blank=True, default="")

    # the settings; no move touches them after the start
    match = models.CharField(max_length=10, choices=Match.choices, default=Match.FUZZY)
    identify_way = models.PositiveSmallIntegerField(
        choices=IdentifyWay.choices, null=True, blank=True, default=IdentifyWay.ONE
    )
    operation = models.CharField(max_length=10, choices=Operation.choices, default=Operation.ADD)

    # The newest save of the choices above: when, from which page, and the number of the request among those of it.
    saved_at = models.DateTimeField(null=True, blank=True)
    saved_page = models.CharField(max_length=16, blank=True, default="")
    saved_turn = models.PositiveIntegerField(default=0)

    # Digest of what the newest check was asked to check; the check, the repairs and the start hold only while the
    # columns above are still that.
    asked_sha256 = models.CharField(max_length=64, blank=True, default="")

    # how far we got
    status = models.CharField(max_length=12, choices=JobStatus.choices, default=JobStatus.DRAFT)
    run = models.PositiveIntegerField(default=0)
    queue_number = models.PositiveBigIntegerField(null=True, blank=True)
    # The place in line that the start took: what is newer and what is older between opposite imports.
    first_queue_number = models.PositiveBigIntegerField(null=True, blank=True)
    # for people; what decides is the number
    first_confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    wait_until = models.DateTimeField(null=True, blank=True)
    wait_reason = models.CharField(max_length=40, blank=True, default="")
    # why it is blocked or unreadable: a code of imports.problems with its parameters
    cause = models.CharField(max_length=60, blank=True, default="")
    cause_params = models.JSONField(default=dict, blank=True)
    blank_rows = models.PositiveIntegerField(default=0)
    # what the check saw, as `imports.models.summary` has it
    summary = models.JSONField(default=dict, blank=True)
    # What would be sent and how, as a fingerprint: equal for the same content in whatever file.
    content_sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    # Send so many rows, then wait for a person; empty when there is no trial or it is over.
    trial_rows = models.PositiveIntegerField(null=True, blank=True)
    # A person has seen that the platform refuses every row alike, and wants the rest sent all the same.
    refusals_seen = models.BooleanField(default=False)
    # The place in line for which rows that newer imports overtook were looked for.
    superseded_for = models.PositiveBigIntegerField(null=True, blank=True)
    # The row up to which they were looked for, while that is not done.
    superseded_to = models.PositiveIntegerField(default=0)
    # What a retry still has to make wait again before anything is sent: `retrying.Selection` as JSON.
    retry_selection = models.JSONField(null=True, blank=True)
    corrects = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="corrections")
    # The import that was started with the same file and has taken over what this one has not brought to the platform:
    # nothing more is sent from here.
    went_on_as = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # the import whose accepted rows this one takes back
    undoes = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="undone_by")

    objects = ImportJobQuerySet.as_manager()

    class Meta:
        permissions = [
            ("view_all_imports", "Can see everybody's imports"),
            ("retry_imports", "Can send failed rows again"),
            ("see_personal_data", "Can see identifiers unmasked"),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="job_owner"),
            models.Index(fields=["status", "connection"], name="job_status"),
            models.Index(fields=["first_confirmed_at"], name="job_started"),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}"

    # -- numbers

    @property
    def heading(self) -> list[int]:
        """Numbers of the rows that are not blank and no customers: those above the header, and it."""
        return self.check_summary.get("heading", [])

    @property
    def rows_left_hidden(self) -> int:
        return self.check_summary.get("hidden_rows", 0)

    @property
    def rows_in_file(self) -> int:
        return len(self.heading) + self.rows_left_hidden + self.total + self.blank_rows

    # -- what pages show

    @property
    def label(self) -> str:
        return self.title or self.file_name

    @property
    def is_blocked(self) -> bool:
        """Blocked by a cause of its own, or under way on a connection that is blocked."""
        if self.status == JobStatus.BLOCKED:
            return True
        waits = self.status in (JobStatus.QUEUED, JobStatus.RUNNING)
        return waits and self.connection is not None and self.connection.state == ConnectionState.BLOCKED

    @property
    def is_deletable(self) -> bool:
        return self.status in DELETABLE

    @property
    def connection_is_archived(self) -> bool:
        """Nothing of it can be sent before an admin takes the connection into use again."""
        return self.connection is not None and self.connection.archived_at is not None

    @property
    def shown_status(self) -> str:
        """The status word of the page: computed from states and counts, never stored."""
        if self.is_blocked:
            return JobStatus.BLOCKED
        if self.status == JobStatus.FINISHED:
            return self.ending
        if self.status == JobStatus.QUEUED and self.wait_until and self.wait_until > shown_now():
            return "waiting_for_platform"
        return self.status

    # -- what was chosen

    @property
    def reading(self) -> Reading:
        return Reading(self.encoding, self.delimiter)

    def choices_sha256(self) -> str:
        """Digest of what decides which rows there are and what is sent of each: file, sheet, columns, settings.

        Frozen copies of this stand in migrations: who adds to it computes the stored ones anew there, or adds only
        what older imports do not have.
        """
        asked = [self.file_sha256, self.sheet, self.header_row, self.columns, self.fixed_tags]
        way = [self.connection_id, self.operation, self.match, self.identify_way]
        read = [*self.reading, self.hidden_rows]
        return hashlib.sha256(
            json.dumps([*asked, *way, *(read if any(read) else [])], sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()

    @property
    def is_as_asked(self) -> bool:
        """Whether its columns and settings are still those that its check was asked for."""
        return self.asked_sha256 == self.choices_sha256()

    @property
    def check_summary(self) -> Summary:
        """What the check saw; whoever changes it saves `summary`."""
        return cast(Summary, self.summary)

    def mapped_columns(self) -> dict[int, str]:
        return {column["column"]: column["field"] for column in self.columns if column["field"]}

    # -- moves: each one raises MoveRefused when the state does not allow it, and nothing is changed then

    def move(
        self, act: Act, *, by: Person | None = None, why: str = "", params: dict[str, Any] | None = None,
        where: Q | None = None, **changes: Any
    ) -> None:  # fmt: skip
        """Make the move of `act`, with its event and whatever listens to it, in one transaction.

        The named methods below call this. `why` and `params` are those of the event; `where` must hold besides the
        state.
        """
        with transaction.atomic():
            found = ImportJob.objects.select_for_update(no_key=True).filter(pk=self.pk)
            before = found.values_list("status", flat=True).first() or JobStatus.DISCARDED
            move = allowed(act, before)
            if move is None:
                raise MoveRefused(act, before)
            if move.ends_work:
                changes["fence"] = F("fence") + 1
            rows = ImportJob.objects.filter(where or Q(), pk=self.pk, status=before)
            if not rows.update(status=move.target, **changes):
                raise MoveRefused(act, before)
            self.refresh_from_db()
            told = {"by": by, "why": why, "params": params or {}, "fence": self.fence}
            event = JobEvent.objects.create(job=self, act=act, before=before, after=move.target, **told)
            moved.send(ImportJob, job=self, event=event)

    def begin_check(self, by: Person) -> None:
        with transaction.atomic():
            locked = ImportJob.objects.select_for_update(no_key=True).filter(pk=self.pk).first()
            asked = locked.choices_sha256() if locked else ""
            self.move(Act.CHECK, by=by, lease_until=None, asked_sha256=asked, **NOTHING_CHECKED)

    def checked(self) -> None:
        """The check is done; what it staged is written, and agrees with what was asked (`agreement.end_check`)."""
        self.move(Act.CHECKED, where=self._ours, lease_until=None)

    def unreadable(self, code: str, params: dict[str, str | int]) -> None:
        self.move(Act.UNREADABLE, where=self._ours, lease_until=None, cause=code, cause_params=params)

    def change(self, by: Person) -> None:
        """Back to a draft: what was checked counts no more."""
        self.move(Act.CHANGE, by=by, **NOTHING_CHECKED)

    def start(self, by: Person, trial_rows: int | None = None) -> None:
        """Freeze the settings and take a place in the connection's line."""
        with transaction.atomic():
            place = self._next_place(Act.START)
            self.move(
                Act.START,
                by=by,
                run=1,
                trial_rows=trial_rows,
                queue_number=place,
                first_queue_number=place,
                first_confirmed_at=Now(),
                lease_until=None,
            )

    def _next_place(self, act: Act) -> int:
        """In the line of its connection. A draft that was made while there was none has none."""
        if self.connection is None:
            raise MoveRefused(act, self.status)
        return self.connection.take_queue_number()

    def claim(self, lease: timedelta, where: Q) -> None:
        """It runs, and is ours for so long."""
        self.move(Act.CLAIM, where=where, lease_until=Now() + lease, **NO_WAIT)

    def pause(self, why: str, wait: timedelta | None = None) -> None:
        """Back into the queue, for at least so long."""
        waits: dict[str, Any] = {"wait_until": Now() + wait, "wait_reason": why} if wait else {}
        self.move(Act.PAUSE, why=why, where=self._ours, lease_until=None, **waits)

    def expire(self) -> None:
        """Back into the queue: its worker is gone, and its lease with it."""
        self.move(Act.PAUSE, why="lease_expired", where=self._ours & Q(lease_until__lt=Now()), lease_until=None)

    def finish(self) -> None:
        self.move(Act.FINISH, where=self._ours, trial_rows=None, **AT_REST)

    def block(self, cause: str, params: dict[str, Any]) -> None:
        """Only a person can go on."""
        changes: dict[str, Any] = {"cause": cause, "cause_params": params, "retry_selection": None, **AT_REST}
        self.move(Act.BLOCK, why=cause, where=self._ours, **changes)

    def stop(self, by: Person) -> None:
        """A queued import stops at once; a running one after the calls in flight are recorded."""
        self.move(Act.STOP, by=by, ended_at=Now(), retry_selection=None, **NO_WAIT)

    def stopped(self) -> None:
        self.move(Act.STOPPED, where=self._ours, retry_selection=None, **AT_REST)

    def resume(self, by: Person) -> None:
        """Send what was never settled; who goes on after a trial or a refusal of everything has seen it."""
        with transaction.atomic():
            self.move(
                Act.RESUME,
                by=by,
                trial_rows=None,
                refusals_seen=True,
                queue_number=self._next_place(Act.RESUME),
                **GOES_ON,
            )

    def retry(self, by: Person, rows: int, selection: dict[str, Any]) -> None:
        """Send so many settled rows in another run; `selection` says which."""
        with transaction.atomic():
            self.move(
                Act.RETRY,
                by=by,
                params={"rows": rows},
                run=self.run + 1,
                retry_selection=selection,
                trial_rows=None,
                queue_number=self._next_place(Act.RETRY),
                **GOES_ON,
            )

    def remove(self, by: Person | None = None, where: Q | None = None) -> None:
        """Nobody sees it any more; `drafts.deletion` deletes what it holds, and then it. Raises MoveRefused."""
        self.move(Act.DISCARD, by=by, where=where, lease_until=None)

    @property
    def _ours(self) -> Q:
        """Nobody has taken it over, or made the work on it invalid, since it was read."""
        return Q(fence=self.fence)


class JobEvent(models.Model):
    """One change of state: who, when, from, to, why. `why` is a code, `params` its numbers; never personal data."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(db_default=Now(), editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    act = models.CharField(max_length=20)
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    why = models.CharField(max_length=200, blank=True, default="")
    # of a retry and of a late answer: {"rows": how many}; of a repair: {"repair": its number}
    params = models.JSONField(default=dict, blank=True)
    # the import's fence after it
    fence = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["job", "id"], name="event_job")]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"
