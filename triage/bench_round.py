# SPDX-License-Identifier: MIT
"""`python -m triage.bench_round FILE SECONDS`: one round of `mmfarm bench speed`, in a process
of its own.

Contract: runs the scenario FILE over and over for about SECONDS of CPU and prints one JSON
object. Uses nothing of mmfarm but `corpus.text.load`, `simulator.run.Machine` and
`simulator.build.mode`, so that this same file measures another revision, too.
"""

import json
import sys
import time
from pathlib import Path
from typing import Final

WARM_UP_RUNS: Final = 200  # pools filled, adaptive interpreter specialized
CALIBRATION_ROUNDS: Final = 400_000


def calibrate() -> float:
    """CPU seconds of a fixed loop that has nothing to do with mmfarm: tells a slow machine
    from a slow mmfarm."""
    begin = time.process_time()
    x = 1
    for _ in range(CALIBRATION_ROUNDS):
        x = (x * 1_103_515_245 + 12_345) & 0x7FFF_FFFF
    return time.process_time() - begin


def measure(file: Path, cpu_seconds: float) -> dict[str, object]:
    """Figures per CPU second of this process."""
    from corpus.text import load
    from simulator.build import mode
    from simulator.run import Machine

    scenario = load(file)
    machine = Machine()
    calibration_seconds = calibrate()
    for _ in range(WARM_UP_RUNS):
        outcome = machine.run(scenario)
    runs = 0
    begin = time.process_time()
    end = begin
    while end - begin < cpu_seconds:
        for _ in range(50):
            outcome = machine.run(scenario)
        runs += 50
        end = time.process_time()
    return {
        "runs": runs,
        "exec_per_s": runs / (end - begin),
        "steps_per_s": runs * outcome.steps / (end - begin),
        "calibration_seconds": calibration_seconds,
        "clean": outcome.violation is None,
        "succeeded": sum(result >= 0 for result in outcome.results) / len(scenario.ops),
        "mode": mode(),
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), float(sys.argv[2]))))
