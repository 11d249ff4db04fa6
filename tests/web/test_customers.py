"""Find a customer: what is found, what the platform accepted last, who sees whose, and that no address tells."""

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
from tagsync.imports.states import JobStatus, RowStatus
from tests.making import S, add_call, blame, make_import
from tests.web.layout import outside_search, text_of

pytestmark = pytest.mark.django_db
URL = "/customers/"
PHONE = "13800000002"  # of the first row of every import that `make_import` makes


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED, S.REJECTED])


def find(client: Client, typed: str, **query: Any) -> Any:
    answer = client.post(URL, {"typed": typed})
    assert answer.status_code == 302, answer.content.decode()
    return client.get(answer["Location"], query) if query else client.get(answer["Location"])


def places(response: Any) -> list[tuple[int, int]]:
    customer = response.context["customer"]
    return [(one.job.pk, one.line.number) for one in customer.page.lines]


def latest(response: Any) -> dict[str, tuple[str, str]]:
    """Tag → what was accepted last, and the state of what is open."""
    return {
        one.tag: (one.accepted.job.operation if one.accepted else "", one.open.status if one.open else "")
        for one in response.context["customer"].tags
    }


def at(minutes: int) -> dict[str, Any]:
    """Order is that of the places; the times only tell."""
    return {"first_confirmed_at": timezone.now() + timedelta(minutes=minutes), "first_queue_number": minutes}


# -- what is found


@pytest.mark.parametrize(
    "typed",
    [PHONE, f" {PHONE} ", "+86 138 0000 0002", "138-0000-0002", "1３800000002", "8613800000002", "\u200b13800000002"],
)
def test_it_finds_a_phone_as_people_write_it(signed: Client, job: ImportJob, typed: str) -> None:
    assert places(find(signed, typed)) == [(job.pk, 2)]


@pytest.mark.parametrize("column", ["customer_id", "openid", "unionid"])
def test_it_finds_by_every_identifier(signed: Client, job: ImportJob, column: str) -> None:
    job.rows.filter(row_number=3).update(**{column: "oAbC1234567890"})
    assert places(find(signed, "oAbC1234567890")) == [(job.pk, 3)]
    assert places(find(signed, "oabc1234567890")) == []


def test_it_finds_what_has_to_be_fixed_as_it_was_typed(signed: Client, job: ImportJob) -> None:
    job.rows.filter(row_number=3).update(phone="138 00", status=S.TO_FIX)
    assert places(find(signed, "138 00")) == [(job.pk, 3)]


def test_it_finds_whole_identifiers_only(signed: Client, job: ImportJob) -> None:
    for typed in ("1380000000", "3800000002", "%", "13800000002%"):
        assert places(find(signed, typed)) == []


