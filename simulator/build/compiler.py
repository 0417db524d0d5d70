# SPDX-License-Identifier: MIT
"""Compiles the model with mypyc into a folder of its own.

Contract: a set of compiled modules appears under its final name at once and complete, or not at
all; several builds at a time wait for each other. Sources that change meanwhile are noticed.
mypyc and setuptools are imported here only, and only to compile.

gcc compiles twice: an instrumented model counts in a short run of fuzzing (fuzz/training.py)
which way everything goes; one that is laid out by these counts is 1.3 times as fast.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from simulator.build import LIBRARY, ROOT, VARIABLE, id_of, set_name, sources

if TYPE_CHECKING:
    from setuptools import Extension

GROUP: Final = "mmfarm_model"  # one library for all modules: calls between them are C calls
NEW: Final = ".new-"  # begins the names of folders of unfinished builds
# A model is large and its profile flat: what keeps the code small makes it fast. -O2 is 1.2 times
# as fast as -O3; calls within the library need no detour through tables for other libraries.
# Digests overflow, and must do so as Python's masked numbers do: -fwrapv.
OPTIMIZE: Final = "2"
FLAGS: Final = ("-fwrapv", "-fvisibility=hidden", "-fno-semantic-interposition", "-fno-plt")
INSTRUMENT: Final = "-fprofile-generate"
USE_COUNTS: Final = "-fprofile-use"
TRAINING_SECONDS: Final = 300  # a limit: it takes some ten
KEEP_SETS: Final = 3  # older sets go, but not at once: a running fuzzer may still load from one


class CompileError(Exception):
    """The model could not be compiled; the text says what to do."""


def why_not() -> str:
    """Why nothing can be compiled here, "" if it can."""
    if shutil.which(c_compiler()) is None:
        return f"no C compiler ({c_compiler()}; Debian: apt-get install gcc)"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "no Python.h (Debian: apt-get install python3-dev)"
    return ""


def c_compiler() -> str:
    """The program that setuptools will call."""
    return (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]


def is_gcc() -> bool:
    """Whether the compiler lays code out by counts in gcc's way; clang needs more tools."""
    said = subprocess.run([c_compiler(), "--version"], capture_output=True, check=False)
    return b"Free Software Foundation" in said.stdout


def compile_model(home: Path) -> bool:
    """Make the compiled set of the current sources in `home`; False if it was there."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made_from = id_of(ROOT)
        target = home / set_name(made_from)
        if target.is_dir():
            target.touch()  # the newest again, see _prune()
            return False
        for left in home.glob(f"{NEW}*"):
            shutil.rmtree(left)  # by a build that was killed
        with tempfile.TemporaryDirectory(prefix=NEW, dir=home) as new:
            made = _compile(Path(new), target.name)
            if id_of(ROOT) != made_from:
                raise CompileError("sources changed while they were compiled: compile again")
            made.rename(target)
        _prune(home)
    return True


def _compile(work: Path, name: str) -> Path:
    """Compile the current sources. Returns the set, a folder in `work`."""
    from mypyc.build import mypycify

    # One C file a module: 29 s instead of 92 s on two cores, and the model is as fast.
    os.chdir(ROOT)  # mypyc names modules after paths from here
    names = [str(path.relative_to(ROOT)) for path in sources()]
    try:
        extensions = mypycify(
            names, opt_level=OPTIMIZE, debug_level="0", multi_file=True,
            target_dir=str(work / "c"), group_name=GROUP,
        )
    except SystemExit as error:  # after it has printed what is wrong with the sources
        raise CompileError("the sources do not compile, see above") from error
    made = work / "set"
    if not is_gcc():
        _build(extensions, (), work, made)
        return made
    # A copy of the sources stands as an installed model would, with a compiled set of its own.
    tree = work / "tree"
    for room in ("simulator", "fuzz"):
        ignored = shutil.ignore_patterns("__pycache__", "compiled")
        shutil.copytree(ROOT / room, tree / room, ignore=ignored)
    _build(extensions, (INSTRUMENT,), work, tree / "simulator" / "build" / "compiled" / name)
    _train(tree)  # leaves its counts beside the object files, where gcc looks for them next
    _build(extensions, (USE_COUNTS,), work, made)
    return made


def _build(
    extensions: "list[Extension]", flags: tuple[str, ...], work: Path, made: Path
) -> None:
    """Compile C files to a set of modules and their library, in `made`."""
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext
    from setuptools.errors import BaseError

    class ParallelBuild(build_ext):
        """Compiles the files of one extension side by side."""

        def build_extensions(self) -> None:
            compiler: Any = self.compiler
            compile_files = compiler.compile

            def compile(files: list[str], *arguments: Any, **options: Any) -> list[str]:
                def one(file: str) -> list[str]:
                    objects: list[str] = compile_files([file], *arguments, **options)
                    return objects

                with ThreadPool(os.cpu_count()) as pool:
                    return [each for objects in pool.map(one, files, 1) for each in objects]

            compiler.compile = compile
            # -w: generated C, nobody can mend its warnings.
            compiler.compiler_so = [*compiler.compiler_so, "-w", *FLAGS, *flags]
            compiler.linker_so = [*compiler.linker_so, *flags]
            super().build_extensions()

    build = ParallelBuild(Distribution({"name": "mmfarm", "ext_modules": extensions}))
    build.build_lib = str(made)
    build.build_temp = str(work / "objects")  # the same every time, for the counts
    build.ensure_finalized()
    try:
        build.run()
    except BaseError as error:
        raise CompileError(f"the C compiler failed: {error}") from error
    (made / LIBRARY).mkdir()
    for library in made.glob("*.so"):
        library.rename(made / LIBRARY / library.name)
    for init in sorted((ROOT / "simulator").glob("*/**/__init__.py")):
        folder = made / init.parent.relative_to(ROOT)
        if folder.is_dir():  # sub-packages are taken whole from the compiled set
            shutil.copy(init, folder)


def _train(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.training"], cwd=tree, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(tree), VARIABLE: "compiled"},
        timeout=TRAINING_SECONDS, check=False,
    )
    if done.returncode != 0:
        raise CompileError(f"the training run failed: {done.stderr[-2000:]}")


def _prune(home: Path) -> None:
    sets = sorted(home.glob(set_name("*")), key=lambda path: path.stat().st_mtime_ns)
    for old in sets[:-KEEP_SETS]:
        shutil.rmtree(old)
