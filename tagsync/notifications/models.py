"""One thing that one person is told, once per change of state: a code with parameters, sentences are never stored."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tagsync.connections.models import Connection
from tagsync.database import database_now

# Who is on the page when it happens has seen it there, and needs no letter.
MAIL_AFTER = timedelta(seconds=60)


def _mail_at() -> datetime | None:
    """Nothing that is told without a mail server is posted later, when there is one."""
    return database_now() + MAIL_AFTER if settings.TAGSYNC_EMAIL else None


class NoticeKind(models.TextChoices):
    # an import of hers, by itself
    FINISHED = "finished", "finished"
    FINISHED_WITH_FAILURES = "finished_with_failures", "finished_with_failures"
    BLOCKED = "blocked", "blocked"
    TRIAL_DONE = "trial_done", "trial_done"
    # an import of somebody else, for admins: the platform refuses it
    COLLEAGUE_BLOCKED = "colleague_blocked", "colleague_blocked"
    # an import of hers, by somebody else
    STARTED = "started", "started"
    STOPPED = "stopped", "stopped"
    RESUMED = "resumed", "resumed"
    RETRIED = "retried", "retried"
    # her imports on a connection, and how they go on
    WAITS = "waits", "waits"
    GOES_ON = "goes_on", "goes_on"
    HELD = "held", "held"
    RELEASED = "released", "released"
    # a connection, for those who look after it
    CONNECTION_BLOCKED = "connection_blocked", "connection_blocked"
    CONNECTION_READY = "connection_ready", "connection_ready"
    # a workbook that she asked for
    WORKBOOK_READY = "workbook_ready", "workbook_ready"
    WORKBOOK_FAILED = "workbook_failed", "workbook_failed"


# What goes on until it is over, and what is told then.
RECOVERIES = {
    NoticeKind.WAITS: NoticeKind.GOES_ON,
    NoticeKind.HELD: NoticeKind.RELEASED,
    NoticeKind.CONNECTION_BLOCKED: NoticeKind.CONNECTION_READY,
}
# What an import asks; any move of a person answers it.
QUESTIONS = (NoticeKind.BLOCKED, NoticeKind.TRIAL_DONE, NoticeKind.COLLEAGUE_BLOCKED)
WORKBOOKS = (NoticeKind.WORKBOOK_READY, NoticeKind.WORKBOOK_FAILED)


class NoticeQuerySet(models.QuerySet["Notice"]):
    def in_order(self) -> NoticeQuerySet:
        """Locked one after the other, or two that want the same ones from different ends would wait for each other."""
        return self.select_for_update(no_key=True).order_by("pk")

    def end_at(self, at: datetime | Now) -> None:
        """What is not over yet is over. Call it inside the transaction of what ended it."""
        found = list(self.filter(over_at=None).in_order().values_list("pk", flat=True))
        if found:
            Notice.objects.filter(pk__in=found).update(over_at=at)


class Notice(models.Model):
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=24, choices=NoticeKind.choices)
    at = models.DateTimeField(db_default=Now(), editable=False)
    # the one import that it is about; empty when it is about several, or none
    job = models.ForeignKey("imports.ImportJob", on_delete=models.CASCADE, null=True, blank=True, related_name="told")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, null=True, blank=True, related_name="told")
    # the change of state that it tells, when it is one of an import
    event = models.ForeignKey("imports.JobEvent", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    # who did it
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    params = models.JSONField(default=dict, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    # from then on it is history: it went on, or something newer was told
    over_at = models.DateTimeField(null=True, blank=True)
    recovers = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="recovery")
    # when it is to be posted, or tried again; empty when there is nothing to post (any more)
    mail_at = models.DateTimeField(null=True, blank=True, default=_mail_at)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        # Notices were records of imports once; the table stayed.
        db_table = "imports_notice"
        constraints = [
            models.UniqueConstraint(fields=["person", "event"], name="one_notice_per_event"),
            # Two keepers that find the same wait at the same moment tell it once.
            models.UniqueConstraint(
                fields=["person", "connection", "kind"],
                condition=Q(over_at=None, kind__in=[kind.value for kind in RECOVERIES]),
                name="one_open_notice",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-id"], name="notice_person"),
            models.Index(fields=["person"], condition=Q(seen_at=None), name="notice_unseen"),
            models.Index(fields=["mail_at"], condition=Q(mail_at__isnull=False), name="notice_mail"),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"
