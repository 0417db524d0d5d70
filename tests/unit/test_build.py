# SPDX-License-Identifier: MIT
"""The build of the compiled model, and the choice between it and the interpreted one.

They are tested on a project of three small modules that has the real `simulator.build`, the
real `__init__.py`s and the real setup.py, so that compiling takes seconds.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from simulator import build
from simulator.build.__main__ import REPEAT_SECONDS, Told
from simulator.build.compiler import KEEP_SETS, PARTS, c_compiler, is_gcc, why_not

ROOT = Path(__file__).parents[2]
REAL = (
    "simulator/__init__.py",
    "simulator/mm/__init__.py",
    "simulator/build",
    "fuzz/__init__.py",
    "setup.py",
)
SMALL = {
    "simulator/state.py": """
from typing import final
from mypy_extensions import i64

@final
class Kernel:
    def __init__(self) -> None:
        self.nr_steps: i64 = 0

    def step(self) -> i64:
        self.nr_steps += 1
        return self.nr_steps
""",
    "simulator/mm/memory.py": """
from mypy_extensions import i64
from simulator.state import Kernel

def zap(k: Kernel, pages: i64) -> i64:
    last: i64 = 0
    for _ in range(pages):
        last = k.step()
    return last
""",
    "fuzz/codec.py": """
from simulator.mm.memory import zap
from simulator.state import Kernel

def decode(pages: int) -> int:
    return zap(Kernel(), pages)
""",
    "fuzz/training.py": "from fuzz.codec import decode\n\ndecode(100)\n",
    "fuzz/engine/__init__.py": "",
    "fuzz/engine/plain.py": "HOT = False\n",
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "small"
version = "1"
[tool.setuptools.packages.find]
include = ["simulator*", "fuzz*"]
""",
}
# Says what runs, what it computes, and which files it came from.
PROBE = """
import fuzz.codec, fuzz.engine.plain, simulator.mm.memory
from simulator import build
files = [fuzz.codec.__file__, fuzz.engine.plain.__file__, simulator.mm.memory.__file__]
print(build.mode(), fuzz.codec.decode(7), *["so" if f.endswith(".so") else "py" for f in files])
"""
COMPILED = "compiled 7 so py so\n"
INTERPRETED = "interpreted 7 py py py\n"

needs_compiler = pytest.mark.skipif(bool(why_not()), reason=why_not())


def small_project(where: Path) -> Path:
    for name in REAL:
        target = where / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            # Without what an installed package, or a run, may have left there.
            ignored = shutil.ignore_patterns("__pycache__", "compiled")
            shutil.copytree(ROOT / name, target, ignore=ignored)
        else:
            shutil.copy(ROOT / name, target)
    for name, text in SMALL.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)
    return where