def test_it_shows_rows_of_every_import_newest_first(
    signed: Client, job: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    blame(job, S.REJECTED, "not_isolated", message="客户不存在")
    job.rows.filter(row_number=3).update(phone=PHONE)
    add_call(job, [2, 3], state="broken_off", outcome="unanswered")
    add_call(job, [2, 3], attempt=2)
    ready = make_import(marketer, sandbox_connection, JobStatus.READY, [S.WAITING], title="Spring")
    response = find(signed, PHONE)
    assert places(response) == [(ready.pk, 2), (job.pk, 3), (job.pk, 2)]
    page = text_of(response)
    assert "Ready to send" in page and "客户不存在" in page and "Spring" in page and "双11会员.xlsx" in page
    assert f"/imports/{job.pk}/rows/?row=3#row" in page and "Test platform" in page
    assert [one.line.tries for one in response.context["customer"].page.lines] == [0, 2, 2]


def test_it_pages_both_ways_without_losing_a_row(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    jobs = [make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 60) for _ in range(2)]
    for job in jobs:
        job.rows.update(openid="oAbC1234567890")
    first = find(signed, "oAbC1234567890")
    pages, address = [first], first.request["PATH_INFO"] + "?" + first.request["QUERY_STRING"]
    while older := pages[-1].context["customer"].page.older:
        pages.append(signed.get(f"{address}&older={older}"))
    shown = [place for page in pages for place in places(page)]
    assert [len(places(page)) for page in pages] == [50, 50, 20]
    assert shown == sorted(((job.pk, row) for job in jobs for row in range(2, 62)), reverse=True)
    assert pages[0].context["customer"].page.newer == ""
    back = signed.get(f"{address}&newer={pages[2].context['customer'].page.newer}")
    assert places(back) == places(pages[1])
    assert places(signed.get(f"{address}&newer={back.context['customer'].page.newer}")) == places(first)


def test_it_says_where_it_looked_when_there_is_nobody(signed: Client, signed_admin: Client, job: ImportJob) -> None:
    hers, all_of_them = (outside_search(find(client, "13912345678")) for client in (signed, signed_admin))
    assert "No row with 139****5678" in hers and "Only your own imports were searched" in hers
    assert "All imports were searched" in all_of_them and "13912345678" not in hers + all_of_them


# -- the latest per tag


def test_it_tells_the_newest_accepted_row_of_each_tag(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    def made(minutes: int, operation: str, tags: str, state: RowStatus = S.ACCEPTED) -> ImportJob:
        job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [state], operation=operation, **at(minutes))
        job.rows.update(tags=tags)
        return job

    made(5, "delete", "VIP")  # uploaded first, confirmed last
    made(1, "add", "VIP,新客")
    made(2, "delete", "新客,vip")
    made(3, "add", "新客", S.REJECTED)
    response = find(signed, PHONE)
    assert latest(response) == {"VIP": ("delete", ""), "新客": ("delete", ""), "vip": ("delete", "")}
    page = text_of(response)
    assert "What the platform accepted last" in page and "Imports of colleagues are not counted here" in page


@pytest.mark.parametrize(
    ("state", "status", "told"),
    [
        (S.IN_DOUBT, JobStatus.FINISHED, "in_doubt"),
        (S.WAITING, JobStatus.QUEUED, "waiting"),
        (S.WAITING, JobStatus.STOPPED, ""),
        (S.WAITING, JobStatus.READY, ""),
        (S.SUPERSEDED, JobStatus.FINISHED, ""),
    ],
)
def test_it_tells_a_newer_row_whose_outcome_is_open(
    signed: Client, marketer: Person, sandbox_connection: Connection, state: RowStatus, status: JobStatus, told: str
) -> None:
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], **at(1))
    newer = at(2) if status != JobStatus.READY else {}
    make_import(marketer, sandbox_connection, status, [state], operation="delete", **newer)
    assert latest(find(signed, PHONE)) == {"华东": ("add", told), "VIP": ("add", told)}


@pytest.mark.parametrize(
    ("operation", "en", "zh"),
    [
        ("add", "may have been added by", "可能已由"),
        ("delete", "may have been removed by", "可能已由"),
    ],
)
@pytest.mark.parametrize(
    ("state", "status", "shown"),
    [
        (S.REJECTED, JobStatus.FINISHED, "rejected"),
        (S.SUPERSEDED, JobStatus.FINISHED, "superseded"),
        (S.IN_DOUBT, JobStatus.FINISHED, "in_doubt"),
        (S.WAITING, JobStatus.RUNNING, "waiting"),
        (S.WAITING, JobStatus.STOPPED, "in_doubt"),
    ],
)
def test_it_tells_that_a_newer_row_may_have_been_applied(
    signed: Client,
    marketer: Person,
    sandbox_connection: Connection,
    state: RowStatus,
    status: JobStatus,
    shown: str,
    operation: str,
    en: str,
    zh: str,
) -> None:
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], **at(1))
    newer = make_import(marketer, sandbox_connection, status, [state], operation=operation, **at(2))
    newer.rows.update(unanswered_at=timezone.now())
    response = find(signed, PHONE)
    [tag, *_others] = response.context["customer"].tags
    assert (tag.accepted.job.operation, tag.open.job, tag.open_status) == ("add", newer, shown)
    assert en in text_of(response)
    Person.objects.filter(pk=marketer.pk).update(language="zh-hans")
    page = text_of(find(signed, PHONE))
    assert zh in page and "未发送" not in page


