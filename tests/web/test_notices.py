from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus, RowStatus
from tagsync.notifications.models import Notice, NoticeKind
from tagsync.web.notices.page import PER_PAGE
from tagsync.web.ui.statuses import NOTICE_LOOKS
from tests.making import make_import
from tests.web.layout import text_of

URL, BADGE, READ = "/notices/", "/notices/new/", "/notices/read/"
S = RowStatus


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.ACCEPTED, S.ACCEPTED, S.REJECTED])


@pytest.fixture
def notice(job: ImportJob) -> Notice:
    job.move(Act.FINISH)
    return Notice.objects.get()


def unseen() -> int:
    return Notice.objects.filter(seen_at=None).count()


def page_of(notice: Notice) -> str:
    return reverse("notice_open", args=[notice.pk])


# -- the list


def test_it_lists_what_happened(signed: Client, notice: Notice) -> None:
    page = text_of(signed.get(URL))
    assert "“双11会员.xlsx” is finished: 2 of 3 rows were accepted" in page
    assert "1 row was rejected by the platform." in page and "Today" in page and page_of(notice) in page
    assert page.count("(1 new)") == 3, "in the sidebar, in the menu and on the bell"
    assert unseen() == 1, "the list alone marks nothing"


def test_it_speaks_chinese(signed: Client, notice: Notice) -> None:
    Person.objects.update(language="zh-hans")
    page = text_of(signed.get(URL))
    assert "“双11会员.xlsx”已完成：应发送 3 行，平台已接收 2 行" in page and "（1 条未读）" in page and "今天" in page


def test_it_is_calm_when_nothing_happened(signed: Client) -> None:
    page = text_of(signed.get(URL))
    assert "Nothing new" in page and "Mark all as read" not in page and "(0 new)" not in page


def test_it_shows_her_own_only(signed_other: Client, signed_admin: Client, notice: Notice) -> None:
    for client in (signed_other, signed_admin):
        assert "双11会员" not in text_of(client.get(URL))
        assert client.get(page_of(notice)).status_code == 404
        client.post(READ, {"upto": notice.pk})
    assert unseen() == 1


@pytest.mark.parametrize("url", [URL, "/notices/1/"])
def test_it_sends_strangers_to_sign_in(client: Client, db: None, url: str) -> None:
    assert client.get(url)["Location"].startswith("/login/")


@pytest.mark.parametrize(("url", "method"), [(URL, "post"), (BADGE, "post"), ("/notices/1/", "post"), (READ, "get")])
def test_it_takes_no_other_method(signed: Client, url: str, method: str) -> None:
    assert getattr(signed, method)(url).status_code == 405


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=99999999999999999999", "before="])
def test_a_mistyped_address_is_the_first_page(signed: Client, notice: Notice, query: str) -> None:
    assert "双11会员" in text_of(signed.get(f"{URL}?{query}"))


def test_it_goes_on_with_older_ones(signed: Client, marketer: Person, job: ImportJob) -> None:
    made = [Notice.objects.create(person=marketer, kind="resumed", job=job) for _ in range(PER_PAGE + 3)]
    first = signed.get(URL).context["inbox"]
    assert [line.notice.pk for day in first.days for line in day.lines] == [one.pk for one in reversed(made)][:PER_PAGE]
    response = signed.get(URL, {"before": first.before})
    second = response.context["inbox"]
    assert [line.notice.pk for day in second.days for line in day.lines] == [made[2].pk, made[1].pk, made[0].pk]
    assert second.before == 0 and "Newest" in text_of(response) and "Mark all as read" not in text_of(response)
    assert "There are no older notices." in text_of(signed.get(URL, {"before": made[0].pk}))


def test_it_groups_by_day(signed: Client, marketer: Person, job: ImportJob) -> None:
    for days in (3, 1, 0):
        one = Notice.objects.create(person=marketer, kind="resumed", job=job)
        Notice.objects.filter(pk=one.pk).update(at=timezone.now() - timedelta(days=days))
    days = [day.word for day in signed.get(URL).context["inbox"].days]
    assert days[:2] == ["Today", "Yesterday"] and days[2][:2] == "20"


def test_it_asks_the_database_the_same_for_one_or_thirty(
    signed: Client,
    marketer: Person,
    admin_person: Person,
    sandbox_connection: Connection,
    django_assert_num_queries: Any,
) -> None:
    def tell() -> None:
        job = make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.ACCEPTED])
        Notice.objects.create(person=marketer, kind="resumed", job=job, by=admin_person, connection=sandbox_connection)

    tell()
    signed.get(URL)
    with django_assert_num_queries(7):
        signed.get(URL)
    for _ in range(PER_PAGE):
        tell()
    with django_assert_num_queries(7):
        signed.get(URL)


def test_every_kind_has_a_look() -> None:
    assert set(NOTICE_LOOKS) == set(NoticeKind.values)


