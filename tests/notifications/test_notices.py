"""Each change of state is told once, to whom it concerns, and not to whoever made it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob, JobEvent
from tagsync.imports.problems import TEXTS
from tagsync.imports.states import Act, JobStatus, MoveRefused, RowStatus
from tagsync.notifications import of_connections
from tagsync.notifications.models import RECOVERIES, Notice, NoticeKind
from tagsync.notifications.seen import mark_seen, unseen
from tagsync.notifications.texts import said
from tests.conftest import make_person
from tests.making import make_import

pytestmark = pytest.mark.django_db
S = RowStatus


def kinds(person: Person) -> list[str]:
    return list(Notice.objects.filter(person=person).order_by("pk").values_list("kind", flat=True))


def titles(person: Person, language: str = "en") -> list[str]:
    with translation.override(language):
        return [said(notice).title for notice in Notice.objects.filter(person=person).order_by("pk")]


@pytest.fixture
def running(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.ACCEPTED, S.ACCEPTED, S.WAITING])


# -- moves


@pytest.mark.parametrize(
    ("rows", "kind", "title"),
    [
        ([S.ACCEPTED] * 3, "finished", "“双11会员.xlsx” is finished: all 3 rows were accepted"),
        ([S.ACCEPTED], "finished", "“双11会员.xlsx” is finished: the one row was accepted"),
        ([S.ACCEPTED, S.DUPLICATE, S.LEFT_OUT], "finished", "“双11会员.xlsx” is finished: the one row was accepted"),
        (
            [S.ACCEPTED, S.REJECTED, S.IN_DOUBT],
            "finished_with_failures",
            "“双11会员.xlsx” is finished: 1 of 3 rows were accepted",
        ),
        (
            [S.ACCEPTED, S.ACCEPTED, S.TO_FIX],
            "finished_with_failures",
            "“双11会员.xlsx” is finished: all 2 rows were accepted",
        ),
    ],
)
def test_it_tells_the_owner_how_it_ended(
    marketer: Person, sandbox_connection: Connection, rows: list[RowStatus], kind: str, title: str
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.RUNNING, rows)
    job.move(Act.FINISH)
    assert kinds(marketer) == [kind]
    assert titles(marketer) == [title]


def test_it_keeps_the_numbers_of_that_moment(running: ImportJob, marketer: Person) -> None:
    ImportJob.objects.update(counts={"accepted": 2, "rejected": 1})
    running.move(Act.FINISH)
    ImportJob.objects.update(counts={"accepted": 3})
    assert titles(marketer) == ["“双11会员.xlsx” is finished: 2 of 3 rows were accepted"]


@pytest.mark.parametrize(
    ("cause", "kind"), [("refuses_everything", "blocked"), ("no_answer_for_a_day", "blocked"), ("trial_done",) * 2]
)
def test_it_tells_the_owner_what_it_asks(running: ImportJob, marketer: Person, cause: str, kind: str) -> None:
    running.move(Act.BLOCK, cause=cause, cause_params={"message": "13800138000 bad"})
    assert kinds(marketer) == [kind]
    notice = Notice.objects.get()
    assert "138" not in str(notice.params) and "138" not in str(said(notice))
    assert notice.over_at is None


def test_it_does_not_tell_her_what_she_did(running: ImportJob, marketer: Person) -> None:
    running.stop(marketer)
    running.move(Act.STOPPED)
    running.resume(marketer)
    running.stop(marketer)
    assert kinds(marketer) == []


def test_it_tells_her_what_an_admin_did(running: ImportJob, marketer: Person, admin_person: Person) -> None:
    running.stop(admin_person)
    running.move(Act.STOPPED)
    running.resume(admin_person)
    running.move(Act.CLAIM)
    running.move(Act.FINISH)
    running.move(Act.RETRY, by=admin_person, params={"rows": 1200})
    assert kinds(marketer) == ["stopped", "resumed", "finished", "retried"] and kinds(admin_person) == []
    assert titles(marketer)[:2] == ["ada stopped “双11会员.xlsx”", "ada resumed “双11会员.xlsx”"]
    with translation.override("en"):
        assert said(Notice.objects.get(kind="retried")).lines == ("1,200 rows are queued.",)


def test_it_tells_nothing_of_coming_and_going(running: ImportJob, marketer: Person) -> None:
    for _ in range(5):
        running.move(Act.PAUSE)
        running.move(Act.CLAIM)
    assert kinds(marketer) == []


def test_it_tells_nothing_of_a_move_that_was_refused_or_undone(running: ImportJob, marketer: Person) -> None:
    with pytest.raises(MoveRefused):
        running.move(Act.START)
    with pytest.raises(RuntimeError), transaction.atomic():
        running.move(Act.FINISH)
        raise RuntimeError("the worker dies")
    assert kinds(marketer) == []
    running.refresh_from_db()
    running.move(Act.FINISH)
    with pytest.raises(MoveRefused):
        running.move(Act.FINISH)
    assert kinds(marketer) == ["finished"]


def test_it_tells_an_event_once_whatever_happens(running: ImportJob, marketer: Person) -> None:
    running.move(Act.FINISH)
    event = JobEvent.objects.latest("pk")
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.create(person=marketer, kind="finished", job=running, event=event)


def test_a_question_is_over_when_somebody_answers_it(running: ImportJob, admin_person: Person) -> None:
    running.move(Act.BLOCK, cause="refuses_everything")
    running.resume(admin_person)
    assert [(one.kind, bool(one.over_at)) for one in Notice.objects.exclude(person=admin_person).order_by("pk")] == [
        ("blocked", True),
        ("resumed", False),
    ]


# -- connections


def test_it_tells_of_a_blocked_connection_and_of_its_repair(
    running: ImportJob, marketer: Person, other_marketer: Person, admin_person: Person, sandbox_connection: Connection
) -> None:
    eve = make_person("eve", "Admins")
    sandbox_connection.block("forbidden", "HTTP 403")
    sandbox_connection.block("forbidden")
    assert kinds(marketer) == ["held"] and kinds(other_marketer) == []
    assert kinds(admin_person) == kinds(eve) == ["connection_blocked"]
    assert titles(marketer) == ["“双11会员.xlsx” waits: its connection is blocked"]
    assert titles(eve) == ["The connection “Sandbox” is blocked: The platform forbids the call"]
    sandbox_connection.unblock(admin_person)
    sandbox_connection.unblock(eve)
    assert kinds(marketer) == ["held", "released"]
    assert kinds(admin_person) == ["connection_blocked"], "she repaired it herself"
    assert titles(eve)[1] == "ada repaired the connection “Sandbox”"
    sandbox_connection.block("certificate")
    assert kinds(marketer) == ["held", "released", "held"]


def test_it_tells_one_notice_for_many_imports(
    running: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    for _ in range(11):
        make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING])
    make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.WAITING])
    sandbox_connection.block("forbidden")
    assert titles(marketer) == ["12 imports wait: their connection is blocked"]
    assert Notice.objects.get().job is None
    sandbox_connection.unblock()
    assert titles(marketer)[1] == "12 imports continue"


def test_an_admin_hears_of_her_own_imports_once(admin_person: Person, sandbox_connection: Connection) -> None:
    make_import(admin_person, sandbox_connection, JobStatus.QUEUED, [S.WAITING])
    sandbox_connection.block("forbidden")
    assert kinds(admin_person) == ["connection_blocked"]
    with translation.override("en"):
        assert said(Notice.objects.get()).lines[0] == "1 import waits for it."


def test_what_was_stopped_meanwhile_does_not_go_on(
    running: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    sandbox_connection.block("forbidden")
    running.stop(marketer)
    sandbox_connection.unblock()
    assert kinds(marketer) == ["held"]
    assert not Notice.objects.filter(over_at=None).exists()


def test_it_tells_nobody_when_the_block_is_rolled_back(
    running: ImportJob, admin_person: Person, sandbox_connection: Connection
) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        sandbox_connection.block("forbidden")
        raise RuntimeError("the worker dies")
    assert not Notice.objects.exists()


def test_it_asks_no_disabled_admin(admin_person: Person, sandbox_connection: Connection) -> None:
    Person.objects.update(is_active=False)
    sandbox_connection.block("forbidden")
    assert not Notice.objects.exists()


def test_it_is_over_once(running: ImportJob, marketer: Person, sandbox_connection: Connection) -> None:
    """Two keepers see the same end; one of them with an older view."""
    waits = of_connections.begin(marketer.pk, NoticeKind.WAITS, sandbox_connection, [running.pk], minutes=10)
    of_connections.write([waits])
    of_connections.write(
        [of_connections.begin(marketer.pk, NoticeKind.WAITS, sandbox_connection, [running.pk], minutes=10)]
    )
    first, second = Notice.objects.get(), Notice.objects.get()
    of_connections.end(first)
    of_connections.end(second)
    assert kinds(marketer) == ["waits", "goes_on"]
    assert Notice.objects.get(kind="goes_on").recovers == first


# -- sentences


def every_kind(person: Person, connection: Connection, job: ImportJob | None) -> list[Notice]:
    params: dict[str, Any] = {"counts": {"accepted": 1200, "rejected": 3}, "rows": 3, "imports": 4, "minutes": 12}
    params |= {"cause": "refuses_everything", "reason": "unanswered"}
    made = []
    for kind in NoticeKind:
        reason = "forbidden" if kind in ("held", "connection_blocked") else "wait_unanswered"
        made.append(
            Notice(person=person, kind=kind, connection=connection, job=job, params={**params, "reason": reason})
        )
    return made


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_has_a_sentence_for_every_kind(
    marketer: Person, sandbox_connection: Connection, running: ImportJob, language: str
) -> None:
    with translation.override(language):
        for notice in every_kind(marketer, sandbox_connection, running):
            told = said(notice)
            assert told.title and "%(" not in str(told) and "…" not in str(told) and "unforeseen" not in str(told)
            notice.job = notice.connection = None
            notice.params = {}
            assert said(notice).title, "a gap is better than a page that fails"


def test_every_wait_has_a_sentence() -> None:
    assert {"wait_nobody", "wait_line", "wait_turn"} <= TEXTS.keys()


def test_every_recovery_has_its_beginning() -> None:
    assert not set(RECOVERIES) & set(RECOVERIES.values())


# -- seen


def test_it_marks_what_was_opened(
    running: ImportJob, marketer: Person, admin_person: Person, sandbox_connection: Connection
) -> None:
    running.move(Act.FINISH)
    other = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.ACCEPTED])
    other.move(Act.FINISH)
    mark_seen(admin_person, job=running)
    assert unseen(marketer).count() == 2
    mark_seen(marketer, job=running)
    assert unseen(marketer).get().job == other
    mark_seen(marketer)
    assert not unseen(marketer).exists()


def test_its_advice_on_a_refused_token_knows_how_the_connection_signs_in(
    running: ImportJob, admin_person: Person, sandbox_connection: Connection
) -> None:
    sandbox_connection.block("token_rejected")
    sandbox_connection.unblock()
    sandbox_connection.set_app("app-1", "secret")
    sandbox_connection.save()
    sandbox_connection.block("token_rejected")
    with translation.override("en"):
        told = [said(notice) for notice in Notice.objects.filter(kind="connection_blocked").order_by("pk")]
    # what was told stays as it was, whatever the connection is now
    assert ["Enter a new token" in str(one.lines) for one in told] == [True, False]
    assert "app is authorised for this tenant" in told[1].lines[-1] and told[0].title == told[1].title


# -- admins


@pytest.mark.parametrize("cause", ["refuses_everything", "too_large_alone"])
def test_admins_hear_of_a_colleagues_import_that_the_platform_refuses(
    running: ImportJob, marketer: Person, other_marketer: Person, admin_person: Person, cause: str
) -> None:
    Person.objects.filter(pk=marketer.pk).update(first_name="李敏")
    running.move(Act.BLOCK, cause=cause, cause_params={"message": "13800138000 bad"})
    assert (kinds(marketer), kinds(admin_person), kinds(other_marketer)) == (["blocked"], ["colleague_blocked"], [])
    notice = Notice.objects.get(person=admin_person)
    assert "138" not in str(notice.params)
    assert titles(admin_person)[0].startswith("“双11会员.xlsx” of 李敏 is blocked: The platform ")
    running.resume(marketer)
    notice.refresh_from_db()
    assert notice.over_at is not None and kinds(admin_person) == ["colleague_blocked"]


def test_admins_hear_of_no_trial_and_of_their_own_once(
    running: ImportJob, admin_person: Person, sandbox_connection: Connection
) -> None:
    running.move(Act.BLOCK, cause="trial_done")
    own = make_import(admin_person, sandbox_connection, JobStatus.RUNNING, [S.WAITING])
    own.move(Act.BLOCK, cause="refuses_everything")
    assert kinds(admin_person) == ["blocked"]