def test_it_goes_by_the_place_and_not_by_the_clock(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    early = at(1) | {"first_queue_number": 8}  # a host whose clock is behind
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], **at(7))
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], operation="delete", **early)
    assert latest(find(signed, PHONE))["VIP"] == ("delete", "")


def test_it_knows_rows_that_were_sent_over_newer_ones(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    old = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], **at(1))
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], operation="delete", **at(2))
    assert latest(find(signed, PHONE))["VIP"] == ("delete", "")
    old.rows.update(confirmed_number=3)
    assert latest(find(signed, PHONE))["VIP"] == ("add", "")


def test_it_leaves_out_what_was_open_before(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.IN_DOUBT], operation="delete", **at(1))
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], **at(2))
    assert latest(find(signed, PHONE))["VIP"] == ("add", "")


def test_it_tells_what_is_open_when_nothing_was_accepted(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.IN_DOUBT])
    response = find(signed, PHONE)
    assert latest(response)["VIP"] == ("", "in_doubt") and "Nothing yet" in text_of(response)


def test_it_keeps_platforms_apart(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    other = Connection(name="Shop", base_url="http://127.0.0.1:8")
    other.set_fixed_token("token")
    other.save()
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], **at(1))
    make_import(marketer, other, JobStatus.FINISHED, [S.ACCEPTED], operation="delete", **at(2))
    response = find(signed, PHONE)
    tags = [(one.tag, one.connection.name, one.accepted.job.operation) for one in response.context["customer"].tags]
    assert sorted(tags) == [
        ("VIP", "Sandbox", "add"),
        ("VIP", "Shop", "delete"),
        ("华东", "Sandbox", "add"),
        ("华东", "Shop", "delete"),
    ]


# -- the same customer under another identifier


def test_it_hints_at_rows_that_share_another_identifier(
    signed: Client, job: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    openid = "oAbCdEfGhIjKlMn"
    job.rows.filter(row_number=2).update(openid=openid)
    other = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 3)
    other.rows.update(openid=openid, phone="")
    page = find(signed, PHONE)
    assert "in 3 other rows" in text_of(page) and openid not in text_of(page)
    found = signed.post(f"/imports/{job.pk}/rows/customer/", {"row": 2, "field": "openid"}, follow=True)
    assert places(found) == [(other.pk, 4), (other.pk, 3), (other.pk, 2), (job.pk, 2)]


def test_it_hints_at_nothing_for_an_identifier_of_many_people(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 20)
    job.rows.update(customer_id="88001")
    assert find(signed, "88001").context["customer"].elsewhere == []


def test_it_leads_from_a_row_to_its_customer(signed: Client, signed_other: Client, job: ImportJob) -> None:
    address = f"/imports/{job.pk}/rows/customer/"
    assert address in text_of(signed.get(f"/imports/{job.pk}/rows/?row=2"))
    assert places(signed.post(address, {"row": 2, "field": "phone"}, follow=True)) == [(job.pk, 2)]
    for wrong in ({"row": 99, "field": "phone"}, {"row": 2, "field": "openid"}, {"row": 2, "field": "tags"}, {}):
        assert signed.post(address, wrong).status_code == 404
    assert signed.get(address).status_code == 405
    assert signed_other.post(address, {"row": 2, "field": "phone"}).status_code == 404


# -- who sees what


def test_it_shows_marketers_their_own_and_admins_all(
    signed: Client, signed_other: Client, signed_admin: Client, job: ImportJob
) -> None:
    assert places(find(signed, PHONE)) == places(find(signed_admin, PHONE)) == [(job.pk, 2)]
    assert places(find(signed_other, PHONE)) == []