def test_what_is_over_alarms_nobody(
    signed: Client, marketer: Person, sandbox_connection: Connection, job: ImportJob
) -> None:
    sandbox_connection.block("forbidden")
    assert "timeline__dot--danger" in text_of(signed.get(URL))
    sandbox_connection.unblock()
    page = text_of(signed.get(URL))
    assert "timeline__dot--danger" not in page and ">Over<" in page


# -- seen


def test_opening_one_leads_to_its_import(signed: Client, notice: Notice, job: ImportJob) -> None:
    for _ in range(2):
        response = signed.get(page_of(notice))
        assert response["Location"] == reverse("import_detail", args=[job.pk])
        assert unseen() == 0


@pytest.mark.parametrize("name", ["import_detail", "import_live"])
def test_opening_the_import_marks_them(signed: Client, notice: Notice, job: ImportJob, name: str) -> None:
    page = text_of(signed.get(reverse(name, args=[job.pk])))
    assert unseen() == 0 and "new)" not in page


def test_an_admin_who_looks_marks_nothing(signed_admin: Client, notice: Notice, job: ImportJob) -> None:
    signed_admin.get(reverse("import_detail", args=[job.pk]))
    assert unseen() == 1


def test_opening_the_connection_marks_them(
    signed_admin: Client, admin_person: Person, sandbox_connection: Connection
) -> None:
    sandbox_connection.block("forbidden")
    signed_admin.get(page_of(Notice.objects.get()))
    assert unseen() == 0
    Notice.objects.update(seen_at=None)
    signed_admin.get(reverse("connection_edit", args=[sandbox_connection.pk]))
    assert unseen() == 0


def test_it_leads_nobody_to_a_page_she_may_not_see(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    """She was an admin when it was told."""
    notice = Notice.objects.create(person=marketer, kind="connection_blocked", connection=sandbox_connection)
    assert signed.get(page_of(notice))["Location"] == "/imports/"


def test_several_imports_lead_to_the_list(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    for _ in range(2):
        make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING])
    sandbox_connection.block("forbidden")
    assert signed.get(page_of(Notice.objects.get()))["Location"] == "/imports/?status=blocked"


def test_it_marks_all_that_was_shown(signed: Client, notice: Notice, marketer: Person, job: ImportJob) -> None:
    later = Notice.objects.create(person=marketer, kind="resumed", job=job)
    for _ in range(2):
        assert signed.post(READ, {"upto": notice.pk})["Location"] == URL
        assert Notice.objects.get(seen_at=None) == later


@pytest.mark.parametrize("data", [{}, {"upto": "x"}, {"upto": ""}])
def test_it_marks_nothing_when_it_is_not_said_what(signed: Client, notice: Notice, data: dict[str, str]) -> None:
    assert signed.post(READ, data)["Location"] == URL
    assert unseen() == 1


# -- the badge


def test_it_answers_only_what_changed(signed: Client, notice: Notice) -> None:
    assert signed.get(BADGE, {"shown": 1}).status_code == 204
    page = text_of(signed.get(BADGE, {"shown": 0}))
    assert 'hx-swap-oob="innerHTML:[data-new-notices]"' in page and "?shown=1" in page and "1 new notice" in page
    Notice.objects.update(seen_at=timezone.now())
    page = text_of(signed.get(BADGE, {"shown": 1}))
    assert "?shown=0" in page and "data-announce" not in page


@pytest.mark.parametrize("shown", ["", "x", "-1", "9" * 30])
def test_it_answers_whatever_is_asked(signed: Client, notice: Notice, shown: str) -> None:
    assert signed.get(BADGE, {"shown": shown}).status_code == 200


def test_it_leads_away_from_no_page_when_the_session_ended(client: Client, db: None) -> None:
    response = client.get(BADGE, {"shown": 1}, headers={"hx-request": "true"})
    assert response.status_code == 286 and "HX-Redirect" not in response and not response.content


def test_it_counts_no_further_than_needed(signed: Client, marketer: Person, job: ImportJob) -> None:
    Notice.objects.bulk_create(Notice(person=marketer, kind="resumed", job=job) for _ in range(120))
    assert ">99+<" in text_of(signed.get("/imports/"))


def test_it_asks_the_database_twice(signed: Client, notice: Notice, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(3):
        signed.get(BADGE, {"shown": 1})


def test_it_leads_to_where_they_go_by_email(signed: Client, marketer: Person, settings: Any) -> None:
    assert "mail" not in text_of(signed.get(URL)).lower()
    settings.TAGSYNC_EMAIL = True
    assert "Get notices by e-mail too" in text_of(signed.get(URL)) and "/account/#mail" in text_of(signed.get(URL))
    Person.objects.filter(pk=marketer.pk).update(email="lin@example.com")
    assert "Also by e-mail to lin@example.com" in text_of(signed.get(URL))
