"""A status is assigned in one place, and an import moves by a method that has a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_rooms import DJANGO_ROOMS, name_of, room_of, sources, tree_of

# `states` has an exception that carries a status.
ASSIGNS_JOB_STATUS = {"imports/models/job.py", "imports/states.py"}
ASSIGNS_ROW_STATUS = {
    "imports/check/damaged_ids.py",
    "imports/check/repairs.py",
    "imports/check/staging.py",
    "imports/followups/retry.py",
    "imports/sending/outcomes.py",
    "imports/sending/superseded.py",
}


def test_it_assigns_a_status_in_one_place() -> None:
    wrong = [
        f"{name_of(path)}:{line} {what}"
        for path in sources()
        if room_of(path) in DJANGO_ROOMS
        for line, what in status_assignments(path)
    ]
    assert not wrong, "\n".join(wrong)


def test_it_moves_an_import_by_a_named_method() -> None:
    wrong = [
        f"{name_of(path)}:{node.lineno} {ast.unparse(node.func)}"
        for path in sources()
        if room_of(path) in DJANGO_ROOMS and name_of(path) not in ASSIGNS_JOB_STATUS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "move"
    ]
    assert not wrong, "\n".join(wrong)


def status_assignments(path: Path) -> Iterator[tuple[int, str]]:
    """Where this file gives an import or a row a status without being the place for it."""
    if name_of(path) in ASSIGNS_JOB_STATUS:
        return
    rows_allowed = name_of(path) in ASSIGNS_ROW_STATUS
    for node in ast.walk(tree_of(path)):
        what = gives_status(node)
        if what and not (rows_allowed and "ImportJob" not in what and not what.startswith("job.")):
            yield getattr(node, "lineno", 0), what


def gives_status(node: ast.AST) -> str:
    """The code of an assignment to a status, or ""."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        places = node.targets if isinstance(node, ast.Assign) else [node.target]
        written = [one for place in places for one in ast.walk(place) if isinstance(one, ast.Attribute)]
        named = any(one.attr == "status" and isinstance(one.ctx, ast.Store) for one in written)
        return ast.unparse(node) if named else ""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) if is_status_call(node) else ""
    return ""


def is_status_call(call: ast.Call) -> bool:
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if called in ("update", "create", "update_or_create", "get_or_create", "ImportJob", "ImportRow"):
        return any(keyword.arg == "status" for keyword in call.keywords)
    if called in ("bulk_update", "setattr", "save"):
        return any(isinstance(one, ast.Constant) and one.value == "status" for one in ast.walk(call))
    return False


@pytest.mark.parametrize(
    "code",
    [
        "job.status = 'queued'",
        "job.status, job.run = 'queued', 2",
        "ImportJob.objects.filter(pk=1).update(run=2, status='queued')",
        "ImportJob.objects.create(status='queued')",
        "ImportRow.objects.bulk_update(rows, ['status'])",
        "setattr(job, 'status', 'queued')",
        "job.save(update_fields=['status'])",
    ],
)
def test_it_recognises_an_assignment(code: str) -> None:
    assert any(gives_status(node) for node in ast.walk(ast.parse(code)))


@pytest.mark.parametrize("code", ["print(job.status)", "rows.filter(status='waiting').count()", "job.move(act, run=2)"])
def test_it_recognises_a_mere_look(code: str) -> None:
    assert not any(gives_status(node) for node in ast.walk(ast.parse(code)))
