# SPDX-License-Identifier: MIT
"""Benchmarks: how fast the model runs, and how soon a known bug is found.

Contract: `bench_speed` gives medians of ROUNDS rounds, per CPU-second, on the committed
workload (48 ops, 3 actors, all oracles), each round in a fresh process and beside a fixed
calibration loop, so that figures of two machines, or of one machine under load, can be
compared. With `against` another git revision runs the same rounds in turn with ours, each
with its own build. `bench_find` measures finds from an empty corpus; a trial that hits the
limit counts as the limit.

It promises nothing about wall-clock speed under load: figures are per CPU-second.
"""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fuzz.slice import SliceSpec, run_slice

ROUNDS: Final = 9
DEFAULT_SPEED_SECONDS: Final = 36.0  # 9 rounds of 2 s of the workload and 2 s of a slice
WORKLOAD: Final = Path(__file__).with_name("workload.mm")
_ROUND: Final = Path(__file__).with_name("bench_round.py")
_FIGURES: Final = ("exec_per_s", "steps_per_s", "atheris_exec_per_s", "calibration_per_s")
_ROUND_TIMEOUT_SECONDS: Final = 120.0  # over what the round was asked to take


class BenchError(Exception):
    """The measurement could not be made: says why."""


def bench_speed(
    seconds: float = DEFAULT_SPEED_SECONDS, against: str | None = None
) -> dict[str, object]:
    """Medians of `exec_per_s`, `steps_per_s`, `atheris_exec_per_s` (absent without Atheris)
    and `calibration_per_s`, and `mode`; with `against` the same of that revision under
    "against", and "ratio" of the executions per second, calibrated."""
    here = Path(__file__).resolve().parents[1]
    if against is None:
        return _medians([_round(here, seconds / ROUNDS, i) for i in range(ROUNDS)])
    with _worktree(here, against) as there:
        ours: list[dict[str, float | str]] = []
        theirs: list[dict[str, float | str]] = []
        for i in range(ROUNDS):
            ours.append(_round(here, seconds / ROUNDS / 2, i))
            theirs.append(_round(there, seconds / ROUNDS / 2, i))
    ratio = statistics.median(
        _calibrated(a) / _calibrated(b) for a, b in zip(ours, theirs, strict=True)
    )
    return {
        **_medians(ours),
        "against": {"revision": against, **_medians(theirs)},
        "ratio": round(ratio, 3),
    }


@dataclass(frozen=True, slots=True)
class Trial:
    """One search for a bug. What was not found has `signature` "" and counts as the limit."""

    seed: int
    signature: str
    executions: int
    seconds: float
    cpu_seconds: float
    exit_kind: str


def bench_find(bug: str, trials: int = 5, seconds: float = 60.0) -> dict[str, object]:
    """Executions and seconds until the model with `bug` fails, from an empty corpus."""
    done = [_trial(bug, seed, seconds) for seed in range(1, trials + 1)]
    return {
        "bug": bug,
        "limit_seconds": seconds,
        "found": sum(bool(t.signature) for t in done),
        "median_seconds": statistics.median(t.seconds for t in done),
        "median_executions": int(statistics.median(t.executions for t in done)),
        "trials": [
            {name: getattr(t, name) for name in Trial.__slots__} for t in done
        ],
    }


def _trial(bug: str, seed: int, seconds: float) -> Trial:
    with tempfile.TemporaryDirectory(prefix="mmfarm-bench-") as folder:
        result = run_slice(
            SliceSpec(
                seconds=seconds, out=Path(folder), seed=seed, bugs=(bug,), stop_at_first=True
            )
        )
    s = result.statistics
    if result.findings:
        return Trial(
            seed,
            str(result.findings[0].signature),
            s.first_find_executions,
            s.first_find_seconds,
            s.first_find_cpu_seconds,
            result.exit_kind.value,
        )
    return Trial(seed, "", s.executions, seconds, s.cpu_seconds, result.exit_kind.value)


def _round(tree: Path, seconds: float, seed: int) -> dict[str, float | str]:
    """One round in a fresh process on the packages of `tree`."""
    command = [sys.executable, "-P", str(_ROUND), str(WORKLOAD), f"--seconds={seconds / 2}"]
    if importlib.util.find_spec("atheris") is not None:
        command += [f"--slice={seconds / 2}", f"--seed={seed + 1}"]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=seconds + _ROUND_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise BenchError(f"a round did not end in {e.timeout:.0f} s") from e
    if done.returncode:
        raise BenchError(f"a round on {tree} failed:\n{done.stderr.strip()[-2000:]}")
    figures: dict[str, float | str] = json.loads(done.stdout)
    return figures


def _medians(rounds: list[dict[str, float | str]]) -> dict[str, object]:
    result: dict[str, object] = {"mode": rounds[0]["mode"], "rounds": len(rounds)}
    for name in _FIGURES:
        values = [float(r[name]) for r in rounds if name in r]
        if values:
            result[name] = round(statistics.median(values))
    return result


def _calibrated(figures: dict[str, float | str]) -> float:
    return float(figures["exec_per_s"]) / float(figures["calibration_per_s"])


@contextmanager
def _worktree(repository: Path, revision: str) -> Iterator[Path]:
    """That revision in a temporary folder, with its own build of the model."""
    with tempfile.TemporaryDirectory(prefix="mmfarm-against-") as folder:
        tree = Path(folder) / "tree"
        _git(repository, "worktree", "add", "--detach", str(tree), revision)
        try:
            _build(tree)
            yield tree
        finally:
            _git(repository, "worktree", "remove", "--force", str(tree))


def _git(repository: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"git {arguments[0]}: {done.stderr.strip()}")


def _build(tree: Path) -> None:
    """Compile the model of that tree, in the mode that ours runs in."""
    from simulator.build import mode

    if mode() != "compiled":
        return
    done = subprocess.run(
        [sys.executable, "-P", "-m", "simulator.build"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"cannot build {tree}:\n{done.stderr.strip()[-2000:]}")
