"""The storage of uploads and workbooks: can it be written to, and is it the same one for every process?"""

from __future__ import annotations

import uuid

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

IDENTITY = "storage-id"
MAX_CHARACTERS = 40


def identity() -> str:
    """What whoever used the storage first has written into it; "" when it can be neither read nor written."""
    try:
        if not default_storage.exists(IDENTITY):
            default_storage.save(IDENTITY, ContentFile(uuid.uuid4().hex.encode()))
        with default_storage.open(IDENTITY) as file:
            return str(file.read(MAX_CHARACTERS).decode("ascii", "replace"))
    except OSError:
        return ""


def refusal() -> str:
    """The kind of error with which it refuses to be written to; "" when it does not."""
    try:
        name = default_storage.save(f"{uuid.uuid4().hex}.probe", ContentFile(b"x"))
        default_storage.delete(name)
    except OSError as error:
        return type(error).__name__
    return ""
