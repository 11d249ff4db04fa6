"""The search of the history takes for alike what the import takes for alike: width, case, composition."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.models.row import JobTag
from tagsync.imports.states import JobStatus
from tagsync.imports.titles import rename
from tagsync.mapping.characters import folded
from tests.making import make_import
from tests.matrix import one_in
from tests.web.test_history import listed

pytestmark = pytest.mark.django_db
E_COMPOSED, E_IN_TWO = "caf\u00e9", "cafe\u0301"
# what stands there → what finds it
ALIKE = [
    ("ＶＩＰ名单.csv", "VIP名单"),
    ("VIP名单.csv", "ｖｉｐ名单"),
    ("Vip.csv", "vIP"),
    (f"{E_COMPOSED}.csv", E_IN_TWO.upper()),
    (f"{E_IN_TWO}.csv", E_COMPOSED),
    ("ÄRGER straße.csv", "ärger STRASSE"),
    ("会\u200b员.csv", "会员"),
    ("Ｘ１　Ｙ２.csv", "x1 y2"),
    ("100%_a.csv", "%_A"),
    ("Ⅷ㈱.csv", "viii(株)"),
]


@pytest.mark.parametrize(("written", "typed"), ALIKE)
def test_it_finds_names_by_either_spelling(
    signed: Client, marketer: Person, sandbox_connection: Connection, written: str, typed: str
) -> None:
    by_file = make_import(marketer, sandbox_connection, JobStatus.FINISHED, file_name=written)
    by_title = make_import(marketer, sandbox_connection, JobStatus.FINISHED, title=written)
    renamed = make_import(marketer, sandbox_connection, JobStatus.FINISHED, title="before")
    assert rename(renamed, written)
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, file_name="other.csv")
    assert listed(signed.get("/imports/", {"q": typed})) == [renamed.pk, by_title.pk, by_file.pk]
    assert listed(signed.get("/imports/", {"q": "before"})) == []


@pytest.mark.parametrize("name", one_in(2, ["tag", "q"]))
@pytest.mark.parametrize(("written", "typed"), ALIKE)
def test_it_finds_tags_by_either_spelling(
    signed: Client, marketer: Person, sandbox_connection: Connection, written: str, typed: str, name: str
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED)
    JobTag.objects.bulk_create([JobTag(job=job, tag=written, rows=1), JobTag(job=job, tag="x", rows=1)])
    make_import(marketer, sandbox_connection, JobStatus.FINISHED)
    ImportJob.objects.all().update(file_name="other.csv", search_text="other.csv")
    assert listed(signed.get("/imports/", {name: typed})) == [job.pk]
    assert listed(signed.get("/imports/", {name: f"{typed}?"})) == []


def test_it_finds_connections_and_people_by_either_spelling(
    signed_admin: Client, signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    Connection.objects.update(name="华东ＡＢ")
    Person.objects.filter(pk=marketer.pk).update(first_name="Ｌiń")
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED)
    assert listed(signed_admin.get("/imports/", {"q": "ab LIN\u0301"})) == [job.pk]
    assert listed(signed.get("/imports/", {"q": "LIN\u0301"})) == []


def test_the_longest_texts_fit(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    longest = "\ufdfa" * 250  # each becomes eighteen characters
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, file_name=longest, title=longest[:200])
    JobTag.objects.create(job=job, tag=longest, rows=1)
    for name in ("q", "tag"):
        assert listed(signed.get("/imports/", {name: longest[:200]})) == ([job.pk] if name == "q" else [])
        assert listed(signed.get("/imports/", {name: longest[:2]})) == [job.pk]


def test_a_search_asks_the_same_for_many_imports(
    signed_admin: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    asked = []
    for _round in range(2):
        for _number in range(5):
            make_import(marketer, sandbox_connection, JobStatus.FINISHED, title="VIP")
        with CaptureQueriesContext(connection) as queries:
            assert signed_admin.get("/imports/", {"q": "vip 名 a", "tag": "b"}).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 19


@pytest.mark.parametrize("text", ["", "VIP", "ﬁ ſ ϐ ẛ", "İ ŉ ǰ", "\u0345\u03b1", "ＡＢ　ｃ"])
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    assert folded(folded(text)) == folded(text) == folded(text.upper()).replace("ı", "i")
