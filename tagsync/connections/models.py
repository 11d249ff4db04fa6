"""A connection: where calls go, with which credentials, how fast, and whether it may be used now."""

from __future__ import annotations

import logging
import math

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tagsync.accounts.models import Person
from tagsync.connections.addresses import check_base_url, check_path, normalised
from tagsync.connections.credentials import check_credential
from tagsync.connections.crypto import decrypt, encrypt
from tagsync.connections.signals import state_changed
from tagsync.database import database_now, shown_now
from tagsync.tuzhan.outcomes import BlockReason

DEFAULT_PATH = "/api/integrate/audience/tag/batchAdd"
DEFAULT_TOKEN_PATH = "/api/open/app/getOrgAccessToken"
STATE_FIELDS = ["state", "blocked_reason", "blocked_detail", "blocked_at", "repaired_at"]
MAX_ROWS_PER_CALL = 500  # Source: pages 986538 and 986700
MAX_PARALLEL_CALLS = 16

log = logging.getLogger(__name__)


class ConnectionState(models.TextChoices):
    READY = "ready", _("Ready")
    BLOCKED = "blocked", _("Blocked")


class CustomerIdKey(models.TextChoices):
    AUDIENCE_USER_ID = "audienceUserId", "audienceUserId"
    THIRD_ID = "thirdId", "thirdId"


class WayTwoOrder(models.TextChoices):
    """What identify way 2 means on this tenant. Source: the user's document; pages 985990 and 986538 reverse it."""

    PHONE_FIRST = "phone_first", _("phone > unionid > openid > customer ID")
    CUSTOMER_ID_FIRST = "customer_id_first", _("customer ID > phone > openid > unionid")


# With the colon before its port: a host's name may begin like a number.
SANDBOX_ADDRESS = "http://127.0.0.1:"


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def usable(self) -> ConnectionQuerySet:
        return self.filter(archived_at=None).order_by("is_sandbox", "name")


