# SPDX-License-Identifier: MIT
"""The lay-out of the rooms: who imports whom, and what model code may not contain.

All of it is read from the syntax trees, so a file that nothing imports is held to it too.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("simulator", "corpus", "fuzz", "conformance", "workers", "triage")  # may import leftwards
SIMULATOR_MAY_IMPORT = {"greenlet", "librt", "mypy_extensions"}
BUILD_TOOLS = {"mypyc", "setuptools"}  # for simulator/build/ alone, which compiles
MAY_TEST_BUGS = ("mm", "kernel", "fs", "machine", "drivers")
MODEL = (*MAY_TEST_BUGS, "sched", "oracles")
HEAVY = ("celery", "sqlalchemy", "alembic", "atheris", "kombu", "mypyc", "setuptools")


def trees(folder: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every source file below a folder of the project, parsed."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_bytes(), str(path))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and absolute name of every module that is imported, at whatever depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def unwinding(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What would run when greenlets are thrown away after the digest is frozen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With | ast.AsyncWith):
            yield node.lineno, "with"
        elif isinstance(node, ast.Try | ast.TryStar):
            if node.finalbody:
                yield node.lineno, "finally"
            for handler in node.handlers:
                caught = handler.type
                names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
                if any(n is None or ast.unparse(n).endswith("BaseException") for n in names):
                    yield handler.lineno, "except BaseException"


def bug_tests(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Reads of a flag of the Kernel's `bug`: `k.bug.some_id`."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "bug"
            and isinstance(node.value.value, ast.Name)
            and node.value.value.id in ("k", "kernel")
        ):
            yield node.lineno, f"bug {node.attr}"


def listed(found: Iterator[tuple[Path, int, str]]) -> list[str]:
    return [f"{path}:{line}: {what}" for path, line, what in found]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    above = set(ROOMS[ROOMS.index(room) + 1 :]) | {"tests"}
    assert not listed(
        (path, line, f"imports {name}")
        for path, tree in trees(room)
        for line, name in imports(tree)
        if name.startswith(".") or name.partition(".")[0] in above
    ), "imports go one way only, and by their full names"


def test_the_simulator_imports_nothing_but_the_standard_library_and_three_packages() -> None:
    allowed = SIMULATOR_MAY_IMPORT | set(sys.stdlib_module_names) | {"simulator"}
    assert not listed(
        (path, line, f"imports {name}")
        for path, tree in trees("simulator")
        for line, name in imports(tree)
        if name.partition(".")[0]
        not in allowed | (BUILD_TOOLS if path.parent.name == "build" else set())
    )


def test_only_the_model_of_linux_tests_a_bug() -> None:
    places = [
        (path, line, what)
        for room in ROOMS
        for path, tree in trees(room)
        for line, what in bug_tests(tree)
    ]
    assert places, "no place tests a bug: does bug_tests() still know how they are written?"
    allowed = tuple(Path("simulator") / folder for folder in MAY_TEST_BUGS)
    assert not listed(p for p in places if not any(p[0].is_relative_to(a) for a in allowed))


def test_model_code_runs_nothing_when_it_is_unwound() -> None:
    assert not listed(
        (path, line, f"{what}, in code that is thrown away after a violation")
        for folder in MODEL
        for path, tree in trees(f"simulator/{folder}")
        for line, what in unwinding(tree)
    )


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("try:\n  f()\nfinally:\n  g()", "finally"),
        ("with a:\n  f()", "with"),
        ("try:\n  f()\nexcept:\n  g()", "except BaseException"),
        ("try:\n  f()\nexcept (A, BaseException):\n  g()", "except BaseException"),
        ("try:\n  f()\nexcept builtins.BaseException:\n  g()", "except BaseException"),
    ],
)
def test_what_runs_when_unwound_is_recognized(code: str, what: str) -> None:
    assert [found for _, found in unwinding(ast.parse(code))] == [what]


def test_an_ordinary_handler_is_no_unwinding() -> None:
    assert not list(unwinding(ast.parse("try:\n  f()\nexcept (KeyError, OSError):\n  g()")))


@pytest.mark.parametrize("folder", [*ROOMS, "tests"])
def test_every_source_names_its_licence_and_says_what_it_is(folder: str) -> None:
    for path, tree in trees(folder):
        first = (ROOT / path).read_text().partition("\n")[0]
        assert first == "# SPDX-License-Identifier: MIT", path
        assert ast.get_docstring(tree), f"{path}: no docstring"


def test_every_folder_of_a_room_is_a_package() -> None:
    # A folder without __init__.py would be left out of the wheel without a word.
    for room in ROOMS:
        for path, _ in trees(room):
            assert (ROOT / path.parent / "__init__.py").exists(), path.parent


def test_no_other_distribution_provides_one_of_our_names() -> None:
    providers = packages_distributions()
    for room in ROOMS:
        assert set(providers.get(room, [])) <= {"mmfarm"}, room


def test_the_command_loads_nothing_heavy_before_a_verb_needs_it() -> None:
    code = f"import sys, triage.cli; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
