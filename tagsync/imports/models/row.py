"""The rows of an import, and the problems that group them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from tagsync.imports.models.folded import FoldedField
from tagsync.imports.models.job import ImportJob
from tagsync.imports.notes import restored
from tagsync.imports.states import RowStatus
from tagsync.mapping.fields import CUSTOMER_ID, IDENTIFIERS
from tagsync.mapping.rows import Note

# Field key of the mapping → column of ImportRow, in the order of the API.
VALUE_COLUMNS = {
    CUSTOMER_ID: "customer_id",
    "openid": "openid",
    "unionid": "unionid",
    "phone": "phone",
    "tags": "tags",
}
IDENTIFIER_COLUMNS = tuple(VALUE_COLUMNS[field] for field in IDENTIFIERS)


class Shelf(models.Func):
    """Which stretch of the table a row stands in: the first part of the indexes by which customers are found.

    New rows then go to one small place of a large index, instead of to random pages all over it, and a search looks
    once on each shelf (figures in tests/benchmarks/RESULTS.md). The number is part of the SQL text, because databases
    compare it with that of the index; who changes it builds the indexes anew in a migration.
    """

    ROWS = 65_536

    template = f"(%(expressions)s / {ROWS})"
    arity = 1
    output_field = models.BigIntegerField()


class IsShort(models.Func):
    """Whether a text fits into an index: PostgreSQL takes 2,704 bytes, and what is to fix is kept as it was typed."""

    template = "(LENGTH(%(expressions)s) <= 200)"
    arity = 1
    output_field = models.BooleanField()


def is_filled(column: str) -> Q:
    """Both the index and whoever wants to use it must say so. Not "> ''": SQLite would rather search by that."""
    return ~Q(**{column: ""}) & Q(IsShort(column))


def found_by(column: str) -> models.Index:
    # The first one was made when the column was called like the platform's key.
    name = "row_by_audience_user_id" if column == "customer_id" else f"row_by_{column}"
    return models.Index(Shelf("id"), column, name=name, condition=is_filled(column))


class Origin(models.TextChoices):
    CHECK = "check", "check"
    PLATFORM = "platform", "platform"
    US = "us", "us"


class Problem(models.Model):
    """One cause that many rows share. Its sentence is rendered in the viewer's language from code and parameters."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="problems")
    origin = models.CharField(max_length=10, choices=Origin.choices)
    code = models.CharField(max_length=60)
    params = models.JSONField(default=dict, blank=True)
    # SHA-256 of origin, code and params: what makes two problems the same
    fingerprint = models.CharField(max_length=64)
    # Somebody has seen it and wants nothing more done about its rows.
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "fingerprint"], name="one_problem_per_cause")]

    def __str__(self) -> str:
        return self.code


class ImportRow(models.Model):
    """A non-blank row of the sheet. Values are clean where sendable, as typed otherwise."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="rows")
    row_number = models.PositiveIntegerField()
    customer_id = models.TextField(blank=True, default="")
    openid = models.TextField(blank=True, default="")
    unionid = models.TextField(blank=True, default="")
    phone = models.TextField(blank=True, default="")
    tags = models.TextField(blank=True, default="")
    status = models.CharField(max_length=12, choices=RowStatus.choices)
    problem = models.ForeignKey(
        Problem, on_delete=models.SET_NULL, null=True, blank=True, related_name="rows", db_index=False
    )
    # every problem of the row, as `imports.notes` keeps it
    notes = models.JSONField(default=list, blank=True)
    # the row of the corrected import (`job.corrects`) that this one replaces
    corrects_row = models.PositiveIntegerField(null=True, blank=True)
    settled_run = models.PositiveIntegerField(null=True, blank=True)
    # When a call that carried it ended without anybody knowing what became of it, unless the platform accepted the row
    # since. Whatever the status says, the row may have been applied.
    unanswered_at = models.DateTimeField(null=True, blank=True)
    # The place in line of an admin's retry that sent it over a newer opposite row; else that of the import counts.
    confirmed_number = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "row_number"], name="one_row_per_number")]
        indexes = [
            models.Index(fields=["job", "status", "row_number"], name="row_status"),
            # With the state, so that causes are counted from the index alone.
            models.Index(
                fields=["problem", "row_number", "status"], name="row_problem", condition=Q(problem__isnull=False)
            ),
            models.Index(fields=["job", "row_number"], name="row_unanswered", condition=Q(unanswered_at__isnull=False)),
            models.Index(fields=["job"], name="row_confirmed", condition=Q(confirmed_number__isnull=False)),
            *(found_by(column) for column in IDENTIFIER_COLUMNS),
        ]

    def __str__(self) -> str:
        return f"row {self.row_number}"

    @property
    def noted(self) -> tuple[Note, ...]:
        """Every problem of the row."""
        return restored(self.notes)

    @property
    def invalid_fields(self) -> frozenset[str]:
        """The fields whose value has to be fixed."""
        if self.status != RowStatus.TO_FIX:
            return frozenset()
        return frozenset(note.field for note in self.noted if note.field)

    def values_by_field(self) -> dict[str, str]:
        return {field: getattr(self, column) for field, column in VALUE_COLUMNS.items()}


class JobTag(models.Model):
    """A tag of the rows that an import would send, and in how many of them it stands. Written by the check."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="tags")
    tag = models.CharField(max_length=255)
    search_text = FoldedField(of=("tag",), most=255)
    rows = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "tag"], name="one_tag_per_job")]
        # A search asks of each import whether one of its tags fits, from the index alone.
        indexes = [models.Index(fields=["job", "search_text"], name="tag_search")]

    def __str__(self) -> str:
        return self.tag
