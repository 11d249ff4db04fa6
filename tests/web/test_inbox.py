"""What waits for whom: the tiles above the list, the reason and the next step in each line, the filter behind both."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.models.row import Origin
from tagsync.imports.problems import Mover
from tagsync.imports.states import JobStatus
from tagsync.web.history.finding import FILTERS, NEXT
from tagsync.web.history.inbox import inbox
from tagsync.web.history.page import line
from tagsync.web.history.reasons import causes_of, reasons
from tests.making import S, blame, corrected, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db
URL = "/imports/"
SENT = [S.ACCEPTED] * 3


@pytest.fixture
def blocked(sandbox_connection: Connection) -> Connection:
    connection = Connection(name="华北", base_url="http://127.0.0.1:9")
    connection.set_fixed_token("token")
    connection.save()
    connection.block("forbidden")
    return connection


@pytest.fixture
def failed(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """8 rejected, 3 to fix."""
    Person.objects.filter(pk=marketer.pk).update(first_name="李敏")
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [*SENT, *[S.REJECTED] * 8, *[S.TO_FIX] * 3])
    blame(job, S.REJECTED, "refused", message="标签不存在")
    blame(job, S.TO_FIX, "phone_invalid", Origin.CHECK)
    return job


def said(job: ImportJob, reader: Person) -> list[tuple[str, int, str]]:
    job = ImportJob.objects.select_related("owner", "connection").get(pk=job.pk)
    with translation.override("en"):
        return [(one.text, one.rows, one.step.text) for one in line(job, reader, causes_of([job])).reasons]


def tiles(person: Person) -> dict[str, int]:
    return {tile.key: tile.number for tile in inbox(Person.objects.get(pk=person.pk))}


def listed(client: Client, **query: str) -> list[int]:
    return sorted(line.job.pk for line in client.get(URL, query).context["page"].lines)


# -- reason and next step


def test_a_line_says_why_and_who_acts_biggest_cause_first(
    failed: ImportJob, marketer: Person, admin_person: Person
) -> None:
    assert said(failed, admin_person) == [
        ("Platform rejected: 标签不存在", 8, "You: retry"),
        ("Phone: not a phone number", 3, "李敏: fix the sheet"),
    ]
    assert [step for *_reason, step in said(failed, marketer)] == ["An admin: retry", "You: fix the sheet"]
    corrected(failed, *range(5, 13))
    assert said(failed, marketer) == [("Phone: not a phone number", 3, "You: fix the sheet")]
    corrected(failed, *range(13, 16))
    assert said(failed, marketer) == [("11 rows fixed", 0, "Nothing to do")]


def test_rejected_and_to_fix_look_different(failed: ImportJob, signed_admin: Client) -> None:
    page = text_of(signed_admin.get(URL))
    assert "reason--danger" in page and "reason--warning" in page
    job = ImportJob.objects.select_related("owner", "connection").get(pk=failed.pk)
    looks = [(one.tone, one.icon) for one in reasons(job, job.owner, causes_of([job]))]
    assert looks == [("danger", "circle-x"), ("warning", "pencil")]


def test_a_step_leads_to_its_act(failed: ImportJob, signed_admin: Client, signed: Client) -> None:
    problem = failed.problems.get(code="refused")
    assert f'href="/imports/{failed.pk}/retry/?problem={problem.pk}"' in text_of(signed_admin.get(URL))
    page = text_of(signed.get(URL))
    assert f'href="/imports/{failed.pk}/#job-causes"' in page and "/retry/" not in page


def test_small_causes_are_one(failed: ImportJob, admin_person: Person) -> None:
    failed.rows.filter(row_number__in=(5, 6)).update(problem=None)
    blame(failed, S.REJECTED, "refused", message="客户不存在")
    assert said(failed, admin_person)[2:] == [("Platform rejected: 客户不存在", 2, "You: retry")]
    failed.rows.filter(row_number__in=(7,)).update(problem=None)
    blame(failed, S.REJECTED, "refused", message="标签已停用")
    assert said(failed, admin_person)[2:] == [("Other causes", 3, "You: retry")]


@pytest.mark.parametrize(
    ("status", "changes", "rows", "to_owner", "to_admin"),
    [
        ("draft", {}, [], ("Not checked yet", ""), ("Not checked yet", "")),
        (
            "ready",
            {},
            [S.WAITING],
            ("Ready to send", "You: review and start"),
            ("Ready to send", "lin: review and start"),
        ),
        ("running", {}, [S.WAITING], ("", "Continues automatically"), ("", "Continues automatically")),
        ("stopped", {}, [S.WAITING], ("Not sent", "You can resume it"), ("Not sent", "lin or you can resume it")),
        ("finished", {}, SENT, ("", "Nothing to do"), ("", "Nothing to do")),
        (
            "blocked",
            {"cause": "refuses_everything"},
            [S.WAITING],
            ("The platform rejects every row in the same way", "You: decide whether to go on"),
            ("The platform rejects every row in the same way", "lin: decide whether to go on"),
        ),
    ],
)
def test_each_state_has_its_reason(
    marketer: Person, admin_person: Person, sandbox_connection: Connection,
    status: str, changes: dict[str, str], rows: list[S], to_owner: tuple[str, str], to_admin: tuple[str, str],
) -> None:  # fmt: skip
    job = make_import(marketer, sandbox_connection, JobStatus(status), rows, **changes)
    for reader, expected in ((marketer, to_owner), (admin_person, to_admin)):
        (text, _rows, step), *rest = said(job, reader)
        assert ((text, step), rest) == (expected, [])


def test_while_it_asks_its_owner_nobody_else_is_named(
    marketer: Person, admin_person: Person, sandbox_connection: Connection
) -> None:
    rows = [S.REJECTED, S.WAITING, S.TO_FIX]
    job = make_import(marketer, sandbox_connection, JobStatus.BLOCKED, rows, cause="refuses_everything")
    blame(job, S.REJECTED, "refused", message="标签不存在"), blame(job, S.TO_FIX, "phone_invalid", Origin.CHECK)
    steps = {reader: [step for *_reason, step in said(job, reader)] for reader in (marketer, admin_person)}
    assert steps == {
        marketer: ["You: decide whether to go on", "", ""],
        admin_person: ["lin: decide whether to go on", "", ""],
    }
    assert tiles(marketer) == {"me": 1, "admin": 0, "itself": 0}
    assert tiles(admin_person) == {"me": 0, "owner": 1, "itself": 0}


def test_a_blocked_connection_is_an_admins(marketer: Person, admin_person: Person, blocked: Connection) -> None:
    job = make_import(marketer, blocked, JobStatus.QUEUED, [S.WAITING])
    assert said(job, marketer) == [("The platform forbids the call", 0, "An admin: repair the connection")]
    assert said(job, admin_person)[0][2] == "You: repair the connection"


def test_nothing_is_retried_on_an_archived_connection(failed: ImportJob, admin_person: Person) -> None:
    Connection.objects.update(archived_at=timezone.now())
    assert said(failed, admin_person)[0][2] == "You: unarchive the connection"


# -- tiles


def everything(owner: Person, connection: Connection, blocked: Connection) -> None:
    later = timezone.now() + timedelta(minutes=5)
    for status in JobStatus:
        make_import(owner, connection, status, [S.ACCEPTED], cause="trial_done" if status == "blocked" else "")
        make_import(owner, connection, status, [S.ACCEPTED, S.REJECTED])
        make_import(owner, blocked, status, [S.ACCEPTED, S.TO_FIX])
    make_import(owner, connection, JobStatus.QUEUED, [S.WAITING], wait_until=later, wait_reason="unanswered")
    job = make_import(owner, connection, JobStatus.FINISHED, [S.REJECTED, S.IN_DOUBT, S.TO_FIX, S.TO_FIX])
    blame(job, S.REJECTED, "row_too_large"), blame(job, S.IN_DOUBT, "no_answer", Origin.US)
    corrected(job, 4)


@pytest.mark.parametrize("who", ["marketer", "other_marketer", "admin_person"])
def test_a_tile_counts_what_its_list_shows_and_what_the_lines_say(
    request: pytest.FixtureRequest, marketer: Person, other_marketer: Person, admin_person: Person,
    sandbox_connection: Connection, blocked: Connection, who: str,
) -> None:  # fmt: skip
    for owner in (marketer, other_marketer, admin_person):
        everything(owner, sandbox_connection, blocked)
    person = Person.objects.get(pk=request.getfixturevalue(who).pk)
    client = Client()
    client.force_login(person)
    seen = list(ImportJob.objects.visible_to(person).select_related("owner", "connection"))
    causes, retries = causes_of(seen), who == "admin_person"
    movers = {job.pk: {one.step.mover for one in reasons(job, person, causes)} for job in seen}
    mine = {job.pk for job in seen if job.owner_id == person.pk}
    owners = {pk for pk, found in movers.items() if Mover.OWNER in found}
    admins = {pk for pk, found in movers.items() if Mover.ADMIN in found}
    expected = {
        "me": owners & mine | (admins if retries else set()),
        "owner": owners - mine,
        "admin": admins,
        "itself": {pk for pk, found in movers.items() if Mover.NOBODY in found},
    }
    for key, numbers in expected.items():
        found = ImportJob.objects.visible_to(person).filter(NEXT[key](person))
        assert set(found.values_list("pk", flat=True)) == numbers, key
    somebodys = ImportJob.objects.visible_to(person).filter(FILTERS["needs_action"]())
    assert set(somebodys.values_list("pk", flat=True)) == owners | admins
    for tile in inbox(person):
        assert tile.number == len(expected[tile.key]) == client.get(tile.url).context["page"].number
        assert tile.oldest is not None and tile.oldest.pk == min(expected[tile.key])


def test_each_role_has_its_tiles(failed: ImportJob, marketer: Person, admin_person: Person) -> None:
    assert tiles(marketer) == {"me": 1, "admin": 1, "itself": 0}
    assert tiles(admin_person) == {"me": 1, "owner": 1, "itself": 0}


def test_a_tile_has_the_oldest_and_the_one_act(
    failed: ImportJob, signed_admin: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.REJECTED])
    tile = signed_admin.get(URL).context["inbox"][0]
    assert tile.number == 2 and tile.oldest == failed and tile.act.verb == "Retry…"
    page = text_of(signed_admin.get(URL))
    assert "Waiting for you: 2 imports" in page and "Waiting for the uploader: 1 import" in page


def test_empty_tiles_say_so_positively(
    signed: Client, signed_admin: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    assert "Who acts next" not in text_of(signed.get(URL)), "there is no import at all"
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, SENT)
    hers, admins = text_of(signed.get(URL)), text_of(signed_admin.get(URL))
    assert all(
        text in hers for text in ("Nothing is waiting for you", "No admin has to do anything", "Nothing is under way")
    )
    assert "No colleague has to do anything" in admins


def test_it_says_how_many_the_platform_keeps_waiting(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    later = timezone.now() + timedelta(hours=1)
    make_import(marketer, sandbox_connection, JobStatus.QUEUED, wait_until=later, wait_reason="unanswered")
    make_import(marketer, sandbox_connection, JobStatus.RUNNING)
    page = text_of(signed.get(URL))
    assert "Continues automatically: 2 imports" in page and "1 is waiting for the platform" in page
    assert "Waiting for the platform: it does not answer" in page


# -- blocked connections


def test_a_blocked_connection_marks_navigation_and_list(
    signed: Client, signed_other: Client, signed_admin: Client, marketer: Person, blocked: Connection
) -> None:
    make_import(marketer, blocked, JobStatus.QUEUED, [S.WAITING])
    hers, admins, others = (text_of(client.get(URL)) for client in (signed, signed_admin, signed_other))
    notice = "Connection “华北” is blocked: The platform forbids the call"
    assert notice in hers and notice in admins and notice not in others and "华北" not in others
    assert "1 import waits for it." in hers and "Open the connection" not in hers
    assert f'href="{reverse("connection_edit", args=[blocked.pk])}"' in admins
    assert "(1 blocked)" in admins and "blocked)" not in hers
    assert "(1 blocked)" in text_of(signed_admin.get(reverse("person_list")))
    blocked.unblock()
    assert "blocked)" not in text_of(signed_admin.get(URL)) and notice not in text_of(signed_admin.get(URL))


# -- tabs, days, addresses


def test_every_tab_counts_within_the_other_filters(
    signed: Client, marketer: Person, sandbox_connection: Connection, failed: ImportJob
) -> None:
    old = timezone.now() - timedelta(days=3)
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, SENT, first_confirmed_at=old)
    make_import(marketer, sandbox_connection, JobStatus.DRAFT)

    def counted(**query: str) -> dict[str, int]:
        return {tab.status: tab.number for tab in signed.get(URL, query).context["tabs"]}

    every = {"": 3, "needs_action": 1, "not_started": 1, "under_way": 0, "nothing_left": 1, "stopped": 0}
    assert counted() == every | {"finished_with_failures": 1}
    assert counted(status="stopped") == counted(), "a tab says what is behind it, not what is shown"
    today = {"": 2, "not_started": 1, "finished_with_failures": 1, "nothing_left": 0}
    assert counted(when="today").items() >= today.items()
    for tab in signed.get(URL, {"when": "week"}).context["tabs"]:
        assert signed.get(tab.url).context["page"].number == tab.number and "when=week" in tab.url


def test_presets_are_the_days_of_the_company(
    signed: Client, marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    now = datetime(2026, 11, 28, 0, 30, tzinfo=shanghai)  # still the 27th in Greenwich
    monkeypatch.setattr("tagsync.web.history.finding.shown_now", lambda: now)
    days = [now.replace(minute=1), now - timedelta(minutes=31), now - timedelta(days=6), now - timedelta(days=7)]
    today, yesterday, week, _older = (
        make_import(marketer, sandbox_connection, JobStatus.FINISHED, SENT, first_confirmed_at=day).pk for day in days
    )
    assert listed(signed, when="today") == [today]
    assert listed(signed, when="yesterday") == [yesterday]
    assert listed(signed, when="week") == [today, yesterday, week]
    response = signed.get(URL, {"when": "yesterday", "operation": "add"})
    assert [(chip.label, chip.value) for chip in response.context["chips"]][1:] == [("Days", "Yesterday: 2026-11-27")]
    urls = {preset.label: (preset.url, preset.current) for preset in response.context["presets"]}
    assert urls["Yesterday"] == ("/imports/?operation=add", True)
    assert urls["Today"] == ("/imports/?operation=add&when=today", False)


def test_what_a_link_chose_stays_when_something_is_searched(signed: Client) -> None:
    answer = signed.post("/imports/find/", {"q": "VIP", "when": "yesterday", "next": "me"})
    assert answer["Location"] == "/imports/?q=VIP&when=yesterday&next=me"
    page = text_of(signed.get(answer["Location"]))
    assert '<input type="hidden" name="when" value="yesterday">' in page and "No imports match" in page


@pytest.mark.parametrize("query", [{"when": "tomorrow"}, {"next": "x"}, {"next": "me", "status": "nothing_left"}])
def test_it_reads_any_address(signed: Client, query: dict[str, Any]) -> None:
    assert signed.get(URL, query).status_code == 200


def test_the_operation_is_a_word(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, SENT, operation="delete")
    assert 'history__operation tone-warn">Remove tags<' in text_of(signed.get(URL))
