"""A connection that was called the test platform and leads elsewhere is none after the upgrade."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor

from tagsync.connections.models import Connection

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("connections", "0006_unclear_probes")]


def test_the_mark_of_the_test_platform_is_taken_from_what_is_not_here() -> None:
    executor = MigrationExecutor(database)
    executor.migrate(BEFORE)
    try:
        model = executor.loader.project_state(BEFORE).apps.get_model("connections", "Connection")
        for name, url in (("here", "http://127.0.0.1:8099"), ("there", "https://api.example.com")):
            model.objects.create(name=name, base_url=url, is_sandbox=True)
    finally:
        MigrationExecutor(database).migrate(MigrationExecutor(database).loader.graph.leaf_nodes())
    assert dict(Connection.objects.values_list("name", "is_sandbox")) == {"here": True, "there": False}
