# SPDX-License-Identifier: MIT
"""Which form of the model runs: compiled by mypyc, or interpreted from the same sources.

`MMFARM_MODEL=compiled|interpreted|auto` is read here and nowhere else. The build id is the
SHA-256 of the sources that get compiled (the simulator, and the hot half of fuzz/), taken when
this process started; a compiled set lives in a folder that is named after the build id, so one
that does not fit the sources is never even looked at. Of two sets that fit, a full and a quick one
(compiler.py), the full one runs. Without a fitting set `auto` (the default) interprets and says so
once, and `compiled` refuses.

`python -m simulator.build` compiles. This package is imported before the choice is made, so it
is never compiled itself. It does not promise that compiled and interpreted agree: tests do.
"""

import hashlib
import os
import sys
import sysconfig
from pathlib import Path
from typing import Final

VARIABLE: Final = "MMFARM_MODEL"
# Set in a copy with a changed model (`--model PATCH`), which is compiled while it is used already.
PATCHED: Final = "MMFARM_PATCHED"
ROOT: Final = Path(__file__).resolve().parents[2]  # what holds the rooms
HOT_FUZZ: Final = (
    "codec",
    "crossover",
    "draft",
    "explore",
    "focus",
    "generate",
    "hints",
    "inflight",
    "interleave",
    "meetings",
    "mutate",
    "novelty",
    "operands",
    "portfolio",
    "rng",
    "search",
    "sketch",
    "slots",
)

# The folder, in a compiled set, of the library that all its modules share. Alone, because it
# comes on the path, where a folder `fuzz` would be taken for the package.
LIBRARY: Final = "library"
QUICK: Final = "quick-"  # begins the names of sets that were compiled the quick way


class ModelError(Exception):
    """MMFARM_MODEL asks for something that cannot be had; the text says what to do."""


def sources(root: Path = ROOT) -> list[Path]:
    """The files that are compiled, in a fixed order."""
    own = root / "simulator" / "build"
    model = [
        path
        for path in (root / "simulator").rglob("*.py")
        if path.name != "__init__.py" and not path.is_relative_to(own)
    ]
    hot = [root / "fuzz" / f"{name}.py" for name in HOT_FUZZ]
    return sorted(model) + [path for path in hot if path.exists()]


def id_of(root: Path) -> str:
    """SHA-256 over names and contents of the sources below `root`, and of the way they are
    compiled or interpreted, in hex."""
    digest = hashlib.sha256()
    ways = [root / "simulator" / "build" / name for name in ("compiler.py", "native.py")]
    for path in [*sources(root), *ways]:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        content = path.read_bytes()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def build_id() -> str:
    """The id of the sources that this process runs, whatever is edited meanwhile."""
    return _BUILD_ID


def mode() -> str:
    """`compiled` or `interpreted`: what this process runs."""
    return "interpreted" if _SET is None else "compiled"


def wants_interpreted() -> bool:
    """Whether the user has asked for the interpreted model."""
    return os.environ.get(VARIABLE) == "interpreted"


def mode_of_children() -> str:
    """What a child process shall run: what this one runs; of a changed model whichever form is
    there by then."""
    return "auto" if os.environ.get(PATCHED) and not wants_interpreted() else mode()


def is_checkout() -> bool:
    return (ROOT / "pyproject.toml").exists()


def home() -> Path:
    """The folder of the compiled sets: never beside the sources of a checkout."""
    if is_checkout():
        return ROOT / "build" / "compiled"
    return ROOT / "simulator" / "build" / "compiled"  # a wheel brings its set along


def is_quick() -> bool:
    """Whether what runs is compiled the quick way: for trying a change, not for measuring."""
    return _SET is not None and _SET.name.startswith(QUICK)


def set_name(of: str, *, quick: bool = False) -> str:
    """The folder of the compiled set with this build id, for this Python."""
    return f"{QUICK if quick else ''}{sysconfig.get_config_var('SOABI')}-{of}"


def select(package: str, search_path: list[str]) -> None:
    """Put the compiled modules of a package before its sources. For its `__init__.py`."""
    if _SET is not None:
        search_path.insert(0, str(_SET / package))
        library = str(_SET / LIBRARY)
        if library not in sys.path:
            sys.path.append(library)


def _choose() -> Path | None:
    """The compiled set that runs; None to interpret."""
    if "simulator.build" in sys.orig_argv:
        return None  # `python -m simulator.build`: about to make what is missing
    wanted = os.environ.get(VARIABLE) or "auto"
    if wanted not in ("auto", "compiled", "interpreted"):
        raise ModelError(f"{VARIABLE}={wanted}: use compiled, interpreted or auto")
    if wanted == "interpreted":
        return None
    for quick in (False, True):
        made = home() / set_name(_BUILD_ID, quick=quick)
        if made.is_dir():
            return made
    why = "does not fit its sources" if any(home().glob(f"*{set_name('*')}")) else "is not there"
    remedy = (
        "`python -m simulator.build` makes it"
        if is_checkout()
        else "install mmfarm again where a C compiler is found"
    )
    if wanted == "compiled":
        raise ModelError(f"{VARIABLE}=compiled, but the compiled model {why}: {remedy}")
    if os.environ.get(PATCHED):
        if os.environ[PATCHED] != _SAID:
            print("mmfarm: the changed model is interpreted until it is compiled", file=sys.stderr)
            os.environ[PATCHED] = _SAID
        return None
    print(f"mmfarm: the compiled model {why}, interpreting ({remedy})", file=sys.stderr)
    os.environ[VARIABLE] = "interpreted"  # for children, so that one run says it once
    return None


_SAID: Final = "said"
_BUILD_ID: Final = id_of(ROOT)
_SET: Final = _choose()
