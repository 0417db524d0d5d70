# SPDX-License-Identifier: MIT
"""The executor's binary: C sources of conformance/c and corpus/c, and one file made from the
op table, compiled once with the system's compiler into the user's cache folder.

Contract: `binary` gives the path of a static program that needs nothing else to run, on this
kernel or another; it is named after the hash of all it was made from, appears complete or not
at all, and is made again when a source changes. `why_not` says what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from corpus import cform
from corpus.paths import cache_dir
from simulator import ops
from simulator.ops import OpSpec

SOURCES: Final = Path(__file__).parent / "c"
# Position-independent, so that the arena lies below it: see observe.h.
FLAGS: Final = (
    "-std=gnu11",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-static-pie",
    "-fPIE",
    "-pthread",
)
COMPILE_SECONDS: Final = 120  # it takes two
KEEP_BINARIES: Final = 4  # of other versions, which may still run


class ExecutorError(Exception):
    """The executor cannot be made, or it or a program has failed: no answer of the kernel."""


def compiler() -> str:
    return os.environ.get("CC") or "cc"


def why_not() -> str:
    """Why there can be no executor here; empty when there can."""
    if shutil.which(compiler().split()[0]) is None:
        return f"no C compiler ({compiler()}; Debian: apt-get install gcc libc6-dev)"
    return ""


def forms(rows: Sequence[OpSpec] = ops.OPS) -> str:
    """The generated C file: how to run an op of each row that has a form."""
    cases: list[str] = []
    for spec in rows:
        if not spec.c:
            continue
        condition = cform.condition(spec)
        skipped = f"\t\tif (!({condition}))\n\t\t\treturn RESULT_SKIPPED;\n" if condition else ""
        cases.append(f"\tcase {spec.number}:\n{skipped}\t\treturn RESULT({cform.slots(spec)});\n")
    advices = "".join(f'\t{{ "{name}", {name} }},\n' for name in cform.ADVICE)
    return (
        f'#include "{cform.RUNTIME.name}"\n\n'
        f"#define MAX_SLOTS {max_slots()}\n"
        f"#define OP_FORK {ops.OP_FORK}\n#define OP_EXIT {ops.OP_EXIT}\n\n"
        "static const struct {\n\tconst char *name;\n\tint value;\n"
        f"}} advices[] = {{\n{advices}}};\n\n"
        "static long run_op(int code, const int64_t *a, int64_t uid)\n{\n\tswitch (code) {\n"
        f"{''.join(cases)}\tdefault:\n\t\tabort();\n\t}}\n}}\n"
    )


def max_slots() -> int:
    return max(spec.slots for spec in ops.OPS)


def binary(rows: Sequence[OpSpec] = ops.OPS) -> Path:
    """The compiled executor for the op table `rows`. Raises ExecutorError."""
    reason = why_not()
    if reason:
        raise ExecutorError(reason)
    generated = forms(rows)
    digest = hashlib.sha256(repr((FLAGS, compiler(), generated)).encode())
    for file in [*sorted(SOURCES.iterdir()), cform.RUNTIME]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    folder = cache_dir() / "executor"
    target = folder / digest.hexdigest()[:32]
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as new:
        Path(new, "forms.h").write_text(generated)
        made = Path(new, "executor")
        _compile(made, [new, str(SOURCES), str(cform.RUNTIME.parent)])
        made.rename(target)
    _prune(folder, target)
    return target


def _compile(made: Path, include: Sequence[str]) -> None:
    command = [
        *compiler().split(),
        *FLAGS,
        *(f"-I{folder}" for folder in include),
        "-o",
        str(made),
        str(SOURCES / "executor.c"),
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExecutorError(f"the C compiler cannot be run: {error}") from error
    if done.returncode:
        raise ExecutorError(
            f"{' '.join(command)} failed; a static glibc is needed (Debian: libc6-dev):\n"
            f"{done.stderr.strip()}"
        )


def _prune(folder: Path, newest: Path) -> None:
    others = [file for file in folder.iterdir() if file.is_file() and file != newest]
    others.sort(key=lambda file: file.stat().st_mtime_ns)
    for old in others[:-KEEP_BINARIES]:
        old.unlink(missing_ok=True)
