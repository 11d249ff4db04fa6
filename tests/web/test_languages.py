"""Every page in both languages: nothing of the other one is left over, but for what people typed themselves."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import polib
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.exports.models import Export
from tagsync.imports.models import ImportJob, JobEvent, Repair, SavedMapping
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.models.row import Origin
from tagsync.imports.states import JobStatus
from tagsync.notifications.models import Notice
from tagsync.sheets import writer
from tagsync.web.urls import urlpatterns
from tests.making import S, add_call, blame, make_import
from tests.matrix import most_slow
from tests.web.conftest import MakeDraft

CATALOGUE = Path(__file__).parents[2] / "tagsync" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
HAN = re.compile(r"[\u4e00-\u9fff]+")
# Two English words in a row: names and codes stand alone.
ENGLISH = re.compile(r"\b[A-Za-z][a-z]+ (?:[a-z]+\b)")
SPOKEN = ("aria-label", "placeholder", "title", "alt", "data-announce")
# Han characters that belong on an English page: the platform, headers it knows, the name of the other language.
AT_HOME = ("兔展", "中文", "简体中文")
OTHER_LANGUAGE = "English"
# A workbook, and a page of invented data in both languages.
DATA = ("import_template", "import_sample", "styleguide")
# Pages of their own; what answers otherwise than with a page is passed over.
PLAIN = {one.name for one in urlpatterns if one.name and not one.pattern.converters and one.name not in DATA}
OF_ONE = {one.name for one in urlpatterns if one.name and set(one.pattern.converters) == {"pk"}}


class Spoken(HTMLParser):
    """What a page says, to eyes and to screen readers, without what stands in code, data and languages of others."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._mute: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if not self._mute:
            self.said += [text for name in SPOKEN if (text := given.get(name))]
        is_mute = tag in ("script", "style", "code", "pre") or ("lang" in given and tag != "html")
        if (self._mute or is_mute) and tag not in (
            "input",
            "br",
            "img",
            "meta",
            "link",
            "hr",
            "path",
            "rect",
            "circle",
        ):
            self._mute.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._mute and self._mute[-1] == tag:
            self._mute.pop()

    def handle_data(self, data: str) -> None:
        if not self._mute and (text := " ".join(data.split())):
            self.said.append(text)


def said_by(html: str) -> list[str]:
    parser = Spoken()
    parser.feed(html)
    return parser.said


def leftovers(said: list[str], language: str) -> list[str]:
    """Texts in the language that this page is not in. A single word is told from a name by being in the catalogue."""
    entries = [one for one in polib.pofile(str(CATALOGUE)) if one.msgstr and one.msgstr != one.msgid]
    if language == "en":
        return [text for text in said if HAN.search(re.sub("|".join(AT_HOME), "", text))]
    words = {one.msgid for one in entries if one.msgid.isascii()}
    return [text for text in said if text != OTHER_LANGUAGE and (ENGLISH.search(text) or text in words)]


