"""Who is asking, and may she see this import? The one way from an address to an import; it must not know any page."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportJob
from tagsync.imports.permissions import may_steer


def signed_in(request: HttpRequest) -> Person:
    """The person behind the request; the sign-in middleware lets nobody else through to a page."""
    person = request.user
    assert isinstance(person, Person)
    return person


def own_address(request: HttpRequest, target: str) -> str:
    """`target` when it is an address of this site that a header can carry; "" otherwise."""
    here = {request.get_host()}
    allowed = url_has_allowed_host_and_scheme(target, allowed_hosts=here, require_https=request.is_secure())
    return target if allowed and target.isprintable() else ""


def import_or_404(request: HttpRequest, pk: int, *, steer: bool = False) -> ImportJob:
    """The import with its owner and connection, when the person may see it (`steer`: and change it).

    Raises: Http404 otherwise, so that nobody learns which imports exist.
    """
    person = signed_in(request)
    job = ImportJob.objects.visible_to(person).select_related("owner", "connection").filter(pk=pk).first()
    if job is None or (steer and not may_steer(person, job)):
        raise Http404
    return job
