"""What every template can see besides its view's own context."""

from django.http import HttpRequest


def banners(request: HttpRequest) -> dict[str, object]:
    """Notices above every page: the test platform, a queue without workers."""
    return {"banners": []}
