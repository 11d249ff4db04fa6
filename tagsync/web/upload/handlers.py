"""Where an upload lies while it comes in: beside the stored ones, and known by its name when it is left behind.

Django would take the temporary folder of the machine, where a process that is killed leaves customers' numbers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler

from tagsync.imports.stored_files import partial_name


class PartialUpload(TemporaryUploadedFile):
    def __init__(self, *about: Any) -> None:
        folder = Path(settings.FILE_UPLOAD_TEMP_DIR or default_storage.path(""))
        # Closed, and deleted if it has not been moved, by whoever handles the request.
        file = tempfile.NamedTemporaryFile(**partial_name(folder))  # noqa: SIM115
        UploadedFile.__init__(self, file, *about)


class PartialUploadHandler(TemporaryFileUploadHandler):
    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        self.file = PartialUpload(self.file_name, self.content_type, 0, self.charset, self.content_type_extra)
