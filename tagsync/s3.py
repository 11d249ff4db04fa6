"""The storage of files in a bucket: as django-storages has it, with errors that any storage could have.

Only settings name it, and only with TAGSYNC_STORAGE: its packages are an extra, and take a third of a second to load.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from django.core.files import File
from storages.backends.s3 import S3Storage

GONE = ("404", "NoSuchKey")
FORBIDDEN = ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken")
AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 30, 3
MOST_CONNECTIONS = 50


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Whoever uses a storage knows what a file can do: not be there, be forbidden, not be reached."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        kind = FileNotFoundError if code in GONE else PermissionError if code in FORBIDDEN else OSError
        raise kind(str(error)) from error
    except NoCredentialsError as error:
        raise PermissionError(str(error)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise ConnectionError(str(error)) from error


class Stream(File):  # type: ignore[type-arg]  # generic for type checkers alone
    """Read once, from the beginning to the end, while it comes in: nothing of it lies on this machine."""

    def __init__(self, body: Any, name: str, size: int) -> None:
        super().__init__(body, name)
        self._body, self.size = body, size

    @as_os_errors()
    def read(self, size: int = -1) -> bytes:
        content: bytes = self._body.read(size if size >= 0 else None)
        return content


class Bucket(S3Storage):  # type: ignore[misc]  # django-storages is read without types
    """Overwrites nothing. Nobody is led to it: what it holds, pages give to those who may have it."""

    def __init__(self, **options: Any) -> None:
        endpoint, style = options.get("endpoint_url"), options.pop("addressing_style", None)
        # Its own servers keep what is private without being told, and refuse to be told where access lists are off.
        is_amazon = endpoint is None or (urlsplit(endpoint).hostname or "").endswith(AMAZON)
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            max_pool_connections=MOST_CONNECTIONS,
            signature_version="s3v4",
            s3={"addressing_style": style},
            # Source: https://github.com/boto/boto3/issues/4392. Other makers' servers know no such checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        acl = None if is_amazon else "private"
        super().__init__(client_config=config, file_overwrite=False, default_acl=acl, gzip=False, **options)
        _made.add(self)

    def after_fork(self) -> None:
        """Connections of the parent are the parent's."""
        self.__setstate__(self.__getstate__())

    @as_os_errors()
    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode != "rb":
            raise ValueError("A file of a bucket is read, or stored as a whole.")
        found = self.bucket.Object(self._normalize_name(name)).get()
        return Stream(found["Body"], name, found["ContentLength"])

    _save = as_os_errors()(S3Storage._save)
    delete = as_os_errors()(S3Storage.delete)
    exists = as_os_errors()(S3Storage.exists)
    listdir = as_os_errors()(S3Storage.listdir)
    size = as_os_errors()(S3Storage.size)
    get_modified_time = as_os_errors()(S3Storage.get_modified_time)


_made: weakref.WeakSet[Bucket] = weakref.WeakSet()


def _after_fork() -> None:
    for bucket in _made:
        bucket.after_fork()


os.register_at_fork(after_in_child=_after_fork)