def python(where: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a project, with MMFARM_MODEL unset unless given."""
    inherited = {name: value for name, value in os.environ.items() if name != build.VARIABLE}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=where,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def compiled_sets(project: Path) -> set[str]:
    return {path.name for path in (project / "build/compiled").glob("[!.]*") if path.is_dir()}


def parts(project: Path) -> set[str]:
    """The libraries of quick builds, whichever sets they are in."""
    return {path.name for path in (project / "build/compiled" / PARTS).iterdir()}


def edit(project: Path, name: str, old: str, new: str) -> None:
    source = (project / name).read_text()
    assert old in source
    (project / name).write_text(source.replace(old, new))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Never compiled."""
    return small_project(tmp_path / "project")


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = small_project(tmp_path_factory.mktemp("compiled") / "project")
    for arguments in ([], ["--quick"]):
        done = python(where, "-m", "simulator.build", *arguments)
        assert done.returncode == 0, done.stderr
        assert "compiled 3 modules" in done.stdout
        assert done.stderr.startswith("mmfarm: translating the model to C (")
    return where


@pytest.fixture
def compiled(compiled_once: Path, tmp_path: Path) -> Path:
    """Compiled, in full and the quick way; a copy for each test."""
    return shutil.copytree(compiled_once, tmp_path / "project", symlinks=True)


def only_quick(project: Path) -> None:
    for name in compiled_sets(project):
        if not name.startswith(build.QUICK):
            shutil.rmtree(project / "build/compiled" / name)


@pytest.mark.parametrize(
    "name",
    [
        "simulator/state.py",
        "simulator/mm/memory.py",
        "fuzz/codec.py",
        "simulator/build/compiler.py",
        "simulator/build/native.py",
    ],
)
def test_the_build_id_changes_with_a_source_and_with_how_it_is_compiled(
    project: Path, name: str
) -> None:
    before = build.id_of(project)
    with (project / name).open("a") as source:
        source.write("# changed\n")
    assert build.id_of(project) != before


def test_the_build_id_changes_with_the_name_of_a_source(project: Path) -> None:
    before = build.id_of(project)
    (project / "simulator/state.py").rename(project / "simulator/status.py")
    assert build.id_of(project) != before


def test_the_build_id_does_not_depend_on_what_is_never_compiled(project: Path) -> None:
    before = build.id_of(project)
    for name in ("fuzz/engine/plain.py", "simulator/build/__main__.py", "simulator/__init__.py"):
        with (project / name).open("a") as source:
            source.write("# changed\n")
    assert build.id_of(project) == before


def test_the_build_id_is_of_the_sources_a_process_started_with(project: Path) -> None:
    before = build.id_of(project)
    code = """
from simulator import build
open("simulator/state.py", "a").write("# changed")
print(build.build_id())
"""
    done = python(project, "-c", code, MMFARM_MODEL="interpreted")
    assert done.stdout == before + "\n"
    assert build.id_of(project) != before


def test_every_hot_module_of_the_fuzzer_exists() -> None:
    for name in build.HOT_FUZZ:
        assert (ROOT / "fuzz" / f"{name}.py").exists(), name


def test_no_compiled_module_stands_beside_the_sources() -> None:
    for room in ("simulator", "fuzz"):
        assert not list((ROOT / room).rglob("*.so"))


def test_without_a_compiled_model_auto_interprets_and_says_so_once(project: Path) -> None:
    code = f"{PROBE}\nimport subprocess, sys\nsubprocess.run([sys.executable, '-c', {PROBE!r}])"
    done = python(project, "-u", "-c", code)
    assert done.stdout == INTERPRETED + INTERPRETED
    assert done.stderr == (
        "mmfarm: the compiled model is not there, interpreting "
        "(`python -m simulator.build` makes it)\n"
    )


def test_without_a_compiled_model_compiled_refuses_and_names_the_remedy(project: Path) -> None:
    done = python(project, "-c", PROBE, MMFARM_MODEL="compiled")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "the compiled model is not there: `python -m simulator.build` makes it" in done.stderr


def test_an_unknown_mode_is_refused(project: Path) -> None:
    done = python(project, "-c", PROBE, MMFARM_MODEL="fast")
    assert done.returncode != 0
    assert "MMFARM_MODEL=fast: use compiled, interpreted or auto" in done.stderr


def test_without_a_c_compiler_the_build_says_so_and_succeeds(project: Path) -> None:
    done = python(project, "-m", "simulator.build", CC="no-such-compiler")
    assert done.returncode == 0
    assert done.stderr.startswith("no C compiler (no-such-compiler; ")
    assert "will be interpreted" in done.stderr


@needs_compiler
@pytest.mark.parametrize(
    ("wanted", "answer"),
    [("", COMPILED), ("auto", COMPILED), ("compiled", COMPILED), ("interpreted", INTERPRETED)],
)
def test_with_a_compiled_model_either_form_can_be_had(
    compiled_once: Path, wanted: str, answer: str
) -> None:
    done = python(compiled_once, "-c", PROBE, MMFARM_MODEL=wanted)
    assert (done.stdout, done.stderr) == (answer, "")


@needs_compiler
@pytest.mark.parametrize("first", ["simulator", "fuzz"])
def test_an_editable_installation_finds_the_compiled_model(
    compiled_once: Path, tmp_path: Path, first: str
) -> None:
    # Its finder is asked after the path: whatever the path has under our names comes first.
    code = f"""
import sys
from importlib.machinery import PathFinder

class Finder:
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, [{str(compiled_once)!r}]) if path is None else None

sys.meta_path.insert(sys.meta_path.index(PathFinder) + 1, Finder)
import {first}
{PROBE}"""
    done = python(tmp_path, "-P", "-c", code, PYTHONPATH="")
    assert (done.stdout, done.stderr) == (COMPILED, "")


@needs_compiler
def test_compiled_modules_are_made_outside_of_the_rooms(compiled_once: Path) -> None:
    made = {path.relative_to(compiled_once).parts[:2] for path in compiled_once.rglob("*.so")}
    assert made == {("build", "compiled")}
    # Three modules and their library; and three with one each.
    assert len(list((compiled_once / "build/compiled").glob("[!.]*/**/*.so"))) == 4 + 6


@needs_compiler
def test_a_compiled_model_of_other_sources_is_not_used(compiled: Path) -> None:
    with (compiled / "simulator/mm/memory.py").open("a") as source:
        source.write("# changed\n")
    done = python(compiled, "-c", PROBE)
    assert done.stdout == INTERPRETED
    assert "does not fit its sources, interpreting" in done.stderr
    done = python(compiled, "-c", PROBE, MMFARM_MODEL="compiled")
    assert done.returncode != 0
    assert "does not fit its sources: `python -m simulator.build` makes it" in done.stderr


@needs_compiler
def test_of_two_builds_the_full_one_runs(compiled: Path) -> None:
    code = f"{PROBE}\nprint(build.is_quick())"
    assert python(compiled, "-c", code).stdout == f"{COMPILED}False\n"
    only_quick(compiled)
    for wanted in ("auto", "compiled"):
        done = python(compiled, "-c", code, MMFARM_MODEL=wanted)
        assert (done.stdout, done.stderr) == (f"{COMPILED}True\n", "")


@needs_compiler
def test_building_again_does_nothing(compiled_once: Path) -> None:
    for arguments in ([], ["--quick"]):
        done = python(compiled_once, "-m", "simulator.build", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_compiler
def test_a_quick_build_compiles_the_module_that_changed(compiled: Path) -> None:
    before = parts(compiled)
    assert len(before) == 6
    # With a new constant, which would change the C of all modules of one library.
    edit(
        compiled,
        "simulator/mm/memory.py",
        "    return last",
        """
    if last > 1000:
        raise ValueError("a" + str(last))
    return last * 2""",
    )
    # Also when MMFARM_MODEL asks for the very form that is to be made.
    done = python(compiled, "-m", "simulator.build", "--quick", MMFARM_MODEL="compiled")
    assert done.returncode == 0, done.stderr
    assert len(parts(compiled)) == len(before) + 1
    assert python(compiled, "-c", PROBE).stdout == COMPILED.replace("7", "14")


@needs_compiler
def test_a_quick_build_compiles_what_uses_a_class_that_changed(compiled: Path) -> None:
    # `nr_steps` moves; memory.py, which did not change, must look for it in its new place.
    first = "        self.nr_steps: i64 = 0\n"
    edit(compiled, "simulator/state.py", first, f"        self.alarm: i64 = 1000\n{first}")
    edit(compiled, "simulator/state.py", "+= 1", "+= 2")
    done = python(compiled, "-m", "simulator.build", "--quick")
    assert done.returncode == 0, done.stderr
    code = "from simulator.state import Kernel; from simulator.mm.memory import zap; k = Kernel(); "
    assert python(compiled, "-c", PROBE).stdout == COMPILED.replace("7", "14")
    done = python(compiled, "-c", code + "zap(k, 3); print(k.alarm, k.nr_steps)")
    assert (done.stdout, done.stderr) == ("1000 6\n", "")


def test_what_takes_long_is_said_at_once_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0

    def wait(seconds: float) -> bool:
        nonlocal now
        now += seconds
        return now > 3 * REPEAT_SECONDS

    told = Told(wait, lambda: now)
    told.tell("compiling")
    told.repeat()
    assert capsys.readouterr().err == "".join(
        f"mmfarm: compiling ({seconds} s)\n" for seconds in (0, 8, 16, 24)
    )


@needs_compiler
def test_sources_with_a_type_error_leave_the_compiled_models_as_they_were(compiled: Path) -> None:
    before = compiled_sets(compiled)
    with (compiled / "fuzz/codec.py").open("a") as source:
        source.write("nr_pages: int = 'seven'\n")
    done = python(compiled, "-m", "simulator.build")
    assert done.returncode == 3
    assert "fuzz/codec.py:7: error: Incompatible types" in done.stdout
    assert "do not compile" in done.stderr
    assert compiled_sets(compiled) == before


@needs_compiler
@pytest.mark.skipif(not why_not() and not is_gcc(), reason="only gcc is asked to count")
def test_a_training_run_that_fails_leaves_no_compiled_model(project: Path) -> None:
    (project / "fuzz/training.py").write_text("raise SystemExit('no corpus')\n")
    done = python(project, "-m", "simulator.build")
    assert done.returncode == 3
    assert "the training run failed: no corpus" in done.stderr
    assert compiled_sets(project) == set()


@needs_compiler
def test_a_build_sweeps_unfinished_and_old_sets(compiled: Path) -> None:
    home = compiled / "build/compiled"
    made = compiled_sets(compiled)
    (full,) = (name for name in made if not name.startswith(build.QUICK))
    tag = full.rpartition("-")[0]
    for age in range(KEEP_SETS + 2):
        for kind in ("", build.QUICK):
            old = home / f"{kind}{tag}-{age:064}"
            old.mkdir()
            os.utime(old, (age, age))
    before = compiled_sets(compiled)
    (home / ".new-killed").mkdir()
    with (compiled / "fuzz/codec.py").open("a") as source:
        source.write("# changed\n")
    done = python(compiled, "-m", "simulator.build", "--quick")
    assert done.returncode == 0, done.stderr
    assert not (home / ".new-killed").exists()
    # Of those of its kind, which the others do not push out.
    newest = {f"{build.QUICK}{tag}-{KEEP_SETS + 1:064}"}
    after = {f"{build.QUICK}{tag}-{build.id_of(compiled)}"}
    others = {name for name in before if not name.startswith(build.QUICK)}
    assert compiled_sets(compiled) == made | others | newest | after


def wheel(project: Path, **environment: str) -> Path:
    done = python(
        project,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        "dist",
        "--disable-pip-version-check",
        ".",
        **environment,
    )
    assert done.returncode == 0, done.stderr
    (made,) = (project / "dist").iterdir()
    return made


@needs_compiler
def test_a_wheel_brings_the_compiled_model_and_its_sources(project: Path, tmp_path: Path) -> None:
    """By a compiler that is not gcc, and is not asked to count."""
    (project / "fuzz/training.py").write_text("raise SystemExit('not to be run')\n")
    other = tmp_path / "other-cc"
    other.write_text(
        f"""#!/bin/sh
case " $* " in
*" --version "*) echo "other C compiler" ;;
*) exec {c_compiler()} "$@" ;;
esac
"""
    )
    other.chmod(0o755)
    made = wheel(project, CC=str(other))
    assert not made.name.endswith("-none-any.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(made).extractall(installed)
    assert python(installed, "-c", PROBE).stdout == COMPILED
    done = python(installed, "-c", PROBE, MMFARM_MODEL="interpreted")
    assert (done.stdout, done.stderr) == (INTERPRETED, "")


def test_a_wheel_without_a_c_compiler_is_pure_and_carries_every_room(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    rooms = ("simulator", "corpus", "fuzz", "conformance", "workers", "triage")
    ignored = shutil.ignore_patterns("__pycache__")
    for room in rooms:
        shutil.copytree(ROOT / room, checkout / room, ignore=ignored)
    (checkout / "tests").mkdir()
    (checkout / "tests" / "__init__.py").touch()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    made = wheel(checkout, CC="no-such-compiler")
    assert made.name.endswith("-none-any.whl")
    carried = {n for n in zipfile.ZipFile(made).namelist() if ".dist-info/" not in n}
    expected = {
        path.relative_to(checkout).as_posix()
        for room in rooms
        for path in (checkout / room).rglob("*")
        if path.suffix
        in (".py", ".mm", ".claim", ".alphabet", ".mako", ".ini", ".c", ".h", ".config")
        + (".html", ".svg", ".css", ".js")
        and path.parent.name != "undisclosed"
    }
    assert carried == expected
