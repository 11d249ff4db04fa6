"""Where an upload lies while it comes in: in a folder of ours, and known by its name when it is left behind.

Django would take the temporary folder of the machine, where a process that is killed leaves customers' numbers.
"""

from __future__ import annotations

import tempfile
from typing import Any

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler

from tagsync.imports.local_files import partial_name


class PartialUpload(TemporaryUploadedFile):
    def __init__(self, *about: Any) -> None:
        # Closed, and deleted if it has not been moved, by whoever handles the request.
        file = tempfile.NamedTemporaryFile(**partial_name(default_storage))  # noqa: SIM115
        UploadedFile.__init__(self, file, *about)


class PartialUploadHandler(TemporaryFileUploadHandler):
    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        self.file = PartialUpload(self.file_name, self.content_type, 0, self.charset, self.content_type_extra)
