"""The job page, its live part, and the two levers."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob, JobEvent
from tagsync.imports.models.row import Origin
from tagsync.imports.states import JobStatus
from tagsync.queueing.health import QueueHealth
from tests.making import S, add_call, add_rows, blame, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db
PAGES = ("import_detail", "import_live")


@pytest.fixture
def signed_in(client: Client, marketer: Person) -> Client:
    client.force_login(marketer)
    return client


@pytest.fixture
def running(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    rows = [S.ACCEPTED] * 5 + [S.REJECTED] + [S.WAITING] * 4 + [S.DUPLICATE] * 2
    return make_import(marketer, sandbox_connection, JobStatus.RUNNING, rows)


@pytest.fixture
def ended(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    rows = [S.ACCEPTED] * 5 + [S.REJECTED] * 2 + [S.TO_FIX, S.DUPLICATE, S.IN_DOUBT]
    return make_import(marketer, sandbox_connection, JobStatus.FINISHED, rows, blank_rows=3)


def get(client: Client, name: str, job: ImportJob, **headers: str) -> str:
    response = client.get(reverse(name, args=[job.pk]), headers=headers)
    assert response.status_code == 200
    return text_of(response)


# -- the page


def test_it_shows_progress_and_polls_while_running(signed_in: Client, running: ImportJob) -> None:
    page = get(signed_in, "import_detail", running)
    assert "60%" in page and "6 of 10 rows settled" in page
    assert 'hx-trigger="every 0.3s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "At least 50% of the rows are settled, some with a failure." in page


def test_it_stops_polling_when_the_import_has_ended(signed_in: Client, ended: ImportJob) -> None:
    page = get(signed_in, "import_detail", ended)
    assert reverse("import_live", args=[ended.pk]) not in page
    assert "http-equiv" not in page


def test_it_balances_the_rows_of_the_file(signed_in: Client, ended: ImportJob) -> None:
    response = signed_in.get(reverse("import_detail", args=[ended.pk]))
    parts = response.context["balance"]
    assert sum(part.rows for part in parts) == response.context["rows_in_file"] == 13
    assert "13 rows in the file" in text_of(response)
    assert {part.status for part in parts} == {"accepted", "duplicate", "to_fix", "rejected", "in_doubt", "blank"}


def test_it_tells_the_rows_that_are_no_customers(signed_in: Client, ended: ImportJob) -> None:
    ImportJob.objects.filter(pk=ended.pk).update(summary={"heading": [1, 2, 4, 5]}, header_row=5)
    response = signed_in.get(reverse("import_detail", args=[ended.pk]))
    assert sum(part.rows for part in response.context["balance"]) == response.context["rows_in_file"] == 17
    assert "3 above the header row (rows 1–2, 4)" in text_of(response)
    assert "1 header row (row 5)" in text_of(response)


def test_it_says_in_one_sentence_how_it_ended(signed_in: Client, ended: ImportJob) -> None:
    page = get(signed_in, "import_detail", ended)
    assert "5 of 8 rows were accepted by the platform." in page
    assert "2 rows were rejected by the platform." in page
    assert "notice--success" not in page


@pytest.mark.parametrize(
    ("status", "cause", "shown"),
    [
        (JobStatus.FINISHED, "", "Ended"),
        (JobStatus.STOPPED, "", "Stopped"),
        (JobStatus.STOPPING, "", ""),
        (JobStatus.BLOCKED, "refuses_everything", ""),
        (JobStatus.BLOCKED, "trial_done", ""),
    ],
)
def test_only_what_has_ended_has_an_end(
    signed_in: Client, ended: ImportJob, status: JobStatus, cause: str, shown: str
) -> None:
    ImportJob.objects.filter(pk=ended.pk).update(status=status, cause=cause, ended_at=timezone.now())
    page = get(signed_in, "import_detail", ended)
    labels = [label for label in ("Ended", "Stopped") if f"<dt>{label}</dt>" in page]
    assert labels == ([shown] if shown else [])


def test_it_is_green_only_when_all_went_well(
    signed_in: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 3)
    page = get(signed_in, "import_detail", job)
    assert "notice--success" in page
    assert "All 3 rows that were sent were accepted by the platform." in page


def test_it_groups_causes_with_the_platforms_own_words(
    signed_in: Client, ended: ImportJob, admin_person: Person
) -> None:
    problem = blame(ended, S.REJECTED, "batch_refused", code="100404", message="<b>客户不存在</b>")
    blame(ended, S.IN_DOUBT, "no_answer", Origin.US)
    blame(ended, S.TO_FIX, "phone_invalid", Origin.CHECK, field="phone")
    page = get(signed_in, "import_detail", ended)
    assert "&lt;b&gt;客户不存在" in page and "<b>客户" not in page
    assert "100404" in page and "Phone: not a phone number" in page
    assert f"problem={problem.pk}" in page
    assert "Retry these" not in page
    signed_in.force_login(admin_person)
    page = get(signed_in, "import_detail", ended)
    assert "Retry these 2" in page
    assert "Retry these 1" in page and "in_doubt=1" in page


def test_it_survives_unknown_codes(signed_in: Client, ended: ImportJob) -> None:
    blame(ended, S.REJECTED, "never_heard_of")
    assert "never_heard_of" in get(signed_in, "import_detail", ended)


def test_it_tells_what_a_blocked_connection_needs(signed_in: Client, running: ImportJob, admin_person: Person) -> None:
    assert running.connection
    running.connection.block("token_rejected", "100200 token已失效")
    page = get(signed_in, "import_detail", running)
    assert "The platform does not accept the access token" in page and "token已失效" in page
    assert "Open the connection" not in page
    signed_in.force_login(admin_person)
    assert "Open the connection" in get(signed_in, "import_detail", running)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (QueueHealth(False, 0, 0), "Redis, which wakes the workers, does not answer."),
        (QueueHealth(True, 1, 0), "no worker for sending is running"),
    ],
)
def test_it_tells_when_nobody_can_send(
    signed_in: Client, running: ImportJob, monkeypatch: pytest.MonkeyPatch, found: QueueHealth, words: str
) -> None:
    monkeypatch.setattr("tagsync.queueing.health._look", lambda: found)
    assert words in get(signed_in, "import_live", running)


def test_it_tells_until_when_it_waits(signed_in: Client, running: ImportJob) -> None:
    until = timezone.now() + timedelta(seconds=90)
    ImportJob.objects.filter(pk=running.pk).update(status="queued", wait_until=until, wait_reason="throttled")
    page = get(signed_in, "import_live", running)
    assert "Waiting: the platform asked tagsync to slow down" in page
    assert f"Next try at {timezone.localtime(until):%H:%M:%S}." in page or "Next try at" in page


def test_it_tells_its_place_in_line(
    signed_in: Client, marketer: Person, running: ImportJob, sandbox_connection: Connection
) -> None:
    queued = make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING], operation="delete")
    words = "1 import on connection “Sandbox” goes first."
    assert words in get(signed_in, "import_live", queued)
    add_call(queued, [2])
    assert words not in get(signed_in, "import_live", queued)


def test_it_says_that_the_test_platform_is_one(
    signed_in: Client, running: ImportJob, sandbox_connection: Connection
) -> None:
    assert "Test platform: nothing reaches 兔展." in get(signed_in, "import_detail", running)
    Connection.objects.update(is_sandbox=False)
    assert "Test platform" not in get(signed_in, "import_detail", running)


def test_it_leaves_the_workers_comings_and_goings_out(signed_in: Client, ended: ImportJob, marketer: Person) -> None:
    for act, after in [("start", "queued"), ("claim", "running"), ("pause", "queued"), ("finish", "finished")]:
        JobEvent.objects.create(job=ended, act=act, before="ready", after=after, by=marketer)
    response = signed_in.get(reverse("import_detail", args=[ended.pk]))
    assert [line.text for line in response.context["timeline"]] == ["Finished", "Started"]


def test_it_names_what_an_ended_import_did_not_send(
    signed_in: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.ACCEPTED] * 2 + [S.WAITING] * 3)
    page = get(signed_in, "import_detail", job)
    assert "Stopped: 2 of 5 rows were accepted, 3 were not sent." in page
    assert "Resume: send 3 rows" in page
    assert "status=not_sent" in page and "status=waiting" not in page


def test_it_offers_to_resume_only_what_is_unsent(
    signed_in: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.ACCEPTED, S.REJECTED])
    assert "Resume" not in get(signed_in, "import_detail", job)


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (JobStatus.DRAFT, "import_columns"),
        (JobStatus.CHECKING, "import_check"),
        (JobStatus.READY, "import_check"),
        (JobStatus.UNREADABLE, "import_check"),
    ],
)
def test_it_sends_an_unstarted_import_to_its_step(
    signed_in: Client, marketer: Person, sandbox_connection: Connection, status: JobStatus, step: str
) -> None:
    job = make_import(marketer, sandbox_connection, status)
    for name in ("import_detail", "import_calls"):
        assert signed_in.get(reverse(name, args=[job.pk])).headers["Location"] == reverse(step, args=[job.pk])
    live = signed_in.get(reverse("import_live", args=[job.pk]))
    assert live.headers["HX-Redirect"] == reverse(step, args=[job.pk])


# -- the live part


def test_it_returns_the_fragment_that_the_page_includes(signed_in: Client, running: ImportJob) -> None:
    fragment = get(signed_in, "import_live", running).strip()
    card = fragment[: fragment.index("<title>")].strip()
    assert card.startswith('<div class="stack" id="job-progress"')
    assert card in get(signed_in, "import_detail", running)


def test_it_brings_the_causes_along_when_there_are_new_ones(signed_in: Client, running: ImportJob) -> None:
    blame(running, S.REJECTED, "batch_refused", message="客户不存在")
    url = reverse("import_live", args=[running.pk])
    assert "客户不存在" in text_of(signed_in.get(url, {"failed": 0}))
    assert "客户不存在" not in text_of(signed_in.get(url, {"failed": 1}))


def test_it_brings_the_whole_page_at_the_end(signed_in: Client, running: ImportJob, ended: ImportJob) -> None:
    assert "HX-Location" not in signed_in.get(reverse("import_live", args=[running.pk])).headers
    response = signed_in.get(reverse("import_live", args=[ended.pk]))
    assert json.loads(response.headers["HX-Location"])["path"] == reverse("import_detail", args=[ended.pk])
    assert "hx-trigger" not in text_of(response)


def test_it_brings_the_status_only_when_it_is_another(signed_in: Client, running: ImportJob) -> None:
    url = reverse("import_live", args=[running.pk])
    assert 'id="job-status"' in text_of(signed_in.get(url, {"status": "queued"}))
    assert 'id="job-status"' not in text_of(signed_in.get(url, {"status": "running"}))


def test_it_goes_on_as_running_between_two_slices(signed_in: Client, running: ImportJob) -> None:
    ImportJob.objects.filter(pk=running.pk).update(status="queued")
    url = reverse("import_live", args=[running.pk])
    assert signed_in.get(url).context["status"] == "queued"
    add_call(running, [2])
    assert signed_in.get(url).context["status"] == "running"


@pytest.mark.parametrize(("calls_per_period", "status"), [(1, "running"), (0.1, "waiting_for_platform")])
def test_it_calls_a_slow_pace_no_wait(
    signed_in: Client, running: ImportJob, calls_per_period: float, status: str
) -> None:
    add_call(running, [2])
    Connection.objects.update(period_seconds=5 / calls_per_period, calls_per_period=1)
    until = timezone.now() + timedelta(seconds=4)
    ImportJob.objects.filter(pk=running.pk).update(status="queued", wait_until=until, wait_reason="pace")
    response = signed_in.get(reverse("import_live", args=[running.pk]))
    assert response.context["status"] == status
    assert ("Next try at" in text_of(response)) is (status != "running")
    assert bool(response.context["speed"]) is (status == "running")


@pytest.mark.parametrize(
    ("status", "rows", "title"),
    [
        (JobStatus.QUEUED, [S.WAITING] * 3, "0% · 双11会员.xlsx"),
        (JobStatus.RUNNING, [S.ACCEPTED] * 2 + [S.WAITING], "66% · 双11会员.xlsx"),
        (JobStatus.STOPPED, [S.ACCEPTED, S.WAITING], "■ 双11会员.xlsx"),
        (JobStatus.BLOCKED, [S.REJECTED, S.WAITING], "⚠ 双11会员.xlsx"),
        (JobStatus.FINISHED, [S.ACCEPTED] * 3, "✓ 双11会员.xlsx"),
        (JobStatus.FINISHED, [S.ACCEPTED, S.REJECTED], "⚠ 双11会员.xlsx"),
    ],
)
def test_it_tells_the_tab_how_far_it_is(
    signed_in: Client, marketer: Person, sandbox_connection: Connection, status: JobStatus, rows: list[S], title: str
) -> None:
    job = make_import(marketer, sandbox_connection, status, rows)
    for name in PAGES:
        assert f"<title>{title} · tagsync</title>" in get(signed_in, name, job)


def test_it_loads_the_page_again_when_it_is_out_of_sight(
    client: Client, other_marketer: Person, running: ImportJob
) -> None:
    client.force_login(other_marketer)
    response = client.get(reverse("import_live", args=[running.pk]), headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Refresh"], response.content) == (204, "true", b"")


def test_it_asks_the_database_the_same_however_much_there_is(signed_in: Client, running: ImportJob) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            signed_in.get(reverse("import_live", args=[running.pk]), {"failed": 0})
        return len(found)

    blame(running, S.REJECTED, "batch_refused", message="0")
    add_call(running, [2])
    few = asked()
    add_rows(running, [S.REJECTED] * 30 + [S.WAITING] * 30, first=20)
    for number in range(1, 30):
        problem = blame(running, S.REJECTED, "batch_refused", message=str(number))
        running.rows.filter(row_number=20 + number).update(problem=problem)
        add_call(running, [20 + number], batch=number)
        make_import(running.owner, running.connection, JobStatus.RUNNING, [S.WAITING])
    assert asked() == few <= 15


def test_it_speaks_seldom(signed_in: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.ACCEPTED] * 30 + [S.WAITING] * 70)
    before = signed_in.get(reverse("import_live", args=[job.pk])).context["announce"]
    ImportJob.objects.filter(pk=job.pk).update(counts={"accepted": 49, "waiting": 51})
    assert signed_in.get(reverse("import_live", args=[job.pk])).context["announce"] == before
    ImportJob.objects.filter(pk=job.pk).update(counts={"accepted": 50, "waiting": 50}, status="queued")
    add_call(job, [2])
    assert "50%" in signed_in.get(reverse("import_live", args=[job.pk])).context["announce"]
