"""The shape of the house: who may import whom, and how long things may be.

Whoever must go over a stop writes `over the stop: <why>` in a comment of the function or file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

BASE = Path(__file__).parent.parent
HOUSE = BASE / "tagsync"
TEMPLATES = BASE / "templates"

# room → what it may import: a room, or one module of it
ALLOWED = {
    "sheets": set(),
    "mapping": {"sheets.cells", "sheets.names"},
    "tuzhan": set(),
    "sandbox": set(),
    "accounts": set(),
    "connections": {"tuzhan", "accounts"},
    "queueing": set(),
    "imports": {"sheets", "mapping", "connections", "accounts"},
    "notifications": {"imports", "connections", "accounts"},
    "exports": {"queueing", "imports", "sheets", "mapping", "accounts"},
    "delivery": {"queueing", "imports", "connections", "tuzhan", "mapping", "sheets", "accounts"},
    "operations": {"queueing", "connections", "imports", "accounts"},
    "cli": {"delivery", "exports", "imports", "connections", "mapping", "accounts"},
    "web": {
        *("queueing", "notifications", "exports", "delivery", "operations", "imports", "connections", "accounts"),
        *("tuzhan", "mapping", "sheets"),
    },
    "local": {"queueing", "accounts", "connections", "sandbox"},
}
REFUSED = {"web": {"tuzhan.client"}}
# Files beside the rooms; only these few may be imported, and only by each other.
OUTSIDE = {
    "__main__": {"timeouts"},
    "settings": {"environment", "timeouts"},
    "urls": {"web"},
    "wsgi": {"timeouts"},
    "environment": set(),
    "timeouts": set(),
    "terminal": set(),
    "database": set(),
    "orphans": set(),
    "schema": set(),
    "log_lines": set(),
    "body_limits": set(),
    "s3": set(),
}
# How commands speak, for whoever has commands; what the database says, for whoever has one, and whether it fits the
# program; how processes end; what both the server and the application refuse; which import a line of the log is about.
FOR_DJANGO_ROOMS = {"terminal", "database", "schema", "orphans", "body_limits", "log_lines"}

# room → outside packages that would give it a second task
WITHOUT = {
    "sheets": {"django", "django_rq", "rq", "redis", "httpx", "httpcore"},
    "mapping": {"django", "django_rq", "rq", "redis", "httpx", "httpcore", "openpyxl", "xlrd", "python_calamine"},
    "tuzhan": {"django", "django_rq", "rq", "redis", "openpyxl"},
    "sandbox": {"django", "django_rq", "rq", "redis", "openpyxl"},
}
# Who may spell the wire's name of the customer ID out; everybody else has it from `mapping.fields`.
PLATFORMS_WORD = "audienceUserId"
SPEAK_TO_THE_PLATFORM = ("tuzhan/", "sandbox/", "mapping/fields.py", "connections/models.py")
LAYER_NAMES = {"service", "util", "helper", "core", "common", "manager"}

FUNCTION_LINES = 50
VIEW_LINES = 30
FILE_LINES = 400
TEMPLATE_COLUMNS = 120
MODULES_IN_FOLDER = 15
EXCUSE = "over the stop: "

DJANGO_ROOMS = (
    "accounts",
    "connections",
    "queueing",
    "imports",
    "notifications",
    "exports",
    "delivery",
    "operations",
    "cli",
    "web",
    "local",
)


@dataclass(frozen=True)
class Import:
    """One import statement; `target` is a dotted name below `tagsync`, or the outside package."""

    line: int
    target: str
    is_ours: bool
    hidden: bool
    has_reason: bool


def sources() -> list[Path]:
    return sorted(path for path in HOUSE.rglob("*.py") if "__pycache__" not in path.parts)


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


@cache
def text_of(path: Path) -> str:
    return path.read_text()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), str(path))


def with_ancestors(node: ast.AST, above: tuple[ast.AST, ...] = ()) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    for child in ast.iter_child_nodes(node):
        yield child, (*above, node)
        yield from with_ancestors(child, (*above, node))


@cache
def imports_of(path: Path) -> tuple[Import, ...]:
    return tuple(found for found in _imports(path))


def _imports(path: Path) -> Iterator[Import]:
    for node, above in with_ancestors(tree_of(path)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        hidden = any(isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) for one in above)
        reason = has_reason_above(path, node.lineno)
        for target in targets(path, node):
            ours = target == "tagsync" or target.startswith("tagsync.")
            shown = target.removeprefix("tagsync").removeprefix(".") if ours else target.partition(".")[0]
            yield Import(node.lineno, shown, ours, hidden, reason)


def targets(path: Path, node: ast.Import | ast.ImportFrom) -> list[str]:
    """Full dotted names; for `from a import b` both could be meant, so `a.b` is what counts."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        package = ("tagsync", *path.relative_to(HOUSE).parent.parts)
        base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
    return [f"{base}.{alias.name}" for alias in node.names]