class Connection(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    base_url = models.CharField(_("address"), max_length=300, validators=[check_base_url])
    path = models.CharField(_("path of the tag call"), max_length=300, default=DEFAULT_PATH, validators=[check_path])
    token_path = models.CharField(
        _("path of the token call"), max_length=300, default=DEFAULT_TOKEN_PATH, validators=[check_path]
    )
    customer_id_key = models.CharField(
        _("key of the customer ID"),
        max_length=20,
        choices=CustomerIdKey.choices,
        default=CustomerIdKey.AUDIENCE_USER_ID,
    )
    way_two_order = models.CharField(
        _("what identify way 2 means"),
        max_length=20,
        choices=WayTwoOrder.choices,
        default=WayTwoOrder.PHONE_FIRST,
    )

    app_id = models.CharField(_("app id"), max_length=200, blank=True, default="")
    app_secret_encrypted = models.TextField(blank=True, default="")
    fixed_token_encrypted = models.TextField(blank=True, default="")
    token_encrypted = models.TextField(blank=True, default="")
    token_expires_at = models.DateTimeField(null=True, blank=True)
    # From here on one worker fetches the next token, while the others go on with this one.
    token_renew_at = models.DateTimeField(null=True, blank=True)
    token_lease_until = models.DateTimeField(null=True, blank=True)
    # Tokens in a row that were refused before any call with them was answered otherwise.
    token_refusals = models.PositiveSmallIntegerField(default=0)

    rows_per_call = models.PositiveSmallIntegerField(
        _("rows per call"),
        default=MAX_ROWS_PER_CALL,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_ROWS_PER_CALL)],
    )
    # Longer bodies were refused (413) a short while ago. Apart from rows_per_call, so that what a person chose is never
    # overwritten; doubled by each call that needed all of it, until it is none any more.
    max_body_bytes = models.PositiveIntegerField(null=True, blank=True)
    # Source: reads are limited to 10 calls per 5 s (page 985010); the limit of writes is not documented.
    calls_per_period = models.PositiveIntegerField(_("calls per period"), default=10, validators=[MinValueValidator(1)])
    period_seconds = models.FloatField(_("period in seconds"), default=5, validators=[MinValueValidator(0.1)])
    parallel_calls = models.PositiveSmallIntegerField(
        _("parallel calls per import"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PARALLEL_CALLS)],
    )
    next_slot_at = models.DateTimeField(null=True, blank=True)
    # The platform asked to slow down: the pace is divided by this until it has been quiet for a while.
    slow_factor = models.FloatField(default=1)
    slowed_at = models.DateTimeField(null=True, blank=True)
    # When the wait that it asked for is over; no change of the pace shortens that one.
    asked_to_wait_until = models.DateTimeField(null=True, blank=True)
    # Since then no call got a readable answer: nothing new is begun before one does.
    silent_since = models.DateTimeField(null=True, blank=True)
    # While it is silent: when the next call may look whether it answers again. Whoever moves it on makes that call.
    next_probe_at = models.DateTimeField(null=True, blank=True)
    # Since then these calls, which carry no rows, got no answer that says anything.
    probes_unclear_since = models.DateTimeField(null=True, blank=True)
    resend_unanswered = models.BooleanField(_("send again when no readable answer comes"), default=True)

    state = models.CharField(_("state"), max_length=10, choices=ConnectionState.choices, default=ConnectionState.READY)
    blocked_reason = models.CharField(max_length=40, blank=True, default="")
    blocked_detail = models.CharField(max_length=500, blank=True, default="")
    blocked_at = models.DateTimeField(null=True, blank=True)
    # When it was repaired last: nobody waited for the platform before.
    repaired_at = models.DateTimeField(null=True, blank=True)

    is_sandbox = models.BooleanField(_("test platform"), default=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    queue_number = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        permissions = [("manage_connections", "Can add, change and archive connections")]
        constraints = [
            # One tenant's app is one connection, or the order between imports could not be kept.
            models.UniqueConstraint(
                fields=["base_url", "app_id"], condition=~Q(app_id=""), name="one_connection_per_app"
            ),
            # What is called a test platform reaches nobody's customers.
            models.CheckConstraint(
                condition=Q(is_sandbox=False) | Q(base_url__startswith=SANDBOX_ADDRESS), name="sandbox_is_here"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.base_url = normalised(self.base_url)
        if self.is_sandbox and not self.base_url.startswith(SANDBOX_ADDRESS):
            raise ValidationError({"base_url": _("The test platform runs on this machine, and only here.")})
        if isinstance(self.period_seconds, float) and not math.isfinite(self.period_seconds):
            raise ValidationError({"period_seconds": _("Give a number of seconds.")})
        try:
            check_credential(self.app_id)
        except ValidationError as error:
            raise ValidationError({"app_id": error}) from None
        self._check_twin()

    def _check_twin(self) -> None:
        twin = Connection.objects.filter(base_url=self.base_url, app_id=self.app_id).exclude(pk=self.pk)
        if self.app_id and (other := twin.first()):
            raise ValidationError(
                {
                    "app_id": ValidationError(
                        _("“%(name)s” has this address and app id already."), params={"name": other}
                    )
                }
            )

    # -- credentials: write-only for pages

    @property
    def uses_fixed_token(self) -> bool:
        return not self.app_id

    @property
    def has_credentials(self) -> bool:
        return bool(self.fixed_token_encrypted or (self.app_id and self.app_secret_encrypted))

    def set_fixed_token(self, token: str) -> None:
        self.fixed_token_encrypted = encrypt(token)
        self.app_id = self.app_secret_encrypted = ""
        self._forget_token()

    def set_app(self, app_id: str, secret: str) -> None:
        self.app_id, self.app_secret_encrypted = app_id, encrypt(secret)
        self.fixed_token_encrypted = ""
        self._forget_token()

    def _forget_token(self) -> None:
        """Whoever fetches one with the old credentials at this moment has lost the lease, and keeps nothing."""
        self.token_encrypted, self.token_expires_at, self.token_renew_at = "", None, None
        self.token_lease_until, self.token_refusals = None, 0

    def fixed_token(self) -> str:
        return decrypt(self.fixed_token_encrypted)

    def app_secret(self) -> str:
        return decrypt(self.app_secret_encrypted)

    @property
    def has_live_token(self) -> bool:
        return self.token_expires_at is not None and self.token_expires_at > shown_now()

    def current_token(self) -> str:
        """The fetched token, or "" when there is none that lives."""
        return decrypt(self.token_encrypted) if self.has_live_token else ""

    # -- size and state

    def body_was_refused(self, refused_bytes: int) -> None:
        """After a 413 of several rows: calls of this connection have at most half of what was refused."""
        half = max(1, refused_bytes // 2)
        longer = Q(max_body_bytes=None) | Q(max_body_bytes__gt=half)
        Connection.objects.filter(longer, pk=self.pk).update(max_body_bytes=half)
        self.refresh_from_db(fields=["max_body_bytes"])

    def body_was_taken(self, limit: int, taken_bytes: int, taken_rows: int) -> None:
        """A call that was cut at `limit`, or a full one below it, succeeded: twice as long may be tried.

        What holds a full call of rows as long as these is no limit any more. Rows may be longer elsewhere: then one
        refused call sets it again. Of several calls at one limit the first to succeed doubles it.
        """
        holds_a_full_call = 2 * limit * taken_rows >= self.rows_per_call * taken_bytes
        doubled = None if holds_a_full_call else 2 * limit
        Connection.objects.filter(pk=self.pk, max_body_bytes=limit).update(max_body_bytes=doubled)
        self.refresh_from_db(fields=["max_body_bytes"])

    def forget_body_limit(self) -> None:
        Connection.objects.filter(pk=self.pk).update(max_body_bytes=None)
        self.max_body_bytes = None

    def block(self, reason: BlockReason, detail: str = "", where: Q | None = None) -> bool:
        """True when this call blocked it, False when it was blocked already.

        `where`: what the platform refused, as `tokens.sent_with` tells it. What is no longer stored so, because a
        person has replaced it meanwhile, was refused to nobody: nothing is changed then.
        """
        with transaction.atomic():
            ready = Connection.objects.filter(where or Q(), pk=self.pk, state=ConnectionState.READY)
            changed = ready.update(
                state=ConnectionState.BLOCKED,
                blocked_reason=reason,
                blocked_detail=detail[:500],
                blocked_at=Now(),
            )
            self.refresh_from_db(fields=STATE_FIELDS)
            if changed:
                self.changes.create(state=self.state, reason=reason)
                state_changed.send(sender=Connection, connection=self, by=None)
        if changed:
            log.warning("connection %s is blocked: %s", self.pk, reason)
        return bool(changed)

    def unblock(self, by: Person | None = None) -> None:
        """A person says it is repaired: what was refused before says nothing any more, also when it is told later."""
        with transaction.atomic():
            changed = Connection.objects.filter(pk=self.pk, state=ConnectionState.BLOCKED).update(
                state=ConnectionState.READY,
                blocked_reason="",
                blocked_detail="",
                blocked_at=None,
                # No Now(): `tokens.sent_with` compares it for equality, and SQLite writes the two differently.
                repaired_at=database_now(),
            )
            Connection.objects.filter(pk=self.pk).update(token_refusals=0)
            self.refresh_from_db(fields=STATE_FIELDS)
            if changed:
                self.changes.create(state=self.state, by=by)
                state_changed.send(sender=Connection, connection=self, by=by)

    def archive(self) -> None:
        """Take it out of use; what was sent through it stays readable. Imports under way are the caller's to stop."""
        Connection.objects.filter(pk=self.pk, archived_at=None).update(archived_at=Now())
        self.refresh_from_db(fields=["archived_at"])

    def restore(self) -> None:
        self.archived_at = None
        self.save(update_fields=["archived_at"])

    def take_queue_number(self) -> int:
        """The next place in this connection's line. Call it inside the transaction that uses it."""
        Connection.objects.filter(pk=self.pk).update(queue_number=F("queue_number") + 1)
        self.refresh_from_db(fields=["queue_number"])
        return self.queue_number


class ConnectionChange(models.Model):
    """One change of state, written with it: blocked, with the reason, or repaired, with the person who said so."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField(db_default=Now(), editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=ConnectionState.choices)
    reason = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["connection", "at"], name="connection_change")]

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.state}"
