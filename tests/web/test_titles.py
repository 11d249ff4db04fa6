from __future__ import annotations

import pytest
from django.test import Client

from tagsync.imports.models import ImportJob


def url(job: ImportJob) -> str:
    return f"/imports/{job.pk}/title/"


def test_it_renames(signed: Client, ready: ImportJob) -> None:
    assert 'name="title"' in signed.get(url(ready)).content.decode()
    for _time in range(2):
        assert signed.post(url(ready), {"title": "  春季会员 "})["Location"] == f"/imports/{ready.pk}/check/"
    ready.refresh_from_db()
    assert ready.title == "春季会员"


def test_it_takes_the_title_away(signed: Client, ready: ImportJob) -> None:
    signed.post(url(ready), {"title": "x"})
    signed.post(url(ready), {"title": ""})
    ready.refresh_from_db()
    assert (ready.title, ready.label) == ("", "双11会员.xlsx")


def test_it_renames_after_the_start_from_the_job_page(signed: Client, ready: ImportJob) -> None:
    ready.start(ready.owner)
    assert url(ready) in signed.get(f"/imports/{ready.pk}/").content.decode()
    signed.post(url(ready), {"title": "<b>x</b>"})
    assert "<b>x</b>" not in signed.get(f"/imports/{ready.pk}/").content.decode()
    ready.refresh_from_db()
    assert (ready.title, ready.status) == ("<b>x</b>", "queued")


def test_an_admin_renames_too(signed_admin: Client, ready: ImportJob) -> None:
    assert signed_admin.post(url(ready), {"title": "x"}).status_code == 302


def test_it_refuses_what_is_too_long(signed: Client, ready: ImportJob) -> None:
    answer = signed.post(url(ready), {"title": "x" * 201})
    assert answer.status_code == 422
    ready.refresh_from_db()
    assert ready.title == ""


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_knows_no_other_s_import(signed_other: Client, client: Client, ready: ImportJob, method: str) -> None:
    assert getattr(signed_other, method)(url(ready), {"title": "x"}).status_code == 404
    assert getattr(signed_other, method)("/imports/999999/title/", {"title": "x"}).status_code == 404
    assert getattr(client, method)(url(ready), {"title": "x"})["Location"].startswith("/login/")
    ready.refresh_from_db()
    assert ready.title == ""


def test_it_takes_no_other_method(signed: Client, ready: ImportJob) -> None:
    assert signed.delete(url(ready)).status_code == 405
