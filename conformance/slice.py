# SPDX-License-Identifier: MIT
"""A slice that asks a real kernel: a supervised child that compares it with the model for a while.

Contract: `run_kernel_slice` starts `python -m conformance.slice` as `fuzz.slice` starts its own
child, and says in the same form what came of it; disagreements are findings, whole files in the
work folder the moment they are made. The child compiles the executor, if it has to, before it
confines itself as far as the executor can do its work then: no network, no capabilities, no sight
of other processes where the kernel allows namespaces; limits on files, CPU time and core dumps, but
not on memory and processes, which the executor is about.

The kernel is asked as it is. Whoever lets a worker do this lends its kernel: a kernel bug that a
scenario hits is a real one.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance import executor
from conformance.fuzz import Figures, finding, fuzz
from conformance.kernel import RealKernel
from conformance.model import ModelKernel
from fuzz.confine import confine_process
from fuzz.findings import read_findings, write_finding
from fuzz.slice import ExitKind, SliceResult, classify, log_tail, supervise
from fuzz.statistics import InternalError, Statistics
from simulator.build import mode

NAME: Final = "conform"  # of the engine, in statistics
COMPILE_SECONDS: Final = 60.0  # of the executor, with a cold cache
CPU_GRACE_SECONDS: Final = 60
UNABLE: Final = 4  # the exit code of a child that cannot ask the kernel


@dataclass(frozen=True, slots=True)
class KernelSpec:
    """What to run: for so long, in an existing folder, from a seed."""

    seconds: float
    work: Path
    seed: int


def run_kernel_slice(
    spec: KernelSpec,
    progress: Callable[[Statistics], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    stop: Callable[[], bool] = lambda: False,
) -> SliceResult:
    """Run one to its end. Raises OSError where the child cannot be made."""
    (spec.work / "home").mkdir()
    command = [
        sys.executable,
        "-P",
        "-m",
        "conformance.slice",
        str(spec.work),
        f"--seconds={spec.seconds}",
        f"--seed={spec.seed}",
        f"--supervisor={os.getpid()}",
    ]
    began = clock()
    code, timed_out, statistics = supervise(
        command, spec.seconds + COMPILE_SECONDS, spec.work, progress, clock, stop
    )
    complaints: list[str] = []
    findings = read_findings(spec.work / "findings", complaints)
    statistics.internal_errors += [InternalError("finding-lost", line) for line in complaints]
    kind = classify(code, timed_out=timed_out, nr_findings=len(findings))
    if code == UNABLE:
        kind = ExitKind.ERROR
    return SliceResult(
        kind,
        findings,
        statistics,
        round(clock() - began, 3),
        None,
        log_tail(spec.work / "log"),
        code,
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.slice", description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--supervisor", type=int, required=True)
    options = parser.parse_args(arguments)
    reason = executor.why_not()
    if reason:
        print(f"this machine's kernel cannot be asked: {reason}", file=sys.stderr)
        return UNABLE
    executor.binary()  # a compiler starts processes and writes to the user's cache
    confine_process(cpu_seconds=int(options.seconds) + CPU_GRACE_SECONDS)
    work: Path = options.work
    (work / "findings").mkdir()
    figures, statistics = Figures(), Statistics(NAME, mode())
    began, told = time.monotonic(), 0.0
    with RealKernel() as kernel:
        for found in fuzz(
            ModelKernel(), kernel, figures, seed=options.seed, seconds=options.seconds
        ):
            if found is not None:
                write_finding(work / "findings", finding(found))
            now = time.monotonic() - began
            if now - told >= 1.0:
                told = now
                _tell(work, figures, statistics, now)
            if os.getppid() != options.supervisor:
                return 1
    statistics.final = True
    _tell(work, figures, statistics, time.monotonic() - began)
    return 0


def _tell(work: Path, figures: Figures, statistics: Statistics, seconds: float) -> None:
    spent = os.times()
    statistics.executions = statistics.scenarios = figures.scenarios
    statistics.steps = figures.ops
    statistics.violations = sum(figures.sightings.values())
    statistics.seconds = round(seconds, 3)
    statistics.cpu_seconds = round(
        spent.user + spent.system + spent.children_user + spent.children_system, 3
    )
    statistics.internal_errors = [
        InternalError("conform", trouble.reason) for trouble in figures.troubles[-1:]
    ]
    with (work / "statistics.jsonl").open("ab", buffering=0) as file:
        file.write(statistics.to_json().encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