class Site:
    """One of everything that pages show, with names in the language of the page."""

    def __init__(
        self, language: str, marketer: Person, admin: Person, connection: Connection, draft: ImportJob
    ) -> None:
        chinese = language == "zh-hans"
        self.admin, name, header = admin, "会员.xlsx" if chinese else "members.xlsx", "手机号" if chinese else "phone"
        tag = "华东" if chinese else "VIP"
        connection.name = "沙盒" if chinese else "Sandbox"
        connection.save()
        columns = [{"column": 0, "header": header, "field": "phone"}, {"column": 2, "header": "x", "field": "tags"}]
        looks = {"file_name": name, "file": draft.file.name, "columns": columns, "sheet": draft.sheet}
        rows = [S.ACCEPTED, S.REJECTED, S.IN_DOUBT, S.TO_FIX, S.DUPLICATE, S.LEFT_OUT, S.SUPERSEDED, S.WAITING]
        shown = [status for status in JobStatus if status not in ("draft", "discarded")]
        self.jobs = [make_import(admin, connection, status, rows, **looks) for status in shown]
        self.jobs += [make_import(marketer, connection, JobStatus.FINISHED, [S.ACCEPTED], **looks)]
        ImportJob.objects.filter(status="blocked").update(cause="refuses_everything", cause_params={"code": "1"})
        ImportJob.objects.filter(status="unreadable").update(cause="encrypted")
        for job in self.jobs:
            job.rows.update(tags=tag)
            blame(job, S.REJECTED, "refused", code="3", message="x")
            blame(job, S.TO_FIX, "phone_invalid", Origin.CHECK, field="phone")
            add_call(job, [2])
            repair = Repair.objects.create(job=job, by=admin, kind=RepairKind.LEAVE_OUT, row_number=4, rows=1)
            JobEvent.objects.create(
                job=job, by=admin, act="repair", before="ready", after="ready", params={"repair": repair.pk}
            )
            JobEvent.objects.create(job=job, by=admin, act="start", before="ready", after="queued")
        self.draft = draft
        self.connection, self.person = connection, marketer
        day = timezone.now() + timedelta(days=1)
        made = {"by": admin, "language": "en", "rows": 3, "file_name": "a.xlsx", "expires_at": day}
        self.export = Export.objects.create(job=self.jobs[0], **made)
        SavedMapping.objects.create(owner=admin, headers_sha256="0" * 64, used_at=timezone.now(), columns=columns)
        for kind, _ in Notice._meta.get_field("kind").choices or ():
            Notice.objects.create(person=admin, kind=kind, job=self.jobs[0], connection=connection)

    def urls(self) -> list[str]:
        found = []
        for name in sorted({pattern.name for pattern in urlpatterns if pattern.name}):
            of = {"connection": [self.connection.pk], "person": [self.person.pk], "export": [self.export.pk]}
            of["import"] = [self.draft.pk, *(job.pk for job in self.jobs)]
            if name in PLAIN:
                found.append(reverse(name))
            elif name in OF_ONE:
                found += [reverse(name, args=[pk]) for pk in of.get(name.split("_")[0], [])]
        opened = [f"/imports/{job.pk}/rows/?row={row}" for job in self.jobs[-3:-1] for row in (3, 5)]
        return [*found, *opened, "/login/", "/nowhere/"]


@pytest.mark.slow
@pytest.mark.parametrize("language", most_slow(("en", "zh-hans"), at_once=("zh-hans",)))
def test_every_page_speaks_one_language(
    language: str, marketer: Person, admin_person: Person, sandbox_connection: Connection, make_draft: MakeDraft
) -> None:
    chinese = language == "zh-hans"
    header, row = (("手机号", "客户标签"), ("138", "华东")) if chinese else (("phone", "tags"), ("138", "VIP"))
    content = BytesIO()
    writer.write(content, writer.Sheet("S", header, [row]))
    draft = make_draft(content.getvalue(), admin_person)
    draft.file_name = "会员.xlsx" if chinese else "members.xlsx"
    draft.save()
    Person.objects.update(language=language)
    site = Site(language, marketer, admin_person, sandbox_connection, draft)
    client = Client(headers={"accept-language": language})
    client.force_login(Person.objects.get(pk=admin_person.pk))
    wrong, seen = {}, 0
    for url in site.urls():
        answer = client.get(url)
        if answer.status_code in (200, 404) and not answer.streaming:
            seen += 1
            if found := leftovers(said_by(answer.content.decode()), language):
                wrong[url] = found
    assert not wrong
    assert seen > 40


def test_it_would_find_a_leftover() -> None:
    assert leftovers(["平台已接收", "Nothing was sent"], "zh-hans") == ["Nothing was sent"]
    assert leftovers(["State", "VIP"], "zh-hans") == ["State"]
    assert leftovers(["Test platform: nothing reaches 兔展.", "状态"], "en") == ["状态"]
    assert said_by('<p title="a">b <code>c</code><span lang="en">d</span> <b>e</b></p>') == ["a", "b", "e"]
