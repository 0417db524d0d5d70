# SPDX-License-Identifier: MIT
"""`--model PATCH`: the verb runs in a copy of mmfarm whose model is changed.

PATCH is a unified diff against simulator/, or a Python file whose functions replace those of the
same name there. The copy stands below the cache folder, by what it was made of, so the same patch
finds it again. It is a checkout to all that follows: its sources have a build id of their own, it
is interpreted at once, and a quick build begins in the background; processes that start when that
is ready, slices of `mmfarm run` among them, take it.

Contract: `become` replaces this process, or raises Refused with what is wrong with the patch. A
patched model keeps the rules of the model by no check of ours: one that does not import or compile
says so when it runs.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from corpus.paths import cache_dir
from simulator.build import PATCHED, ROOT, home, wants_interpreted
from triage.exits import Refused
from triage.replaced import PatchError, replaced

ROOMS: Final = ("simulator", "corpus", "fuzz", "conformance", "workers", "triage")
MAX_PATCH_BYTES: Final = 1 << 20
KEEP_TREES: Final = 8  # of 8 MB, and more when they have been compiled
_COMPILED: Final = ("build", "compiled")
_LOG: Final = "build.log"


def become(patch: str, arguments: Sequence[str]) -> None:
    """Run the command line again with that model, in place of this process."""
    tree = patched(Path(patch))
    begin_build(tree)
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-P", "-m", "triage", *without_model(arguments)]
    os.execve(sys.executable, command, environment(tree))


def environment(tree: Path) -> dict[str, str]:
    """For processes that shall run the model of a tree."""
    return os.environ | {"PYTHONPATH": str(tree), PATCHED: tree.name}


def without_model(arguments: Sequence[str]) -> list[str]:
    """A command line without `--model PATCH`."""
    left: list[str] = []
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word == "--model":
            skip = True
        elif not word.startswith("--model="):
            left.append(word)
    return left


def patched(patch: Path, root: Path = ROOT) -> Path:
    """The copy of `root` with this patch: made now, or found."""
    return patched_in(cache_dir() / "models", patch, root)


def patched_in(models: Path, patch: Path, root: Path = ROOT) -> Path:
    """The same, below a folder of copies."""
    try:
        data = patch.read_bytes()[: MAX_PATCH_BYTES + 1]
        text = data.decode()
    except OSError as error:
        raise Refused(f"{patch}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{patch}: not UTF-8 at byte {error.start}: no patch") from error
    if len(data) > MAX_PATCH_BYTES:
        raise Refused(f"{patch}: larger than {MAX_PATCH_BYTES} bytes")
    models.mkdir(parents=True, exist_ok=True)
    tree = models / _name(root, data)
    if not tree.is_dir():
        with tempfile.TemporaryDirectory(prefix=".new-", dir=models) as new:
            made = Path(new, "tree")
            copy(root, made)
            apply(text, patch, made)
            if not tree.is_dir():
                made.rename(tree)
        _prune(models)
    tree.touch()
    return tree


def copy(root: Path, made: Path) -> None:
    """The rooms of a checkout or of an installation, as a checkout."""
    made.mkdir()
    ignored = shutil.ignore_patterns("compiled")
    for room in ROOMS:
        shutil.copytree(root / room, made / room, ignore=ignored)
    (made / "pyproject.toml").write_text("# a copy of mmfarm with a changed model\n")


def apply(text: str, patch: Path, made: Path) -> None:
    """Change the model of a copy."""
    if is_diff(text):
        _apply_diff(text, patch, made)
        return
    try:
        for file, changed in replaced(text, made).items():
            file.write_text(changed)
    except PatchError as error:
        raise Refused(f"{patch}: {error}") from error


def is_diff(text: str) -> bool:
    lines = text.splitlines()
    return any(
        old.startswith("--- ") and new.startswith("+++ ")
        for old, new in zip(lines, lines[1:], strict=False)
    )


def _apply_diff(text: str, patch: Path, made: Path) -> None:
    """By git, which takes diffs inside of mails, too; it need not be a repository."""
    wrong = [
        line
        for line in text.splitlines()
        if line.startswith("+++ ") and not line.startswith(("+++ b/simulator/", "+++ simulator/"))
    ]
    if wrong:
        raise Refused(f"{patch}: changes {wrong[0][4:]}: a model's patch changes simulator/ alone")
    level = "-p1" if "+++ b/" in text else "-p0"
    command = ["git", "apply", "--whitespace=nowarn", level, "-"]
    try:
        done = subprocess.run(
            command,
            cwd=made,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(made.parent)},
        )
    except FileNotFoundError as error:
        raise Refused("--model with a diff needs git, which is not there") from error
    if done.returncode:
        said = done.stderr.strip().removeprefix("error: ")
        raise Refused(f"{patch}: does not apply to this model: {said}")


def begin_build(tree: Path) -> None:
    """Compile the copy the quick way in the background, if nobody does or has. Objects of what
    is not changed are shared with the model that it was copied from."""
    if wants_interpreted():
        return
    compiled = tree.joinpath(*_COMPILED)
    compiled.mkdir(parents=True, exist_ok=True)
    parts = home() / ".parts"
    if not (compiled / ".parts").exists() and os.access(home().parent, os.W_OK):
        parts.mkdir(parents=True, exist_ok=True)
        (compiled / ".parts").symlink_to(parts)
    with (compiled / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody compiles
    with (tree / _LOG).open("w") as log:
        subprocess.Popen(
            ["nice", sys.executable, "-m", "simulator.build", "--quick"],
            cwd=tree,
            env=environment(tree),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _name(root: Path, data: bytes) -> str:
    digest = hashlib.sha256(data)
    for file in _sources(root):
        state = file.stat()
        digest.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:16]


def _sources(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        for file in sorted((root / room).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts and "compiled" not in file.parts:
                yield file


def _prune(models: Path) -> None:
    trees = sorted((t for t in models.iterdir() if t.is_dir()), key=lambda t: t.stat().st_mtime_ns)
    for old in trees[:-KEEP_TREES]:
        shutil.rmtree(old, ignore_errors=True)
