# SPDX-License-Identifier: MIT
"""Which form of the model runs, compiled by mypyc or interpreted, and the build of the first.

`MMFARM_MODEL=compiled|interpreted|auto` is read here and nowhere else. The build id is the
SHA-256 of the sources that are compiled (the simulator, and the hot half of fuzz/); the
compiled set carries the id it was made from, and one that does not fit is not used: `auto`
(the default) then interprets and says so once, `compiled` refuses.

`python -m simulator.build` compiles. In a checkout the extension modules go to
build/compiled/, never beside the sources; for an installed package to the user's cache.
This module is imported before the choice is made, so it is never compiled itself.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Final

VARIABLE: Final = "MMFARM_MODEL"
SAID: Final = "MMFARM_MODEL_SAID"  # set for children, so that one run says it once
ID_FILE: Final = "BUILD_ID"
GROUP: Final = "mmfarm_model"
ROOT: Final = Path(__file__).resolve().parent.parent
HOT_FUZZ: Final = (
    "codec", "crossover", "draft", "generate", "hints", "mutate", "novelty", "operands",
    "portfolio", "rng", "search", "sketch", "slots",
)

_mode = ""


class ModelError(Exception):
    """MMFARM_MODEL asks for something that cannot be had; the text says what to do."""


def sources() -> list[Path]:
    """The files that are compiled, in a fixed order."""
    model = sorted((ROOT / "simulator").rglob("*.py"))
    kept = [p for p in model if p.name not in ("__init__.py", "build.py")]
    fuzz = [ROOT / "fuzz" / f"{name}.py" for name in HOT_FUZZ]
    return kept + [p for p in fuzz if p.exists()]


def build_id() -> str:
    """SHA-256 over names and contents of the compiled sources, in hex."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def compiled_dir() -> Path:
    """Where the extension modules of these sources are, or would go."""
    tag = sysconfig.get_config_var("SOABI") or "unknown"
    if (ROOT / "pyproject.toml").exists():
        return ROOT / "build" / "compiled" / tag
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "mmfarm" / "compiled" / tag


def compiled_id() -> str:
    """The build id that the compiled set carries, "" when there is none."""
    try:
        return (compiled_dir() / ID_FILE).read_text().strip()
    except OSError:
        return ""


def mode() -> str:
    """`compiled` or `interpreted`: what this process runs."""
    global _mode
    if not _mode:
        _mode = choose()
    return _mode


def choose() -> str:
    wanted = os.environ.get(VARIABLE, "auto") or "auto"
    if wanted not in ("auto", "compiled", "interpreted"):
        raise ModelError(f"{VARIABLE}={wanted}: use compiled, interpreted or auto")
    if wanted == "interpreted":
        return "interpreted"
    have = compiled_id()
    if have and have == build_id():
        return "compiled"
    why = "is older than its sources" if have else "is not there"
    remedy = "`python -m simulator.build` makes it"
    if wanted == "compiled":
        raise ModelError(f"{VARIABLE}=compiled, but the compiled model {why}: {remedy}")
    if not os.environ.get(SAID):
        os.environ[SAID] = "1"
        print(f"mmfarm: the compiled model {why}, interpreting ({remedy})", file=sys.stderr)
    return "interpreted"


def select(package: str, search_path: list[str]) -> None:
    """Put the compiled modules of a package before its sources. For `__init__.py`."""
    if mode() != "compiled":
        return
    where = compiled_dir()
    search_path.insert(0, str(where / package))
    if str(where) not in sys.path:
        sys.path.append(str(where))


# --- compiling -------------------------------------------------------------------------------------


def compile_model() -> float:
    """Compile into a new folder and swap it in; the seconds it took."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    began = time.monotonic()
    target = compiled_dir()
    work = target.with_name(target.name + ".new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    made_from = build_id()
    os.chdir(ROOT)
    names = [str(p.relative_to(ROOT)) for p in sources()]
    extensions = mypycify(
        names, opt_level="3", debug_level="0", multi_file=True, target_dir=str(work / "c"),
        group_name=GROUP,
    )
    for extension in extensions:
        extension.extra_compile_args = [*(extension.extra_compile_args or []), "-w"]
    dist = Distribution({"name": "mmfarm-model", "ext_modules": extensions})
    command = dist.get_command_obj("build_ext")
    command.build_lib = str(work)  # type: ignore[attr-defined]
    command.build_temp = str(work / "tmp")  # type: ignore[attr-defined]
    command.parallel = os.cpu_count()  # type: ignore[attr-defined]
    command.ensure_finalized()
    command.run()
    for init in sorted((ROOT / "simulator").rglob("__init__.py")):
        relative = init.relative_to(ROOT)
        if relative.parent != Path("simulator"):
            shutil.copy(init, work / relative)
    shutil.rmtree(work / "c", ignore_errors=True)
    shutil.rmtree(work / "tmp", ignore_errors=True)
    (work / ID_FILE).write_text(made_from + "\n")
    shutil.rmtree(target, ignore_errors=True)
    work.rename(target)
    return time.monotonic() - began


def main() -> int:
    """`python -m simulator.build`: compile if the compiled set does not fit the sources."""
    if sys.argv[1:] == ["--mode"]:
        print("compiled" if compiled_id() == build_id() else "interpreted")
        return 0
    if compiled_id() == build_id():
        print("the compiled model is up to date")
        return 0
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None and shutil.which("cc") is None:
        print(f"no C compiler ({compiler}): the model will be interpreted", file=sys.stderr)
        return 0
    print("compiling the model (about a minute) ...", flush=True)
    print(f"compiled {len(sources())} modules in {compile_model():.0f} s")
    return 0


if __name__ == "__main__":
    # Compile in a child that interprets, so that what is replaced is not in use.
    if os.environ.get(VARIABLE) != "interpreted":
        command = [sys.executable, "-m", "simulator.build", *sys.argv[1:]]
        sys.exit(subprocess.call(command, env={**os.environ, VARIABLE: "interpreted"}))
    sys.exit(main())
