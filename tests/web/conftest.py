"""What the tests of pages use: signed-in browsers, drafts and checked imports, pages without their layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob
from tagsync.queueing.health import QueueHealth
from tests.making import finish_check, small_workbook, upload_of
from tests.read_once import read_once
from tests.web.layout import without_layout


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_once(monkeypatch)


@pytest.fixture(autouse=True)
def _uploads(tmp_path: Path) -> Iterator[None]:
    with override_settings(MEDIA_ROOT=tmp_path / "uploads"):
        yield


@pytest.fixture(autouse=True)
def _pages_without_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests look for in a page does not depend on how its template is laid out."""
    ask = Client.request

    def request(client: Client, **environ: Any) -> Any:
        response = ask(client, **environ)
        if response.get("Content-Type", "").startswith("text/html") and not response.streaming:
            response.content = without_layout(response.content.decode()).encode()
        return response

    monkeypatch.setattr(Client, "request", request)


@pytest.fixture(autouse=True)
def quiet_queue(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """No Redis: rings are written down, and everybody is at work."""
    rings: list[tuple[str, int]] = []
    monkeypatch.setattr("tagsync.queueing.doorbell.ring", lambda queue, job: rings.append((queue, job)) or True)
    monkeypatch.setattr("tagsync.queueing.health._seen", None)
    monkeypatch.setattr("tagsync.queueing.health._look", lambda: QueueHealth(True, 1, 1, 1))
    return rings


@pytest.fixture
def signed_other(other_marketer: Person) -> Client:
    client = Client()
    client.force_login(other_marketer)
    return client


@pytest.fixture
def signed_admin(admin_person: Person) -> Client:
    client = Client()
    client.force_login(admin_person)
    return client


MakeDraft = Callable[..., ImportJob]


@pytest.fixture
def make_draft(marketer: Person, sandbox_connection: Connection) -> MakeDraft:
    def make(content: bytes | None = None, owner: Person = marketer) -> ImportJob:
        job = drafts.create(owner, upload_of(content or small_workbook()))
        assert isinstance(job, ImportJob)
        return job

    return make


@pytest.fixture
def draft(make_draft: MakeDraft) -> ImportJob:
    return make_draft()


@pytest.fixture
def ready(draft: ImportJob) -> ImportJob:
    """Checked: two rows can be sent, one is to fix."""
    draft.begin_check(draft.owner)
    return finish_check(draft)
