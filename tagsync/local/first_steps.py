"""What a new installation needs before anybody can use it: the first admin, and a connection to the sandbox."""

from __future__ import annotations

from itertools import count
from typing import NamedTuple

from django.db.models import Q

from tagsync.accounts.models import Person
from tagsync.accounts.passwords import made_up
from tagsync.accounts.roles import ADMINS, give_role
from tagsync.connections.models import Connection
from tagsync.sandbox import DEFAULT_APP_ID, DEFAULT_APP_SECRET

ADMIN_NAME = "admin"
SANDBOX_NAME = "Sandbox"


class FirstAdmin(NamedTuple):
    """`password` is "" unless it was generated just now: then it is known to nobody and must be shown."""

    name: str
    password: str = ""


def first_admin(chosen_password: str) -> FirstAdmin:
    """Make the first admin, unless there is an admin. A chosen password is set on `admin`, also on later starts."""
    admins = Person.objects.filter(Q(groups__name=ADMINS) | Q(is_superuser=True), is_active=True).distinct()
    admin = admins.filter(username=ADMIN_NAME).first()
    if admin is None and (other := admins.order_by("pk").first()):
        return FirstAdmin(other.username)
    if admin is None:
        return _make_admin(chosen_password)
    if chosen_password and not admin.check_password(chosen_password):
        # Only when it differs: setting it anew signs out whoever is signed in as this person.
        admin.set_password(chosen_password)
        admin.must_change_password = False
        admin.save(update_fields=["password", "must_change_password"])
    return FirstAdmin(admin.username)


def _make_admin(chosen_password: str) -> FirstAdmin:
    generated = "" if chosen_password else made_up()
    admin = Person.objects.filter(username=ADMIN_NAME).first() or Person(username=ADMIN_NAME)
    admin.set_password(chosen_password or generated)
    admin.is_active = True
    # Whoever runs `up` reads this password on her own screen, and keeps it if she likes.
    admin.must_change_password = False
    admin.save()
    give_role(admin, ADMINS)
    return FirstAdmin(admin.username, generated)


def connect_sandbox(port: int) -> Connection:
    """Point the sandbox's connection to where the sandbox listens now. What a person changed on it stays."""
    base_url = f"http://127.0.0.1:{port}"
    connection = Connection.objects.filter(is_sandbox=True).order_by("pk").first()
    if connection is None:
        connection = Connection(name=_free_name(), is_sandbox=True, calls_per_period=100, period_seconds=1)
        connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    if connection.base_url != base_url:
        moved = connection.pk is not None
        connection.base_url = base_url
        connection.save()
        if moved:
            # What was wrong with the old address says nothing about this one.
            connection.unblock()
    return connection


def _free_name() -> str:
    taken = set(Connection.objects.values_list("name", flat=True))
    names = (SANDBOX_NAME if number == 1 else f"{SANDBOX_NAME} {number}" for number in count(1))
    return next(name for name in names if name not in taken)
