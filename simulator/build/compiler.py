# SPDX-License-Identifier: MIT
"""Compiles the model with mypyc into a folder of its own.

Contract: a set of compiled modules appears under its final name at once and complete, or not at
all; several builds at a time wait for each other. Sources that change meanwhile are noticed.
mypyc and setuptools are imported here only, and only to compile.

There are two builds of the same sources, with the same digests.

The full one is for fuzzing: one library, in which calls between modules are C calls. gcc compiles
it twice: an instrumented model counts in a short run of fuzzing (fuzz/training.py) which way
everything goes; one that is laid out by these counts is 1.3 times as fast.

The quick one is for trying a change: each module is a library of its own, and those whose C (with
the headers it includes) has been compiled before are taken from there. So a changed function costs
one translation to C of everything, and one library. docs/figures/build.md has what it costs when
it runs.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
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
QUICK_OPTIMIZE: Final = "1"  # half the time of -O2 to compile
FLAGS: Final = ("-fwrapv", "-fvisibility=hidden", "-fno-semantic-interposition", "-fno-plt")
INSTRUMENT: Final = "-fprofile-generate"
USE_COUNTS: Final = "-fprofile-use"
WHOLE: Final = "-flto=auto"  # small functions of other modules are inlined: 1.06 times as fast
TRAINING_SECONDS: Final = 300  # a limit: it takes some ten
KEEP_SETS: Final = 3  # older sets go, but not at once: a running fuzzer may still load from one

PARTS: Final = ".parts"  # of quick builds: every library that was compiled lately, by its key
KEEP_PARTS: Final = 1000  # files, two a module: several times what a set has


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


def c_version() -> str:
    """What the C compiler says it is."""
    said = subprocess.run([c_compiler(), "--version"], capture_output=True, check=False)
    return said.stdout.decode(errors="replace")


def is_gcc() -> bool:
    """Whether the compiler lays code out by counts in gcc's way; clang needs more tools."""
    return "Free Software Foundation" in c_version()


