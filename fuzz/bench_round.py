# SPDX-License-Identifier: MIT
"""One round of `bench speed`, in a process of its own: a script that `fuzz/bench.py` runs
against the packages of any revision (they come from PYTHONPATH, this file does not).

Contract: prints one JSON object: how often a fixed loop, the workload and (with --slice) a
real slice on it ran per CPU-second. It uses only what every revision has: the text codec,
`Machine.run`, `run_slice`.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

CALIBRATION_ROUNDS: Final = 300_000
WARM_UP_RUNS: Final = 20


def calibrate() -> float:
    """Rounds of a fixed interpreted loop per CPU-second: what this machine does now."""
    began = time.process_time()
    value = 1
    for i in range(CALIBRATION_ROUNDS):
        value = (value * 69069 + i) & 0xFFFFFFFF
    return CALIBRATION_ROUNDS / (time.process_time() - began)


def measure(workload: Path, seconds: float) -> dict[str, float | str]:
    """Run the workload for so many CPU-seconds."""
    from corpus import text
    from simulator.build import mode
    from simulator.run import Machine

    scenario = text.load(workload)
    machine = Machine()
    for _ in range(WARM_UP_RUNS):
        outcome = machine.run(scenario)
    if outcome.violation is not None:
        raise SystemExit(f"the workload fails: {outcome.violation.promise}")
    executions = 0
    began = time.process_time()
    while (spent := time.process_time() - began) < seconds:
        for _ in range(10):
            machine.run(scenario)
        executions += 10
    return {
        "exec_per_s": executions / spent,
        "steps_per_s": executions * outcome.steps / spent,
        "calibration_per_s": calibrate(),
        "mode": mode(),
    }


def measure_slice(workload: Path, seconds: float, seed: int) -> float:
    """Executions per CPU-second of a slice that starts from the workload."""
    from fuzz.slice import SliceSpec, run_slice

    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        shutil.copy(workload, seeds / "workload.mm")
        result = run_slice(
            SliceSpec(
                seconds=seconds,
                out=Path(folder) / "out",
                seed=seed,
                seed_corpus=seeds,
                engine="atheris",
            )
        )
    if not result.executions or not result.cpu_seconds:
        raise SystemExit(f"the slice ran nothing ({result.exit_kind.value}):\n{result.log_tail}")
    return result.executions / result.cpu_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--slice", type=float, default=0.0, help="seconds of a slice, or none")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures = measure(options.workload, options.seconds)
    if options.slice:
        figures["atheris_exec_per_s"] = measure_slice(
            options.workload, options.slice, options.seed
        )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
