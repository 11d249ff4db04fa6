"""The people who use tagsync."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tagsync.accounts.roles import ADMINS


class Person(AbstractUser):
    """Somebody who signs in. What she may do comes from her role, a group."""

    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    theme = models.CharField(_("theme"), max_length=10, blank=True, default="")
    # whether notices come by e-mail too, when this installation sends any
    mail_notices = models.BooleanField(_("send me notices by e-mail"), default=True)
    # She knows the way by now: the three steps for a first import are not shown again.
    first_steps_hidden = models.BooleanField(default=False)
    # Her password was made up by tagsync, and an admin has read it.
    must_change_password = models.BooleanField(default=False)
    # Each session remembers the one that it began in, and ends when another counts.
    session_generation = models.PositiveIntegerField(default=0)

    class Meta(AbstractUser.Meta):
        permissions = [("manage_people", "Can add, disable and give roles to people")]

    @property
    def label(self) -> str:
        """The name that pages show."""
        return self.get_full_name() or self.username

    @property
    def is_admin(self) -> bool:
        return self.is_superuser or any(group.name == ADMINS for group in self.groups.all())

    def end_sessions(self) -> None:
        """In every browser, and for good: none lives again when the person may sign in again."""
        type(self).objects.filter(pk=self.pk).update(session_generation=F("session_generation") + 1)
        self.refresh_from_db(fields=["session_generation"])

    def get_session_auth_hash(self) -> str:
        return self._of_generation(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return map(self._of_generation, super().get_session_auth_fallback_hash())

    def _of_generation(self, password_hash: str) -> str:
        return f"{password_hash}.{self.session_generation}"


class SignInPlace(models.Model):
    """Where sign-ins are tried, and how many were wrong there; `throttle` says what counts where.

    `known`: somebody has signed in there, with one name.
    """

    # of a name, an address, a browser, or two of them: none of these is stored
    key = models.CharField(max_length=64, unique=True)
    known = models.BooleanField(default=False)
    wrong = models.PositiveIntegerField(default=0)
    held_until = models.DateTimeField(null=True)
    last_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return self.key
