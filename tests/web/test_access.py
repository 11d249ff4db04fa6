import pytest
from django.http import Http404
from django.test import Client, RequestFactory

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportJob
from tagsync.web.access import import_or_404, signed_in

# Every page of an import before its start, with its method.
PAGES = [
    ("get", "columns/"),
    ("post", "columns/"),
    ("post", "sheet/"),
    ("post", "save/"),
    ("get", "check/"),
    ("get", "check/live/"),
    ("post", "change/"),
    ("post", "start/"),
    ("post", "delete/"),
]


def ask(client: Client, method: str, url: str) -> int:
    return int(getattr(client, method)(url).status_code)


@pytest.mark.parametrize(("method", "path"), PAGES)
def test_it_sends_strangers_to_the_sign_in(draft: ImportJob, client: Client, method: str, path: str) -> None:
    answer = getattr(client, method)(f"/imports/{draft.pk}/{path}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


@pytest.mark.parametrize(("method", "path"), PAGES)
def test_it_hides_imports_from_other_marketers(draft: ImportJob, signed_other: Client, method: str, path: str) -> None:
    assert ask(signed_other, method, f"/imports/{draft.pk}/{path}") == 404
    assert ImportJob.objects.filter(pk=draft.pk).exists()


@pytest.mark.parametrize(("method", "path"), PAGES)
def test_it_knows_no_import_of_a_bad_number(db: None, signed: Client, method: str, path: str) -> None:
    assert ask(signed, method, f"/imports/987654/{path}") == 404
    assert ask(signed, method, f"/imports/nonsense/{path}") == 404


@pytest.mark.parametrize("path", [path for method, path in PAGES if method == "post" and path != "columns/"])
def test_it_changes_nothing_on_get(draft: ImportJob, signed: Client, path: str) -> None:
    assert ask(signed, "get", f"/imports/{draft.pk}/{path}") == 405


@pytest.mark.parametrize("path", ["check/", "check/live/"])
def test_it_takes_no_post_where_nothing_changes(draft: ImportJob, signed: Client, path: str) -> None:
    assert ask(signed, "post", f"/imports/{draft.pk}/{path}") == 405


def test_it_gives_owner_and_admin_the_import(draft: ImportJob, admin_person: Person, rf: RequestFactory) -> None:
    for person in (draft.owner, admin_person):
        request = rf.get("/")
        request.user = person
        assert signed_in(request) == person
        assert import_or_404(request, draft.pk, steer=True) == draft


def test_it_gives_nobody_else_the_import(draft: ImportJob, other_marketer: Person, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = other_marketer
    with pytest.raises(Http404):
        import_or_404(request, draft.pk)
