# SPDX-License-Identifier: MIT
"""A copy of the project that has many mutants at once, each of which can be switched on.

A mutant is a whole function, put beside the right one under the name `f__m7`; `f` goes there when
`simulator.mutant.SWITCH.on` is 7. So all of them are compiled in one go and run at full speed, and
a mutant that does not pass the type checker (which nobody could commit) spoils no other one.
"""

import ast
import copy
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.soak.mutation import Function, Mutant, Place, blocks, functions, parse_rooms

ROOT: Final = Path(__file__).resolve().parents[2]
COPIED: Final = ("simulator", "fuzz", "corpus", "tests")
SWITCH: Final = '''# SPDX-License-Identifier: MIT
"""Which mutant runs; 0 none."""

from typing import Final

from mypy_extensions import i64

from simulator.build.native import final


@final
class Switch:
    def __init__(self) -> None:
        self.on: i64 = 0


SWITCH: Final = Switch()
'''
COVER: Final = '''# SPDX-License-Identifier: MIT
"""Which statements have run."""

HIT: set[tuple[str, str, int]] = set()
'''
# Without the project's stricter checks: a mistake may leave a condition redundant.
PYPROJECT: Final = """[project]
name = "mmfarm"
version = "0"

[tool.mypy]
python_version = "3.11"
ignore_missing_imports = true
"""
ERROR: Final = re.compile(r"^(?P<path>[^:]+):(?P<line>\d+):.* error: ")


class BadTree(Exception):
    """The copy does not type-check for reasons that are no mutant's."""


def copy_project(tree: Path) -> None:
    """A fresh copy, without compiled sets and without anything that git ignores."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for room in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "compiled")
        shutil.copytree(ROOT / room, tree / room, ignore=ignored)
    (tree / "pyproject.toml").write_text(PYPROJECT)


def environment(tree: Path, model: str) -> dict[str, str]:
    """For a child that shall run the copy."""
    return os.environ | {"PYTHONPATH": str(tree), "MMFARM_MODEL": model}


# --- what runs -----------------------------------------------------------------------------------


def instrument(tree: Path, places: set[Place]) -> None:
    """Make the copy note which of these statements run, in simulator.cover.HIT."""
    (tree / "simulator" / "cover.py").write_text(COVER)
    for path, module in parse_rooms(tree / "simulator").items():
        for name, function in functions(module):
            for block in list(blocks(function)):
                for statement in list(block):
                    if Place(path, name, statement.lineno) in places:
                        note = f"cover.HIT.add(({path!r}, {name!r}, {statement.lineno}))"
                        block.insert(block.index(statement), ast.parse(note).body[0])
        module.body.append(ast.parse("from simulator import cover").body[0])
        write(tree, path, module)


def write(tree: Path, path: str, module: ast.Module) -> None:
    text = ast.unparse(ast.fix_missing_locations(module))
    (tree / "simulator" / path).write_text("# SPDX-License-Identifier: MIT\n" + text + "\n")


# --- mutants -------------------------------------------------------------------------------------


def add_mutants(tree: Path, mutants: Iterable[tuple[int, Mutant]]) -> None:
    """Put numbered mutants into a fresh copy."""
    (tree / "simulator" / "mutant.py").write_text(SWITCH)
    trees = parse_rooms(tree / "simulator")
    changed: dict[str, ast.Module] = {}
    for number, mutant in mutants:
        module = trees[mutant.place.path]
        changed[mutant.place.path] = module
        owner, original = find(module, mutant.place.function)
        new = copy.deepcopy(mutant.function)
        new.name = f"{original.name}__m{number}"
        owner.insert(owner.index(original) + 1, new)
        dispatch(original, number, new.name)
    for path, module in changed.items():
        module.body += ast.parse("from simulator import mutant").body
        if needs_clear(module):
            line = "from simulator.mm.pgtable import ptep_get_and_clear"
            module.body += ast.parse(line).body
        write(tree, path, module)


def needs_clear(module: ast.Module) -> bool:
    """Whether a mutant calls ptep_get_and_clear() in a module that does not know it."""
    text = ast.unparse(module)
    return "ptep_get_and_clear(" in text and not re.search(
        r"import [^\n]*\bptep_get_and_clear\b|def ptep_get_and_clear\b", text
    )


def find(module: ast.Module, name: str) -> tuple[list[ast.stmt], Function]:
    """The function of that name, and the list of statements that it stands in."""
    body = module.body
    scope, _, short = name.rpartition(".")
    if scope:
        body = next(
            node.body for node in body if isinstance(node, ast.ClassDef) and node.name == scope
        )
    return body, next(node for node in body if isinstance(node, Function) and node.name == short)


def dispatch(function: Function, number: int, name: str) -> None:
    """Let the function go to its mutant where that is on."""
    arguments = [argument.arg for argument in function.args.args]
    method = arguments[:1] == ["self"]
    given = ", ".join(arguments[method:] + [f"{a.arg}={a.arg}" for a in function.args.kwonlyargs])
    call = f"{'self.' if method else ''}{name}({given})"
    nothing = function.returns is not None and ast.unparse(function.returns) == "None"
    lines = f"if mutant.SWITCH.on == {number}:\n    "
    lines += f"{call}\n    return" if nothing else f"return {call}"
    at = 1 if ast.get_docstring(function) else 0
    function.body[at:at] = ast.parse(lines).body


def refused(tree: Path) -> set[int]:
    """The numbers of the mutants that the type checker refuses."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "simulator"],
        cwd=tree,
        env=environment(tree, "interpreted"),
        capture_output=True,
        text=True,
        check=False,
    )
    numbers: set[int] = set()
    for line in done.stdout.splitlines():
        match = ERROR.match(line)
        if match is None:
            continue
        number = mutant_at(tree / match["path"], int(match["line"]))
        if number == 0:
            raise BadTree(line)
        numbers.add(number)
    return numbers


def mutant_at(path: Path, line: int) -> int:
    """The number of the mutant whose function has that line, 0 for none."""
    for name, function in functions(ast.parse(path.read_text())):
        if function.lineno <= line <= (function.end_lineno or 0) and "__m" in name:
            return int(name.rpartition("__m")[2])
    return 0


def compile_tree(tree: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "simulator.build"],
        cwd=tree,
        env=environment(tree, "auto"),
        check=True,
        stdout=sys.stderr,
    )
