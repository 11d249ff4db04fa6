"""Who could sign in before an upgrade can sign in after it, with her role and without being asked for anything."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor

from tagsync.accounts.models import Person

pytestmark = pytest.mark.django_db(transaction=True)


def test_people_stay_as_they_are() -> None:
    executor = MigrationExecutor(database)
    executor.migrate([("accounts", "0003_first_steps_hidden")])
    old = executor.loader.project_state([("accounts", "0003_first_steps_hidden")]).apps.get_model("accounts", "Person")
    old.objects.create(username="old", password=make_password("correct horse battery"), language="en")
    MigrationExecutor(database).migrate(MigrationExecutor(database).loader.graph.leaf_nodes())
    person = Person.objects.get(username="old")
    assert (person.language, person.must_change_password, person.session_generation) == ("en", False, 0)
    assert authenticate(username="old", password="correct horse battery") == person