def has_reason_above(path: Path, line: int) -> bool:
    """A comment stands on this line, or right above it or the block of imports that it belongs to."""
    lines = text_of(path).splitlines()
    beside = lines[line - 1].partition("#")[2].strip()
    if beside and not beside.startswith(("noqa", "type:")):
        return True
    above = line - 2
    while above >= 0 and lines[above].strip().startswith(("import ", "from ")):
        above -= 1
    return above >= 0 and lines[above].strip().startswith("#")


def may_import(importer: Path, target: str) -> bool:
    room = room_of(importer)
    other = target.split(".")[0]
    if room == other:
        return True
    if other in FOR_DJANGO_ROOMS:
        return room in DJANGO_ROOMS
    if room in OUTSIDE:
        return other in OUTSIDE[room]
    if any(is_within(target, refused) for refused in REFUSED.get(room, ())):
        return False
    return any(is_within(target, allowed) for allowed in ALLOWED[room])


def is_within(target: str, place: str) -> bool:
    return target == place or target.startswith(place + ".")


def excused(lines: list[str]) -> bool:
    return any(EXCUSE in line and len(line.partition(EXCUSE)[2].strip()) > 5 for line in lines)


def functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, list[str]]]:
    """Each function with its lines and the line above it."""
    lines = text_of(path).splitlines()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield node, lines[max(first - 2, 0) : node.end_lineno]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_it_knows_every_room() -> None:
    found = {path.parent.name for path in HOUSE.glob("*/__init__.py")}
    files = {path.stem for path in HOUSE.glob("*.py")} - {"__init__"}
    assert found == set(ALLOWED)
    assert files == set(OUTSIDE)


def test_it_finds_the_import_graph_without_cycles() -> None:
    """The table itself allows none: every room comes after those it may import."""
    done: set[str] = set()
    rooms = dict(ALLOWED)
    while rooms:
        free = [room for room, allowed in rooms.items() if {one.split(".")[0] for one in allowed} <= done]
        assert free, f"a cycle among {sorted(rooms)}"
        done.update(free)
        for room in free:
            del rooms[room]


def test_it_imports_one_way() -> None:
    wrong = [
        f"{name_of(path)}:{one.line} imports {one.target}"
        for path in sources()
        for one in imports_of(path)
        if one.is_ours and one.target and not may_import(path, one.target)
    ]
    assert not wrong, "\n".join(wrong)


def test_it_hides_no_import_without_a_reason() -> None:
    wrong = [
        f"{name_of(path)}:{one.line} hides an import of {one.target}"
        for path in sources()
        for one in imports_of(path)
        if one.hidden and not one.has_reason
    ]
    assert not wrong, "\n".join(wrong)


def test_it_has_no_cycle_between_modules() -> None:
    """Also not for types; only imports inside functions come later, and with a reason."""
    graph = {path: modules_imported_by(path) for path in sources()}
    while leaves := [path for path, below in graph.items() if not below & graph.keys()]:
        for path in leaves:
            del graph[path]
    assert not graph, f"a cycle among {sorted(name_of(path) for path in graph)}"


def modules_imported_by(path: Path) -> set[Path]:
    first_moment = (one for one in imports_of(path) if one.is_ours and not one.hidden)
    found = {module_of(one.target) for one in first_moment}
    return {module for module in found if module and module != path}