def compile_model(
    home: Path, *, quick: bool = False, tell: Callable[[str], None] = lambda _: None
) -> bool:
    """Make the compiled set of the current sources in `home`; False if it was there. `tell` is
    told what is being done whenever that changes."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waiting for another build")
            fcntl.flock(lock, fcntl.LOCK_EX)
        made_from = id_of(ROOT)
        target = home / set_name(made_from, quick=quick)
        if target.is_dir():
            target.touch()  # the newest again, see _prune()
            return False
        for left in home.glob(f"{NEW}*"):
            shutil.rmtree(left)  # by a build that was killed
        with tempfile.TemporaryDirectory(prefix=NEW, dir=home) as new:
            made = Path(new, "set")
            if quick:
                _compile_quick(Path(new), made, home / PARTS, tell)
            else:
                _compile_full(Path(new), made, target.name, tell)
            if id_of(ROOT) != made_from:
                raise CompileError("sources changed while they were compiled: compile again")
            made.rename(target)
        _prune(home, set_name("*", quick=quick), KEEP_SETS)
        _prune(home / PARTS, "*", KEEP_PARTS)
    return True


def _translate(work: Path, **options: Any) -> "list[Extension]":
    """Translate the current sources to C below `work`."""
    from mypyc.build import mypycify

    os.chdir(ROOT)  # mypyc names modules after paths from here
    names = [str(path.relative_to(ROOT)) for path in sources()]
    try:
        extensions: list[Extension] = mypycify(
            [*names, "--cache-dir", os.devnull],
            debug_level="0",
            target_dir=str(work / "c"),
            **options,
        )
    except SystemExit as error:  # after it has printed what is wrong with the sources
        raise CompileError("the sources do not compile, see above") from error
    return extensions


def _compile_full(work: Path, made: Path, name: str, tell: Callable[[str], None]) -> None:
    """Compile the current sources to a set, `made`, that will be called `name`."""
    tell("translating the model to C")
    # One C file a module: 29 s instead of 92 s on two cores, and the model is as fast.
    extensions = _translate(work, opt_level=OPTIMIZE, multi_file=True, group_name=GROUP)
    if not is_gcc():
        tell("compiling the model")
        _build(extensions, (), work, made)
        return
    # A copy of the sources stands as an installed model would, with a compiled set of its own.
    tree = work / "tree"
    for room in ("simulator", "fuzz"):
        ignored = shutil.ignore_patterns("__pycache__", "compiled")
        shutil.copytree(ROOT / room, tree / room, ignore=ignored)
    tell("compiling the model to count which way it goes (1 of 2)")
    _build(extensions, (INSTRUMENT,), work, tree / "simulator" / "build" / "compiled" / name)
    tell("counting")
    _train(tree)  # leaves its counts beside the object files, where gcc looks for them next
    tell("compiling the model, laid out by these counts (2 of 2)")
    _build(extensions, (USE_COUNTS, WHOLE), work, made)


def _compile_quick(work: Path, made: Path, parts: Path, tell: Callable[[str], None]) -> None:
    """Compile the current sources to a set, `made`, with what `parts` has."""
    tell("translating the model to C")
    # mypyc could leave out modules that did not change, but it fails on some that use them.
    extensions = _translate(
        work, opt_level=QUICK_OPTIMIZE, separate=True, include_runtime_files=False
    )
    tell("compiling what has changed of the model")
    parts.mkdir(exist_ok=True)
    _build(extensions, (), work, made, parts)


def _build(
    extensions: "list[Extension]",
    flags: tuple[str, ...],
    work: Path,
    made: Path,
    parts: Path | None = None,
) -> None:
    """Compile C files to a set of modules and their library, in `made`. With `parts`, libraries
    that are there are not compiled, and those that are not go there."""
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext
    from setuptools.errors import BaseError

    uses = Counter(file for extension in extensions for file in extension.sources)
    runtime: dict[str, list[str]] = {}  # objects of mypyc's own C, which quick libraries share
    one_at_a_time = threading.Lock()

    class ParallelBuild(build_ext):
        """Compiles side by side: the files of one library, or several libraries."""

        def build_extensions(self) -> None:
            compiler: Any = self.compiler
            compile_files = compiler.compile

            def one(file: str, *arguments: Any, **options: Any) -> list[str]:
                objects: list[str] = compile_files([file], *arguments, **options)
                return objects

            def compile(files: list[str], *arguments: Any, **options: Any) -> list[str]:
                if parts is None:
                    with ThreadPool(os.cpu_count()) as pool:
                        made = pool.map(lambda file: one(file, *arguments, **options), files, 1)
                else:
                    made = [one(file, *arguments, **options) for file in files if uses[file] == 1]
                    with one_at_a_time:
                        for file in files:
                            if uses[file] > 1 and file not in runtime:
                                runtime[file] = one(file, *arguments, **options)
                    made += [runtime[file] for file in files if uses[file] > 1]
                return [each for objects in made for each in objects]

            compiler.compile = compile
            # -w: generated C, nobody can mend its warnings.
            compiler.compiler_so = [*compiler.compiler_so, "-w", *FLAGS, *flags]
            compiler.linker_so = [*compiler.linker_so, *flags]
            super().build_extensions()

        def build_extension(self, ext: "Extension") -> None:
            if parts is None:
                super().build_extension(ext)
                return
            built = Path(self.get_ext_fullpath(ext.name))
            part = parts / _key(ext, common)
            if part.exists():
                part.touch()  # the newest again, see _prune()
                built.parent.mkdir(parents=True, exist_ok=True)
            else:
                super().build_extension(ext)
                built.rename(part)  # at once and complete
            os.link(part, built)

    common = " ".join((c_version(), version("mypy"), OPTIMIZE, *FLAGS, set_name(""))).encode()
    build = ParallelBuild(Distribution({"name": "mmfarm", "ext_modules": extensions}))
    build.build_lib = str(made)
    build.build_temp = str(work / "objects")  # the same every time, for the counts
    build.parallel = parts is not None and os.cpu_count()
    build.ensure_finalized()
    try:
        build.run()
    except BaseError as error:
        raise CompileError(f"the C compiler failed: {error}") from error
    (made / LIBRARY).mkdir()
    for library in made.glob("*.so"):  # none in a quick set, where they stand beside their modules
        library.rename(made / LIBRARY / library.name)
    for init in sorted((ROOT / "simulator").glob("*/**/__init__.py")):
        folder = made / init.parent.relative_to(ROOT)
        if folder.is_dir():  # sub-packages are taken whole from the compiled set
            shutil.copy(init, folder)


def _key(ext: "Extension", common: bytes) -> str:
    """The name of a part: all that its machine code depends on."""
    digest = sha256(common)
    for file in (*ext.sources, *ext.depends):
        content = Path(file).read_bytes()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def _train(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.training"],
        cwd=tree,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tree), VARIABLE: "compiled"},
        timeout=TRAINING_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise CompileError(f"the training run failed: {done.stderr[-2000:]}")


def _prune(folder: Path, pattern: str, keep: int) -> None:
    """Remove all but the `keep` newest of what a folder has by such names."""
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)
    for old in found[:-keep]:
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink()
