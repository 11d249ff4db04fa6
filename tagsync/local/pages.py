"""The one page of this room: the sample as a download, for as long as there is a test platform to try it on."""

from __future__ import annotations

from io import BytesIO

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_GET

from tagsync.connections.models import Connection
from tagsync.local import sample


@require_GET
def sample_workbook(request: HttpRequest) -> FileResponse:
    """Made anew: whoever has changed the one in the folder may have put real customers into it."""
    if not (settings.LOCAL and Connection.objects.usable().filter(is_sandbox=True).exists()):
        raise Http404
    file = BytesIO()
    sample.book().save(file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=sample.FILE_NAME)
