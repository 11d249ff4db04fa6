"""Pages for those with a permission; for everybody else they do not exist. Must not know what the pages show."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse

from tagsync.web.access import signed_in

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]


def only_with(permission: str) -> Callable[[View[Rest]], View[Rest]]:
    """404, never 403: nobody learns which connections or people there are."""

    def guard(view: View[Rest]) -> View[Rest]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
            if not signed_in(request).has_perm(permission):
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    return guard
