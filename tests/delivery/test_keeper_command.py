"""The loop of the keeper: what hangs or fails beside it delays no ring."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tagsync.delivery import keeper
from tagsync.delivery.management.commands import keeper as command

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def signals(settings: Any) -> Iterator[None]:
    settings.TAGSYNC_KEEPER_SECONDS = 0.01
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """It is asked to leave in the fifth."""
    made: list[str] = []

    def keep() -> None:
        made.append(threading.current_thread().name)
        if len(made) == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(keeper, "keep", keep)
    return made


def test_a_mail_server_that_hangs_delays_no_ring(
    rounds: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TAGSYNC_EMAIL = True
    hangs, asked = threading.Event(), threading.Event()

    def hang(sender: type) -> None:
        asked.set()
        hangs.wait(30)

    monkeypatch.setattr(command.letters_due, "send", hang)
    command.Command()._loop()
    assert len(rounds) == 5 and set(rounds) == {"MainThread"}
    assert asked.wait(10)
    hangs.set()


def test_it_starts_no_post_without_a_mail_server(rounds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[type] = []
    monkeypatch.setattr(command.letters_due, "send", sent.append)
    command.Command()._loop()
    assert len(rounds) == 5 and not sent


def test_what_nobody_foresaw_ends_no_post(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fails(sender: type) -> None:
        raise RuntimeError("lin@example.com")

    monkeypatch.setattr(command.letters_due, "send", fails)
    command._post()
    assert "RuntimeError" in caplog.text and "lin@" not in caplog.text
