"""The shape of the house in figures, to compare two states of the code.

    python -m tests.benchmarks.house [checkout ...]

For each checkout: lines of Python without migrations; lines and cyclomatic complexity of functions; columns of
templates; the largest folder; and in the three big rooms the arrows between modules, those that stay inside a
part of the room, and the pairs of parts that import each other.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

ROOMS = ("imports", "delivery", "web")
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.With, ast.Assert, ast.comprehension)


def main() -> None:
    for checkout in sys.argv[1:] or ["."]:
        print(f"\n{checkout}")
        for name, figure in figures(Path(checkout)):
            print(f"  {name:52} {figure}")


def figures(checkout: Path) -> Iterator[tuple[str, str]]:
    sources = {path: path.read_text() for path in python_of(checkout / "tagsync")}
    trees = {path: ast.parse(text) for path, text in sources.items()}
    yield "lines of Python, without migrations", f"{sum(text.count(chr(10)) for text in sources.values()):,}"
    functions = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    lengths = [(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions]
    yield "lines of a function, p50 / p90 / max", spread(lengths)
    yield "cyclomatic complexity, p50 / p90 / max", spread([complexity(node) for node in functions])
    columns = [len(line) for path in (checkout / "templates").rglob("*.html") for line in path.read_text().splitlines()]
    long = sum(1 for length in columns if length > 120)
    yield (
        "columns of a template line, mean / over 120 / max",
        (f"{sum(columns) / len(columns):.0f} / {100 * long / len(columns):.0f} % / {max(columns):,}"),
    )
    folders = Counter(path.parent for path in sources if path.name != "__init__.py")
    largest, number = folders.most_common(1)[0]
    yield "largest folder", f"{number} modules, {largest.relative_to(checkout)}"
    for room in ROOMS:
        arrows = set(arrows_inside(checkout, room, trees))
        # A module beside the folders of a room is a part of its own.
        parts = [tuple(path.relative_to(checkout / "tagsync" / room).parts[0] for path in one) for one in arrows]
        inside = sum(1 for here, there in parts if here == there)
        mutual = sum(1 for here, there in set(parts) if here < there and (there, here) in parts)
        yield f"arrows inside {room}, within a part, mutual parts", f"{len(arrows)} / {inside} / {mutual}"


def python_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if not {"migrations", "__pycache__"} & set(path.parts))


def spread(numbers: list[int]) -> str:
    return f"{quantiles(numbers, n=2)[0]:.0f} / {quantiles(numbers, n=10)[8]:.0f} / {max(numbers)}"


def complexity(function: ast.FunctionDef) -> int:
    """1, and 1 for each branch and each further operand of `and` and `or`."""
    nodes = list(ast.walk(function))
    operands = sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    cases = sum(len(node.cases) for node in nodes if isinstance(node, ast.Match))
    return 1 + operands + cases + sum(isinstance(node, BRANCHES) for node in nodes)


def arrows_inside(checkout: Path, room: str, trees: dict[Path, ast.Module]) -> Iterator[tuple[Path, Path]]:
    """Module → module of the same room that it imports."""
    for path, tree in trees.items():
        if not path.is_relative_to(checkout / "tagsync" / room):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"tagsync.{room}"):
                for alias in node.names:
                    found = module(checkout, f"{node.module}.{alias.name}")
                    if found and found != path:
                        yield path, found


def module(checkout: Path, dotted: str) -> Path | None:
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        place = checkout.joinpath(*parts[:end])
        for candidate in (place.with_suffix(".py"), place / "__init__.py"):
            if candidate.exists():
                return candidate
    return None


if __name__ == "__main__":
    main()
