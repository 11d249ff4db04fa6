"""A storage without paths, as the contract of a storage allows: files go in whole, and come out once, as a stream."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any, NoReturn

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage


class Once(io.RawIOBase):
    """Cannot be wound back, as what comes over a network."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(buffer)


class Pathless(Storage):
    """`asked`: (what, name) of each request, as another machine would be asked. `broken`: what it says to each."""

    def __init__(self, location: str) -> None:
        self._folder = FileSystemStorage(location)
        self.asked: list[tuple[str, str]] = []
        self.broken: OSError | None = None

    def path(self, name: str) -> NoReturn:
        raise NotImplementedError("This storage has no paths.")

    def _ask(self, what: str, name: str) -> FileSystemStorage:
        self.asked.append((what, name))
        if self.broken:
            raise self.broken
        return self._folder

    def _open(self, name: str, mode: str = "rb") -> File:
        with self._ask("open", name).open(name, mode) as file:
            content = file.read()
        opened = File(io.BufferedReader(Once(content)), name)
        opened.size = len(content)
        return opened

    def _save(self, name: str, content: File) -> str:
        content.seek(0)
        return self._ask("save", name)._save(name, File(io.BytesIO(content.read())))

    def delete(self, name: str) -> None:
        self._ask("delete", name).delete(name)

    def exists(self, name: str) -> bool:
        return self._ask("exists", name).exists(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        return self._ask("listdir", path).listdir(path)

    def size(self, name: str) -> int:
        return self._ask("size", name).size(name)

    def get_modified_time(self, name: str) -> datetime:
        return self._ask("get_modified_time", name).get_modified_time(name)
