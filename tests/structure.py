"""Prints the shape of the house: rooms, floors, arrows, circles, and how dense the code is.

    python -m tests.structure [FOLDER OF A CHECKOUT ...]

A room is a folder of the package, with all that is below it, or a module beside the folders. An arrow runs from a room
to another one that it imports, wherever in a module the import stands. A room's floor is one above the highest of those
that it imports; the rooms of a circle share a floor.
"""

from __future__ import annotations

import ast
import io
import os
import statistics
import sys
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGE = "assay"
LONG_MODULE = 400
LONG_LINE = 100

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Arrows = Mapping[str, frozenset[str]]
"""Room -> the rooms that it imports."""


class Module(NamedTuple):
    """A source file."""

    name: str
    text: str
    tree: ast.Module


def modules_of(root: Path) -> list[Module]:
    """The modules of the package below `root`, those behind its symlinks too, but for generated ones."""
    modules = []
    for folder, _, files in os.walk(root / PACKAGE, followlinks=True):
        for file in files:
            if file.endswith(".py") and not file.endswith("_pb2.py"):
                path = Path(folder, file)
                name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
                text = path.read_text()
                modules.append(Module(name, text, ast.parse(text)))
    return sorted(modules)


def room_of(module: str, depth: int = 2) -> str:
    """`assay.readers.csv` is in the room `assay.readers`; that is 2 names deep."""
    return ".".join(module.split(".")[:depth])


def imported_by(module: Module, names: frozenset[str]) -> Iterator[str]:
    """The modules of the package that a module imports."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module in names:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in names else str(node.module)


def arrows_of(modules: Sequence[Module], depth: int = 2) -> Arrows:
    """The arrows between rooms; at a depth of 3, between the parts of rooms."""
    names = frozenset(module.name for module in modules)
    arrows: dict[str, set[str]] = {room_of(name, depth): set() for name in names}
    for module in modules:
        room = room_of(module.name, depth)
        arrows[room] |= {room_of(name, depth) for name in imported_by(module, names)} - {room}
    return {room: frozenset(others) for room, others in arrows.items()}


def reached_from(room: str, arrows: Arrows) -> frozenset[str]:
    """The rooms that a room imports, itself or through others."""
    reached: set[str] = set()
    waiting = set(arrows[room])
    while waiting:
        other = waiting.pop()
        reached.add(other)
        waiting |= arrows[other] - reached
    return frozenset(reached)


def circles_of(arrows: Arrows) -> list[frozenset[str]]:
    """Sets of rooms that import each other, however indirectly."""
    reached = {room: reached_from(room, arrows) for room in arrows}
    return sorted(
        {
            frozenset(other for other in reached[room] if room in reached[other])
            for room in arrows
            if room in reached[room]
        },
        key=sorted,
    )


def floors_of(arrows: Arrows) -> dict[str, int]:
    """Room -> its floor; the lowest is 1."""
    group = {room: frozenset([room]) for room in arrows}
    for circle in circles_of(arrows):
        group |= dict.fromkeys(circle, circle)
    below: dict[frozenset[str], set[frozenset[str]]] = {of_room: set() for of_room in group.values()}
    for room, others in arrows.items():
        below[group[room]] |= {group[other] for other in others} - {group[room]}
    floors: dict[frozenset[str], int] = {}
    for of_room in TopologicalSorter(below).static_order():
        floors[of_room] = 1 + max((floors[other] for other in below[of_room]), default=0)
    return {room: floors[group[room]] for room in arrows}


def functions_of(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods, those within others too."""
    for node in ast.walk(module.tree):
        if isinstance(node, FUNCTIONS):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: Sequence[str]) -> list[str]:
    """The lines of a function below its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return list(lines[body[0].lineno - 1 : body[-1].end_lineno]) if body else []


def public_definitions(module: Module) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The module, and its classes, functions and methods whose names have no underscore before any part.

    Methods of a class with a base are left out: they do what the base says, such as `expand` of a transform of Beam.
    """
    yield module.tree
    waiting: list[ast.Module | ast.ClassDef] = [module.tree]
    while waiting:
        holder = waiting.pop()
        for node in holder.body:
            if not isinstance(node, (*FUNCTIONS, ast.ClassDef)) or node.name.startswith("_"):
                continue
            if isinstance(node, ast.ClassDef):
                waiting.append(node)
            elif isinstance(holder, ast.ClassDef) and holder.bases:
                continue
            yield node


def comments_of(module: Module) -> int:
    """Comments that say something to people."""
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    return sum(not comment.startswith(("# type:", "# noqa", "# fmt:")) for comment in comments)


def measures_of(root: Path) -> dict[str, str]:
    """What is measured of a checkout -> its figure."""
    modules = modules_of(root)
    arrows = arrows_of(modules)
    lines = [line for module in modules for line in module.text.splitlines()]
    bodies = [body_lines(function, module.text.splitlines()) for module in modules for function in functions_of(module)]
    lengths = [sum(bool(line.strip()) for line in body) for body in bodies]
    in_bodies = [line for body in bodies for line in body]
    told = [ast.get_docstring(node) is not None for module in modules for node in public_definitions(module)]
    comprehensions = sum(isinstance(node, COMPREHENSIONS) for module in modules for node in ast.walk(module.tree))
    at_the_root = [module.name for module in modules if module.name.count(".") == 1 and is_module(root, module.name)]
    long_modules = [module.name for module in modules if module.text.count("\n") > LONG_MODULE]
    tenths = statistics.quantiles(lengths, n=10)
    return {
        "modules": f"{len(modules)}, {len(lines):,} lines",
        "modules at the root": str(len(at_the_root)),
        "rooms": str(len(arrows)),
        "floors": str(max(floors_of(arrows).values())),
        "arrows": str(sum(map(len, arrows.values()))),
        "circles": "; ".join(" + ".join(sorted(circle)) for circle in circles_of(arrows)) or "none",
        f"modules over {LONG_MODULE} lines": ", ".join(long_modules) or "none",
        "functions": f"{len(lengths):,}; lines p50 {tenths[4]:.0f}, p90 {tenths[8]:.0f}, max {max(lengths)}",
        "public docstrings": f"{100 * sum(told) / len(told):.1f} %",
        "comprehensions / 1,000 lines": f"{1000 * comprehensions / len(lines):.0f}",
        "comments / 1,000 lines": f"{1000 * sum(map(comments_of, modules)) / len(lines):.0f}",
        "blank lines in bodies": f"{100 * sum(not line.strip() for line in in_bodies) / len(in_bodies):.1f} %",
        f"lines over {LONG_LINE} columns": f"{100 * sum(len(line) > LONG_LINE for line in lines) / len(lines):.1f} %",
    }


def is_module(root: Path, name: str) -> bool:
    """Whether a module is a file of its own, and not a folder."""
    return (root / name.replace(".", "/")).with_suffix(".py").is_file()


def main(roots: Sequence[Path]) -> None:
    """Prints a row for each measure and a column for each checkout, and the floors of the last one."""
    measured = [measures_of(root) for root in roots]
    for what in measured[0]:
        print("| " + " | ".join([what, *(measures[what] for measures in measured)]) + " |")
    floors = floors_of(arrows_of(modules_of(roots[-1])))
    for floor in sorted(set(floors.values()), reverse=True):
        print(f"floor {floor:2}: {', '.join(sorted(room for room in floors if floors[room] == floor))}")


if __name__ == "__main__":
    main([Path(argument).resolve() for argument in sys.argv[1:]] or [ROOT])