def module_of(target: str) -> Path | None:
    """The file that holds this dotted name: the longest beginning of it that is a module."""
    parts = target.split(".") if target else []
    for end in range(len(parts), 0, -1):
        place = HOUSE.joinpath(*parts[:end])
        for candidate in (place.with_suffix(".py"), place / "__init__.py"):
            if candidate.exists():
                return candidate
    return None


@pytest.mark.parametrize("room", sorted(WITHOUT))
def test_it_keeps_a_room_free_of(room: str) -> None:
    wrong = [
        f"{name_of(path)}:{one.line} imports {one.target}"
        for path in sources()
        if room_of(path) == room
        for one in imports_of(path)
        if not one.is_ours and one.target in WITHOUT[room]
    ]
    assert not wrong, "\n".join(wrong)


def test_it_reads_no_workbook_with_openpyxl() -> None:
    """Its parser is safe with defusedxml only, which nobody else needs; what people upload `sheets.xlsx` reads."""
    wrong = [name_of(path) for path in sources() if re.search(r"load_workbook|openpyxl\.reader", text_of(path))]
    assert not wrong


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_it_says_what_lives_in_a_room(room: str) -> None:
    assert ast.get_docstring(tree_of(HOUSE / room / "__init__.py"))


def test_it_names_nothing_after_a_layer() -> None:
    names = [path for path in HOUSE.rglob("*") if path.is_dir() or path.suffix == ".py"]
    wrong = [name_of(path) for path in names if path.stem.removesuffix("s") in LAYER_NAMES]
    assert not wrong


def test_it_spells_the_platforms_word_in_few_places() -> None:
    found = {
        name_of(path) for path in sources() if "migrations" not in path.parts and PLATFORMS_WORD in path.read_text()
    }
    assert found and not [name for name in found if not name.startswith(SPEAK_TO_THE_PLATFORM)]


def test_it_keeps_functions_short() -> None:
    wrong = [
        f"{name_of(path)}:{node.lineno} {node.name} has {length(node)} lines"
        for path in sources()
        if "migrations" not in path.parts
        for node, lines in functions(path)
        if length(node) > FUNCTION_LINES and not excused(lines)
    ]
    assert not wrong, "\n".join(wrong)


def test_it_keeps_views_doorways() -> None:
    wrong = [
        f"{name_of(path)}:{node.lineno} {node.name} has {length(node)} lines"
        for path in sorted((HOUSE / "web").rglob("*views.py"))
        for node, lines in functions(path)
        if length(node) > VIEW_LINES and not excused(lines)
    ]
    assert not wrong, "\n".join(wrong)


def test_it_keeps_files_short() -> None:
    wrong = [
        f"{name_of(path)} has {len(lines)} lines"
        for path in sources()
        if "migrations" not in path.parts
        for lines in [text_of(path).splitlines()]
        if len(lines) > FILE_LINES and not excused(lines)
    ]
    assert not wrong, "\n".join(wrong)


def test_it_keeps_folders_small() -> None:
    folders: dict[Path, int] = {}
    for path in sources():
        if path.name != "__init__.py" and "migrations" not in path.parts:
            folders[path.parent] = folders.get(path.parent, 0) + 1
    wrong = [
        f"{name_of(folder)} has {number} modules" for folder, number in folders.items() if number > MODULES_IN_FOLDER
    ]
    assert not wrong, "\n".join(wrong)


def test_it_keeps_lines_of_templates_short() -> None:
    wrong = [
        f"{path.relative_to(TEMPLATES)}:{number} has {len(line)} columns"
        for path in sorted(TEMPLATES.rglob("*.*"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > TEMPLATE_COLUMNS
    ]
    assert not wrong, "\n".join(wrong)


def test_it_shows_no_comment_of_a_template() -> None:
    """Django knows {# #} on one line only: what goes over several is shown to everybody."""
    wrong = [
        f"{path.relative_to(TEMPLATES)}:{number}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if line.count("{#") != line.count("#}")
    ]
    assert not wrong, "\n".join(wrong)
