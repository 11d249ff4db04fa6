"""A machine that sleeps in the middle of a call sends nothing after it, whichever of its clocks counted the sleep."""

import socket
import threading

import pytest

from tagsync.delivery.batches import Load
from tagsync.delivery.calls import call
from tagsync.imports.sending.outcomes import Batch
from tagsync.tuzhan import deadline
from tagsync.tuzhan.client import Client
from tagsync.tuzhan.deadline import Deadline
from tagsync.tuzhan.outcomes import NotSent, Unanswered
from tests.tuzhan.test_client import TOKEN, answering, reply

HOUR = 3600.0


def load(body):
    return Load(Batch([2], ""), body, frozenset())


@pytest.fixture(params=["boot_seconds", "wall_seconds"])
def sleep(request, monkeypatch):
    """sleep() as a suspended machine does: CLOCK_MONOTONIC, and all time-outs of the system, know nothing of it."""
    real, slept = getattr(deadline, request.param), []
    monkeypatch.setattr(deadline, request.param, lambda: real() + sum(slept))
    return lambda seconds=HOUR: slept.append(seconds)


@pytest.fixture
def client():
    started = []

    def start(url, **options):
        started.append(Client(url, "/x", "/t", **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_it_counts_what_either_clock_has_counted(sleep):
    found = Deadline.after(100)
    assert 99 < found.left() <= 100
    sleep(60)
    assert 39 < found.left() <= 40
    assert 49 < found.later(10).left() <= 50
    sleep(60)
    assert found.has_passed()


def test_it_does_not_believe_a_clock_that_is_put_back(sleep):
    found = Deadline.after(100)
    sleep(-HOUR)
    assert found.left() <= 100


def test_it_begins_no_call_after_a_sleep(wire, client, sleep):
    neighbour = wire(answering(reply()))
    start_before = Deadline.after(20)
    sleep()
    found = call(client(neighbour.url), TOKEN, load(b"{}"), start_before)
    assert (type(found), found.reason) == (NotSent, "overslept")
    assert neighbour.requests == []


def test_it_sends_nothing_after_a_sleep_while_connecting(wire, client, sleep, monkeypatch):
    neighbour = wire(answering(reply()))
    real = deadline._Backend._connect_first
    monkeypatch.setattr(deadline._Backend, "_connect_first", lambda *args: (real(*args), sleep())[0])
    found = call(client(neighbour.url), TOKEN, load(b"{}"), Deadline.after(20))
    assert (type(found), found.reason) == (NotSent, "overslept")
    assert neighbour.requests == []


def test_it_does_not_connect_after_a_sleep_while_looking_up_the_name(wire, client, sleep, monkeypatch):
    neighbour = wire(answering(reply()))
    real = deadline._resolve
    monkeypatch.setattr(deadline, "_resolve", lambda *args: (real(*args), sleep())[0])
    found = call(client(neighbour.url), TOKEN, load(b"{}"), Deadline.after(20))
    assert type(found) is NotSent
    assert len(neighbour._threads) == 1, "the one that accepts: nobody came"


def test_it_sends_nothing_after_a_sleep_right_before_the_first_byte(wire, client, sleep, monkeypatch):
    neighbour = wire(answering(reply()))
    real = deadline._too_late_to_write
    monkeypatch.setattr(deadline, "_too_late_to_write", lambda: (sleep(), real())[1])
    found = call(client(neighbour.url), TOKEN, load(b"{}"), Deadline.after(20))
    assert (type(found), found.reason) == (NotSent, "overslept")
    assert neighbour.requests == []


def test_it_sends_no_more_after_a_sleep_between_two_writes(client, sleep, monkeypatch):
    body = b"x" * 300_000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        received = bytearray()
        reader = threading.Thread(target=_read_all, args=(listener, received))
        reader.start()
        real = deadline._has_written
        monkeypatch.setattr(deadline, "_has_written", lambda: (real(), sleep())[0])
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        found = call(client(url), TOKEN, load(body), Deadline.after(20))
        reader.join(10)
    assert (type(found), found.reason) == (Unanswered, "timeout")
    assert received.endswith(b"\r\n\r\n"), "the head went out before the sleep, nothing of the body after it"


def test_it_sends_no_more_after_a_sleep_while_the_other_side_does_not_read(client, sleep, monkeypatch):
    body = b"x" * 20_000_000
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        received = bytearray()
        reader = threading.Thread(target=_read_all, args=(listener, received))
        taken = []

        def wait_for(connection, *_):
            # The machine falls asleep here; when it wakes, there is room again and the deadline has passed.
            taken.append(sent[0])
            sleep()
            reader.start()

        sent = [0]
        real = socket.socket.send
        monkeypatch.setattr(socket.socket, "send", lambda *args: _counted(sent, real(*args)))
        monkeypatch.setattr(deadline, "_wait_for", wait_for)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        found = call(client(url), TOKEN, load(body), Deadline.after(20))
        reader.join(10)
    assert (type(found), found.reason) == (Unanswered, "timeout")
    assert len(received) == taken[0] < len(body)


def _read_all(listener, received):
    connection, _ = listener.accept()
    with connection:
        while more := connection.recv(65536):
            received += more


def _counted(sent, count):
    sent[0] += count
    return count
