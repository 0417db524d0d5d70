# SPDX-License-Identifier: MIT
"""Compiles the model with mypyc into a folder of its own.

Contract: a set of compiled modules appears under its final name at once and complete, or not at
all; several builds at a time wait for each other. Sources that change meanwhile are noticed.
mypyc and setuptools are imported here only, and only to compile.
"""

import fcntl
import os
import shutil
import sysconfig
import tempfile
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, Final

from simulator.build import LIBRARY, ROOT, id_of, set_name, sources

GROUP: Final = "mmfarm_model"  # one library for all modules: calls between them are C calls
NEW: Final = ".new-"  # begins the names of folders of unfinished builds
# A model is large and its profile flat: what keeps the code small makes it fast. -O2 is 1.2 times
# as fast as -O3; calls within the library need no detour through tables for other libraries.
OPTIMIZE: Final = "2"
FLAGS: Final = ("-fvisibility=hidden", "-fno-semantic-interposition", "-fno-plt")
KEEP_SETS: Final = 3  # older sets go, but not at once: a running fuzzer may still load from one


class CompileError(Exception):
    """The model could not be compiled; the text says what to do."""


def why_not() -> str:
    """Why nothing can be compiled here, "" if it can."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"no C compiler ({compiler}; Debian: apt-get install gcc)"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "no Python.h (Debian: apt-get install python3-dev)"
    return ""


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
            work = Path(new, "set")
            _compile(work, Path(new, "c"))
            if id_of(ROOT) != made_from:
                raise CompileError("sources changed while they were compiled: compile again")
            work.rename(target)
        _prune(home)
    return True


def _compile(work: Path, temporary: Path) -> None:
    from mypyc.build import mypycify
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
                    made: list[str] = compile_files([file], *arguments, **options)
                    return made

                with ThreadPool(os.cpu_count()) as pool:
                    return [made for objects in pool.map(one, files, 1) for made in objects]

            compiler.compile = compile
            super().build_extensions()

    # One C file a module: 29 s instead of 92 s on two cores, and the model is as fast.
    os.chdir(ROOT)  # mypyc names modules after paths from here
    names = [str(path.relative_to(ROOT)) for path in sources()]
    try:
        extensions = mypycify(
            names, opt_level=OPTIMIZE, debug_level="0", multi_file=True, target_dir=str(temporary),
            group_name=GROUP,
        )
    except SystemExit as error:  # after it has printed what is wrong with the sources
        raise CompileError("the sources do not compile, see above") from error
    for extension in extensions:
        # -w: generated C, nobody can mend its warnings.
        extension.extra_compile_args += ["-w", *FLAGS]
    build = ParallelBuild(Distribution({"name": "mmfarm", "ext_modules": extensions}))
    build.build_lib = str(work)
    build.build_temp = str(temporary)
    build.ensure_finalized()
    try:
        build.run()
    except BaseError as error:
        raise CompileError(f"the C compiler failed: {error}") from error
    (work / LIBRARY).mkdir()
    for library in work.glob("*.so"):
        library.rename(work / LIBRARY / library.name)
    for init in sorted((ROOT / "simulator").glob("*/**/__init__.py")):
        folder = work / init.parent.relative_to(ROOT)
        if folder.is_dir():  # sub-packages are taken whole from the compiled set
            shutil.copy(init, folder)


def _prune(home: Path) -> None:
    sets = sorted(home.glob(set_name("*")), key=lambda path: path.stat().st_mtime_ns)
    for old in sets[:-KEEP_SETS]:
        shutil.rmtree(old)
