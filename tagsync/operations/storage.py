"""The storage of uploads and workbooks: can it be written to, and is it the same one for every process?"""

from __future__ import annotations

import time
import uuid

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

IDENTITY = "storage-id"
MAX_CHARACTERS = 40
# Processes that start together on a new bucket each write one, and the bucket keeps the last.
SETTLED_AFTER_SECONDS = 2.0


def identity() -> str:
    """What whoever used the storage first has written into it; "" when it can be neither read nor written."""
    try:
        if not default_storage.exists(IDENTITY):
            default_storage.save(IDENTITY, ContentFile(uuid.uuid4().hex.encode()))
            if not isinstance(default_storage, FileSystemStorage):
                time.sleep(SETTLED_AFTER_SECONDS)
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
