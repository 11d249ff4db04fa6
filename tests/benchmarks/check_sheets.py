"""From the upload to the columns page, and from the start of the check to its result, beside what others do of it.

    pip install python-calamine django-import-export
    python -m tests.benchmarks.check_sheets [rows …]

Each line is a process of its own: CPU seconds of it and of its children, waiting, and the largest memory of one of
them. SQLite, as in a local installation; with DATABASE_URL set, also there. django-import-export only stores the rows;
the check also cleans them, finds problems, duplicates, repeats and look-alikes. Nothing is asserted against a clock.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from tests import workbooks
from tests.benchmarks.read_sheets import audience

FIRST_ROWS = 200
SLOW_PEER_ROWS = 100_000  # beyond, the peers that need minutes are left out


# -- to the columns page


def preview_ours(path: Path) -> Callable[[], object]:
    from tagsync.sheets import reader

    return lambda: reader.preview(path, max_rows=FIRST_ROWS)


def preview_openpyxl(path: Path) -> Callable[[], object]:
    import openpyxl

    def read() -> object:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        return list(islice(book.worksheets[0].iter_rows(values_only=True), FIRST_ROWS))

    return read


def preview_calamine(path: Path) -> Callable[[], object]:
    from python_calamine import CalamineWorkbook

    return lambda: CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(nrows=FIRST_ROWS)


# -- the whole file


def read_ours(path: Path) -> Callable[[], object]:
    from tagsync.sheets import reader

    return lambda: sum(1 for _ in reader.rows(path, "Sheet1"))


def read_openpyxl(path: Path) -> Callable[[], object]:
    import openpyxl

    return lambda: sum(
        1
        for _ in openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets[0].iter_rows(values_only=True)
    )


def read_calamine(path: Path) -> Callable[[], object]:
    from python_calamine import CalamineWorkbook

    return lambda: sum(1 for _ in CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows())


# -- the check


def check_ours(path: Path) -> Callable[[], object]:
    _database()
    from django.core.files import File
    from django.core.management import call_command

    from tagsync.accounts.models import Person
    from tagsync.imports.check.staging import stage
    from tagsync.imports.drafts import drafts

    call_command("migrate", verbosity=0)
    with path.open("rb") as file:
        job: Any = drafts.create(Person.objects.create_user("ada"), File(file, "a.xlsx"))
    return lambda: stage(job, lambda: True)


def peer(path: Path, **options: object) -> Callable[[], object]:
    """django-import-export as its documentation says, into a table of the same columns."""
    _database()
    import tablib
    from django.db import connection, models
    from import_export import resources

    class Audience(models.Model):
        audience_user_id = models.CharField(max_length=64, unique=True)
        openid = models.CharField(max_length=64, blank=True)
        unionid = models.CharField(max_length=64, blank=True)
        phone = models.CharField(max_length=32, blank=True)
        tags = models.TextField(blank=True)

        class Meta:
            app_label = "imports"

        def __str__(self) -> str:
            return self.audience_user_id

    with connection.schema_editor() as editor:
        editor.create_model(Audience)
    names = [field.name for field in Audience._meta.fields[1:]]
    meta = type("Meta", (), {"model": Audience, "import_id_fields": ["audience_user_id"], "fields": names, **options})
    resource_class = type("AudienceResource", (resources.ModelResource,), {"Meta": meta})

    def run() -> object:
        read = tablib.Dataset().load(path.read_bytes(), format="xlsx")
        rows = [tuple("" if value is None else str(value) for value in row) for row in read]
        return resource_class().import_data(tablib.Dataset(*rows, headers=names), raise_errors=True)

    return run


def check_peer(path: Path) -> Callable[[], object]:
    return peer(path)


def check_peer_bulk(path: Path) -> Callable[[], object]:
    return peer(path, use_bulk=True, batch_size=1000, skip_diff=True, use_transactions=False, force_init_instance=True)


def _database() -> None:
    import django

    django.setup()


# -- measuring

KINDS: dict[str, list[tuple[str, Callable[[Path], Callable[[], object]], bool]]] = {
    "to the columns page": [
        ("tagsync", preview_ours, False),
        ("openpyxl", preview_openpyxl, False),
        ("python-calamine", preview_calamine, False),
    ],
    "read all": [
        ("tagsync", read_ours, False),
        ("openpyxl", read_openpyxl, False),
        ("python-calamine", read_calamine, False),
    ],
    "check": [
        ("tagsync", check_ours, False),
        ("django-import-export, bulk", check_peer_bulk, True),
        ("django-import-export", check_peer, True),
    ],
}


def _cpu() -> float:
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def measure_here(kind: str, name: str, path: Path) -> None:
    act = next(make for other, make, _ in KINDS[kind] if other == name)(path)
    cpu, began = _cpu(), time.perf_counter()
    act()
    cpu, wall = _cpu() - cpu, time.perf_counter() - began
    largest = [resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"RESULT {cpu:.3f} {wall:.3f} {max(largest)}")


def measure(kind: str, name: str, path: Path) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {"TAGSYNC_HOME": folder, "DJANGO_SETTINGS_MODULE": "tests.settings", **os.environ}
        environment.setdefault("DATABASE_URL", f"sqlite:///{folder}/bench.sqlite3")
        command = [sys.executable, "-m", "tests.benchmarks.check_sheets", "--one", kind, name, str(path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    cpu, wall, mib = done.stdout.rpartition("RESULT ")[2].split()
    return float(cpu), float(wall), int(mib)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        measure_here(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
        return
    if sys.argv[1:2] == ["--build"]:
        workbooks.shared(Path(sys.argv[3]), audience(int(sys.argv[2])))
        return
    sizes = [int(size) for size in sys.argv[1:]] or [10_000, 100_000]
    print("| what | rows | who | CPU s | waiting s | MiB | CPU beside tagsync |")
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.xlsx"
            # In a process of its own: what is measured would inherit the memory that building takes.
            subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.check_sheets", "--build", str(size), path], check=True
            )
            for kind, peers in KINDS.items():
                ours = 0.0
                for name, _make, is_slow in peers:
                    if is_slow and size > SLOW_PEER_ROWS:
                        continue
                    cpu, wall, mib = measure(kind, name, path)
                    ours = ours or cpu
                    print(
                        f"| {kind} | {size:,} | {name} | {cpu:.2f} | {wall:.2f} | {mib} | {cpu / ours:.1f} × |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
