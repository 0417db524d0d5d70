# SPDX-License-Identifier: MIT
"""The lay-out of the rooms: who imports whom, and what model code may not contain.

All of it is read from the syntax trees, so a file that nothing imports is held to it too. One
test imports the modules of the simulator, each alone.
"""

import ast
import os
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
MODEL = (*MAY_TEST_BUGS, "lib", "sched", "oracles")
# The floors inside simulator/, from below: modules and folders import what stands on their own
# floor or below. An import under TYPE_CHECKING is a forward declaration and may look up.
FLOORS = (
    (
        "values",
        "tables errno outcome scenario ops sites objects lock_classes features bugs kernels "
        "rng validate build.native",
    ),
    ("types and state", "mm.mm_types mm.swap_types task state watch page_state lib"),
    ("sched", "sched"),
    ("machine", "machine"),
    ("mm", "mm"),
    ("kernel, fs, drivers", "kernel fs drivers"),
    ("oracles", "oracles"),
    ("syscalls", "syscalls"),
    ("engine", "engine"),
    ("observer, dump, trace", "observer dump trace touched calls"),
    ("run", "run"),
)
NO_MODEL = ("simulator", "simulator.build")  # what finds and compiles the model
# Imports that go up a floor, and why.
BACK_EDGES = {
    (
        "simulator.state",
        "simulator.sched.core",
    ): "a step is where the scheduler comes in, and the scheduler works on the Kernel"
}
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


def run_time_imports(tree: ast.AST, modules: set[str]) -> Iterator[str]:
    """Modules among `modules` that are imported when this one runs, not only for type checks."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for other in node.orelse:
                yield from run_time_imports(other, modules)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield from (name for name in (full, node.module) if name in modules)
        yield from run_time_imports(node, modules)


def module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def simulator_graph() -> dict[str, set[str]]:
    """By module of the model (packages that only name themselves left out): what it imports."""
    found = {module_name(path): tree for path, tree in trees("simulator")}
    modules = {
        name
        for name, tree in found.items()
        if len(tree.body) > 1
        and (name == "simulator.build.native" or name.rpartition(".")[0] != NO_MODEL[1])
        and name not in NO_MODEL
    }
    return {name: set(run_time_imports(found[name], modules)) - {name} for name in sorted(modules)}


def floor(module: str) -> int:
    """The number of the floor that a module of the simulator stands on; -1 for none."""
    name = module.removeprefix("simulator.")
    best, at = -1, -1
    for number, (_, members) in enumerate(FLOORS):
        for member in members.split():
            if (name + ".").startswith(member + ".") and len(member) > best:
                best, at = len(member), number
    return at


def circles(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Modules that lead back to themselves, or stand between such: what is left when all that
    import none of the others, or that none of the others imports, have been cut."""
    left = graph
    while True:
        imported = {other for others in left.values() for other in others}
        kept = {n for n, others in left.items() if n in imported and others & left.keys()}
        if len(kept) == len(left):
            return left
        left = {name: left[name] & kept for name in kept}


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


def test_every_module_of_the_simulator_stands_on_a_floor() -> None:
    assert [name for name in simulator_graph() if floor(name) < 0] == []


def test_imports_inside_the_simulator_go_down_only() -> None:
    up = {
        (name, other)
        for name, others in simulator_graph().items()
        for other in others
        if floor(other) > floor(name)
    }
    assert sorted(up - BACK_EDGES.keys()) == []


def test_nothing_but_the_table_of_syscalls_imports_drivers() -> None:
    """They register their operations."""
    importers = {
        name
        for name, others in simulator_graph().items()
        for other in others
        if other.startswith("simulator.drivers") and not name.startswith("simulator.drivers")
    }
    assert importers == {"simulator.syscalls"}


def test_no_modules_of_the_simulator_import_each_other_in_a_circle() -> None:
    graph = simulator_graph()
    for name, other in BACK_EDGES:
        assert other in graph[name], f"{name} no longer imports {other}: take it off BACK_EDGES"
        graph[name].discard(other)
    assert circles(graph) == {}


def test_each_module_of_the_simulator_imports_alone() -> None:
    """That is certain of a module on no circle: it finds what it imports complete. For each of
    the others a process that has imported nothing of the model forks a child that does."""
    code = """
import importlib, os, sys
import dataclasses, dis, greenlet, simulator
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(f"{name}: {error}", flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *sorted(circles(simulator_graph()))],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=True,
        env=os.environ | {"MMFARM_MODEL": "interpreted"},
    )
    assert done.stdout == ""


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
