"""How large the body of a request may be: the server and the application refuse by the same figures."""

from __future__ import annotations

from django.conf import settings

# Nobody has more to say before she is signed in.
ANONYMOUS_BYTES = 64 * 1024
# What the upload form's other fields and the boundaries may take.
ALLOWANCE_BYTES = 1024 * 1024


def most_bytes() -> int:
    return int(settings.TAGSYNC_MAX_UPLOAD_BYTES) + ALLOWANCE_BYTES