def test_it_masks_unless_somebody_may_see_and_asks(signed: Client, signed_admin: Client, job: ImportJob) -> None:
    job.rows.filter(row_number=2).update(openid="oAbCdEfGhIjKlMn")
    hers = outside_search(find(signed, PHONE))
    assert "138****0002" in hers and "oAbC…Mn" in hers and PHONE not in hers and "Show identifiers" not in hers
    shown = find(signed_admin, PHONE)
    address = shown.request["PATH_INFO"] + "?" + shown.request["QUERY_STRING"] + "&unmasked=1"
    assert PHONE not in outside_search(shown) and PHONE in text_of(signed_admin.get(address))
    assert PHONE not in text_of(signed.get(address.replace("search=", "search=x"), follow=True))


def test_it_masks_in_her_own_drafts_as_well(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    make_import(marketer, sandbox_connection, JobStatus.READY, [S.WAITING])
    assert PHONE not in outside_search(find(signed, PHONE))


def test_the_box_keeps_what_was_typed_and_nothing_that_was_not(signed: Client, job: ImportJob) -> None:
    assert f'value="{PHONE}"' in text_of(find(signed, PHONE))
    of_row = signed.post(f"/imports/{job.pk}/rows/customer/", {"row": 3, "field": "phone"})["Location"]
    assert "13800000003" not in text_of(signed.get(of_row))
    # nor on the other page that knows such keys
    key = of_row.partition("?")[2]
    assert "13800000003" not in text_of(signed.get(f"/imports/{job.pk}/rows/?{key}"))
    assert 'value="none"' not in text_of(signed.get(URL, {"search": "none"}, follow=True))


def test_it_refuses_a_masked_identifier(signed: Client, job: ImportJob) -> None:
    for typed in ("138****0002", "oAbC…Mn"):
        answer = signed.post(URL, {"typed": typed})
        assert answer.status_code == 422 and "Pages hide the middle" in text_of(answer)


def test_it_wants_something_typed(signed: Client) -> None:
    for typed in ("", "   ", "\u200b", "'", "x" * 201, "\0"):
        assert signed.post(URL, {"typed": typed}).status_code == 422


# -- nothing in the address


def test_it_puts_no_identifier_into_an_address(signed: Client, job: ImportJob) -> None:
    answer = signed.post(URL, {"typed": PHONE})
    assert "138" not in answer["Location"]
    again = signed.post(URL, {"typed": PHONE})
    assert again["Location"] == answer["Location"]  # reload and Back: the same search has the same address
    assert places(signed.get(answer["Location"])) == places(signed.get(answer["Location"])) == [(job.pk, 2)]


def test_it_gives_a_search_to_nobody_else(signed: Client, signed_admin: Client, job: ImportJob) -> None:
    address = signed.post(URL, {"typed": PHONE})["Location"]
    response = signed_admin.get(address, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert "This search has expired" in text_of(response)


def test_it_remembers_the_newest_searches(signed: Client) -> None:
    first = signed.post(URL, {"typed": PHONE})["Location"]
    for number in range(20):
        signed.post(URL, {"typed": f"1390000{number:04d}"})
    assert signed.get(first).status_code == 302
    assert len(signed.session["searches"]) == 20


def test_it_reads_any_address_without_failing(signed: Client, job: ImportJob) -> None:
    address = signed.post(URL, {"typed": PHONE})["Location"]
    for more in ("older=x", "older=1-2-3", "newer=999999999-999999999", "older=\0", f"older={'9' * 40}-1", "newer=0-0"):
        assert signed.get(f"{address}&{more}").status_code == 200
    assert signed.get(URL, {"search": "\0"}, follow=True).status_code == 200


def test_it_protects_the_search_from_other_sites(marketer: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(marketer)
    assert client.post(URL, {"typed": PHONE}).status_code == 403


def test_it_sends_strangers_to_the_sign_in(client: Client, job: ImportJob) -> None:
    for answer in (client.get(URL), client.post(URL, {"typed": PHONE})):
        assert answer.status_code == 302 and answer["Location"].startswith(reverse("login"))


def test_it_stands_in_the_menu(signed: Client) -> None:
    assert f'href="{URL}" aria-current="true"' in text_of(signed.get(URL))
    assert f'href="{URL}"' in text_of(signed.get("/imports/"))
