# SPDX-License-Identifier: MIT
"""Measuring mmfarm: how fast it runs scenarios, and how fast it finds known bugs.

Contract: figures are per CPU second and medians of ROUNDS processes, each with a calibration
loop, so that a busy machine changes them little and a slow one can be told. Comparisons with
another revision alternate round by round. Time is the only thing measured here that may differ
between two calls.

It does not promise that figures of two machines compare; the calibration is a hint only.
"""

import importlib.util
import io
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from corpus.files import PACKAGE
from corpus.text import parse
from fuzz.findings import Finding
from fuzz.slice import ExitKind, SliceSpec, run_slice
from fuzz.statistics import Statistics
from simulator.build import mode
from simulator.run import Machine
from triage import bench_round
from triage.exits import Refused

ROOT: Final = PACKAGE.parent  # what stands on the path: a checkout, or site-packages
WORKLOAD: Final = PACKAGE / "bench" / "speed.mm"  # 48 ops, 3 actors
ROUNDS: Final = 9
FIGURES: Final = ("runs", "exec_per_s", "steps_per_s", "calibration_seconds", "succeeded")
ROUND_CPU_SECONDS: Final = 0.5
ATHERIS_SECONDS: Final = ROUNDS + 4  # a line of statistics a second, the first ones warm up
ATHERIS_SEED: Final = 1
BUILD_SECONDS: Final = 600  # compiling another revision, twice what the build may take


class BenchError(RuntimeError):
    """A measurement did not come about; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians of one revision. `runs` are executions in all rounds together."""

    exec_per_s: float
    steps_per_s: float
    calibration_seconds: float
    succeeded: float  # share of the workload's ops
    mode: str
    runs: int

    def to_json(self) -> dict[str, object]:
        return {
            "exec_per_s": round(self.exec_per_s, 1),
            "steps_per_s": round(self.steps_per_s),
            "calibration_seconds": round(self.calibration_seconds, 6),
            "succeeded": round(self.succeeded, 4),
            "mode": self.mode,
            "runs": self.runs,
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """One hunt. Without a find, the figures are those of the whole limit; so they are for a
    false alarm: a scenario that fails without the bug, too."""

    seed: int
    found: bool
    false_alarm: bool
    signature: str
    executions: int
    seconds: float
    cpu_seconds: float

    def to_json(self) -> dict[str, object]:
        return {
            "seed": self.seed,
            "found": self.found,
            "false_alarm": self.false_alarm,
            "signature": self.signature or None,
            "executions": self.executions,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
        }


def speed(trees: Sequence[Path]) -> list[Speed]:
    """The speed of the sources in each of `trees`, measured in turns."""
    rounds: list[list[dict[str, float]]] = [[] for _ in trees]
    modes = [""] * len(trees)
    for _ in range(ROUNDS):
        for i, tree in enumerate(trees):
            figures = _round(tree)
            if not figures["clean"]:
                raise BenchError(f"the workload breaks a promise in {tree}: see `mmfarm replay`")
            modes[i] = str(figures["mode"])
            rounds[i].append({key: float(str(figures[key])) for key in FIGURES})
    return [
        Speed(
            exec_per_s=_median(made, "exec_per_s"),
            steps_per_s=_median(made, "steps_per_s"),
            calibration_seconds=_median(made, "calibration_seconds"),
            succeeded=_median(made, "succeeded"),
            mode=mode,
            runs=int(sum(each["runs"] for each in made)),
        )
        for made, mode in zip(rounds, modes, strict=True)
    ]


def through_atheris() -> float | None:
    """Executions per CPU second of a fuzzing slice that starts from the workload: the median
    of its last ROUNDS seconds; None where Atheris is not installed."""
    if importlib.util.find_spec("atheris") is None:
        return None
    lines: list[Statistics] = []
    with tempfile.TemporaryDirectory(prefix="mmfarm-bench-") as folder:
        seeds = Path(folder, "seeds")
        seeds.mkdir()
        shutil.copy(WORKLOAD, seeds)
        result = run_slice(
            SliceSpec(
                seconds=ATHERIS_SECONDS, seed=ATHERIS_SEED, seed_corpus=seeds, engine="atheris"
            ),
            progress=lines.append,
        )
    if result.exit_kind not in (ExitKind.OK, ExitKind.FINDINGS):
        raise BenchError(f"the slice ended with {result.exit_kind.value}: {result.log_tail}")
    rates = [
        (after.executions - before.executions) / (after.cpu_seconds - before.cpu_seconds)
        for before, after in itertools.pairwise(lines)
        if after.cpu_seconds > before.cpu_seconds
    ]
    if not rates:
        raise BenchError(f"the slice reported no progress: {result.log_tail}")
    return statistics.median(rates[-ROUNDS:])


def hunt(
    bug: str, seed: int, limit_seconds: float, *, search: tuple[str, ...] = (), engine: str = "auto"
) -> Trial:
    """Fuzz from an empty corpus until the first broken promise, or the limit. `search` takes
    something of the search away, and the engine `bytes` nearly all (fuzz/session.py)."""
    result = run_slice(
        SliceSpec(
            seconds=limit_seconds,
            seed=seed,
            bugs=(bug,),
            stop_at_first=True,
            search=search,
            engine=engine,
        )
    )
    figures = result.statistics
    if not result.findings and result.exit_kind is not ExitKind.OK:
        raise BenchError(f"the slice ended with {result.exit_kind.value}: {result.log_tail}")
    signature = str(result.findings[0].signature) if result.findings else ""
    if not result.findings or _fails_without_bug(result.findings[0]):
        return Trial(
            seed,
            False,
            bool(result.findings),
            signature,
            figures.executions,
            limit_seconds,
            round(figures.cpu_seconds, 3),
        )
    return Trial(
        seed,
        True,
        False,
        signature,
        figures.first_find_executions,
        round(figures.first_find_seconds, 3),
        round(figures.first_find_cpu_seconds, 3),
    )


def _fails_without_bug(finding: Finding) -> bool:
    scenario = parse(finding.text)
    fixed = replace(scenario, config=replace(scenario.config, bugs=()))
    return Machine().run(fixed).violation is not None


def with_revision(ref: str, measure: Callable[[Path], None]) -> None:
    """Call `measure` with the sources of another revision, built as this one is. Needs the
    git checkout; refuses a revision that git does not know."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "--format=tar", ref, "--"],
        capture_output=True,
        check=False,
    )
    if archive.returncode != 0:
        why = archive.stderr.decode(errors="replace").strip()
        raise Refused(f"--against {ref}: {why}; it needs a git checkout and a revision of it")
    with tempfile.TemporaryDirectory(prefix="mmfarm-bench-") as folder:
        tree = Path(folder)
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(tree, filter="data")
        if mode() == "compiled":
            _compile(tree)
        measure(tree)


def _compile(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator.build"],
        cwd=tree,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tree)},
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"the other revision does not compile: {done.stderr[-2000:]}")


def _round(tree: Path) -> dict[str, object]:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, "-P", str(bench_round.__file__), str(WORKLOAD), str(ROUND_CPU_SECONDS)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"a round in {tree} failed: {done.stderr[-2000:]}")
    figures: dict[str, object] = json.loads(done.stdout)
    return figures


def _median(rounds: Sequence[dict[str, float]], key: str) -> float:
    return statistics.median(each[key] for each in rounds)
