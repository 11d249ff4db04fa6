"""What is called a test platform is on this machine, whoever saves it and however."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor

from tagsync.connections.models import Connection

ELSEWHERE = ["https://integrate.example.com", "http://127.0.0.1.evil.com:80", "http://10.0.0.1:80", ""]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_nobody_moves_it_elsewhere(sandbox_connection: Connection, address: str) -> None:
    sandbox_connection.base_url = address
    with pytest.raises(ValidationError, match="base_url"):
        sandbox_connection.clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        sandbox_connection.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        Connection.objects.update(base_url=address)


def test_another_is_no_test_platform_afterwards(sandbox_connection: Connection) -> None:
    other = Connection.objects.create(name="real", base_url="https://integrate.example.com")
    other.is_sandbox = True
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save()


@pytest.fixture
def before() -> Iterator[Any]:
    """The model as it was before the rule."""
    executor = MigrationExecutor(database)
    executor.migrate([("connections", "0006_unclear_probes")])
    yield MigrationExecutor(database).loader.project_state([("connections", "0006_unclear_probes")]).apps
    executor = MigrationExecutor(database)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
def test_those_elsewhere_lose_the_mark(before: Any) -> None:
    old = before.get_model("connections", "Connection")
    for number, address in enumerate([*ELSEWHERE, "http://127.0.0.1:8001"]):
        old.objects.create(name=str(number), base_url=address, is_sandbox=True)
    executor = MigrationExecutor(database)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert list(Connection.objects.filter(is_sandbox=True).values_list("base_url", flat=True)) == [
        "http://127.0.0.1:8001"
    ]
    assert Connection.objects.count() == len(ELSEWHERE) + 1
