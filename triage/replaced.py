# SPDX-License-Identifier: MIT
"""A Python file whose functions replace those of the model.

    # in simulator/mm/migrate_device.py     (needed only where a name stands in several files)
    def collect_ptes(k: "Kernel", args: MigrateVma, start: i64, end: i64) -> i64:
        ...

Contract: each function takes the place of the one function of its name in simulator/; a new one
goes to the end of the file that the replaced ones are in, and an import to its other imports.
Anything else at the top of the file is refused: a model's patch that needs more is a diff.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_IN: Final = re.compile(r"^# in (simulator/[\w/]+\.py)\b", re.MULTILINE)
_Function: Final = ast.FunctionDef


class PatchError(ValueError):
    """What is wrong with such a file, with its line."""


@dataclass(slots=True)
class _Change:
    lines: list[str]
    replace: list[tuple[int, int, str]] = field(default_factory=list)  # lines from, to; by what


def replaced(text: str, root: Path) -> dict[Path, str]:
    """The changed files of the model below `root`, each with its new text."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise PatchError(f"line {error.lineno}: no diff, and no Python: {error.msg}") from error
    named = _IN.search(text)
    files = [root / named[1]] if named else sorted((root / "simulator").rglob("*.py"))
    if named and not files[0].is_file():
        raise PatchError(f"{named[1]} is not there")
    changes: dict[Path, _Change] = {}
    more: list[str] = []
    imports: list[str] = []
    for node in tree.body:
        segment = _segment(text, node)
        if isinstance(node, _Function):
            found = [(file, at) for file in files for at in _places(file, node.name)]
            if len(found) > 1:
                where = ", ".join(str(file.relative_to(root)) for file, _ in found)
                raise PatchError(
                    f"line {node.lineno}: {node.name}() stands in {where}; say which: # in FILE"
                )
            if found:
                file, (first, last) = found[0]
                change = changes.setdefault(file, _Change(file.read_text().splitlines()))
                change.replace.append((first, last, segment))
            else:
                more.append(segment)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(segment)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            raise PatchError(f"line {node.lineno}: neither a function nor an import; write a diff")
    if not changes:
        raise PatchError("replaces no function of simulator/; `mmfarm sites` lists the functions")
    if more and len(changes) > 1:
        raise PatchError("has new functions and changes several files: write a diff")
    return {file: _text(change, imports, more) for file, change in changes.items()}


def _text(change: _Change, imports: list[str], more: list[str]) -> str:
    lines = change.lines
    for first, last, segment in sorted(change.replace, reverse=True):
        lines[first - 1 : last] = segment.splitlines()
    if imports:
        at = _last_import("\n".join(lines))
        there = set(lines)
        lines[at:at] = [line for each in imports if each not in there for line in each.splitlines()]
    for segment in more:
        lines += ["", "", *segment.splitlines()]
    return "\n".join(lines) + "\n"


def _places(file: Path, name: str) -> list[tuple[int, int]]:
    """Lines of the functions of that name at the top of a file."""
    text = file.read_text()
    if f"def {name}(" not in text:
        return []
    return [
        (_first_line(node), node.end_lineno or node.lineno)
        for node in ast.parse(text).body
        if isinstance(node, _Function) and node.name == name
    ]


def _segment(text: str, node: ast.stmt) -> str:
    first = _first_line(node)
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def _first_line(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, _Function) else []
    return min([node.lineno, *(each.lineno for each in decorators)])


def _last_import(text: str) -> int:
    """The number of lines up to the last import at the top of a file."""
    return max(
        [
            node.end_lineno or node.lineno
            for node in ast.parse(text).body
            if isinstance(node, ast.Import | ast.ImportFrom)
        ],
        default=0,
    )
