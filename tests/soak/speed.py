# SPDX-License-Identifier: MIT
"""How much of the model's speed is left of it in a slice.

    make soak WHAT=speed [MINUTES=N KEEP=1]

Ten times a minute of `mmfarm run` with one job, in one data folder, which grows; meanwhile rounds
of `mmfarm bench speed` on the same machine. All CPU time of the run counts, its start, its store
and its slices' ends as well. Figures are per CPU second, so that a busy machine changes them
little; what it does change, it changes for both.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
from typing import Final

from simulator.build import build_id, mode
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table
from triage import bench_round
from triage.bench import WORKLOAD

NAME: Final = "speed"
BAR: Final = (
    "`mmfarm run` simulates at least half as many steps per CPU second as `mmfarm bench speed`, "
    "over ten minutes."
)
BAR_RATIO: Final = 0.5
RUN_MINUTES: Final = 10
RUN_SECONDS: Final = 60
ROUND_CPU_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 5.0  # between two rounds: the run shall have most of the machine
DATA: Final = frame.LINES / "speed-data"


def run_a_minute() -> Row:
    """A minute of fuzzing, and all CPU time that it took."""
    run = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "triage",
            "run",
            "--json",
            "--jobs=1",
            f"--seconds={RUN_SECONDS}",
            f"--out={DATA}",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    answer = run.stdout.read()
    _, status, usage = os.wait4(run.pid, 0)  # its own children are in it, the bench is not
    run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode not in (0, 1):
        raise SystemExit(f"mmfarm run ended with {run.returncode}")
    told = json.loads(answer)
    return {
        "steps": told["steps"],
        "executions": told["executions"],
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
    }


def bench_until(over: threading.Event, rates: list[float]) -> None:
    """Rounds of the bench, one after the other."""
    while not over.is_set():
        done = subprocess.run(
            [
                sys.executable,
                "-P",
                str(bench_round.__file__),
                str(WORKLOAD),
                str(ROUND_CPU_SECONDS),
            ],
            env=os.environ | {"PYTHONPATH": str(frame.ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        rates.append(float(json.loads(done.stdout)["steps_per_s"]))
        over.wait(PAUSE_SECONDS)


def measure(case: str) -> Row:
    """One minute of the run with the bench beside it."""
    if case == "minute-01":
        shutil.rmtree(DATA, ignore_errors=True)
    over = threading.Event()
    rates: list[float] = []
    bench = threading.Thread(target=bench_until, args=(over, rates))
    bench.start()
    try:
        row = run_a_minute()
    finally:
        over.set()
        bench.join()
    return row | {"bench": round(statistics.median(rates)), "rounds": len(rates)}


def table(rows: dict[str, Row]) -> Table:
    lines: list[tuple[str, ...]] = []
    ratios: list[float] = []
    for case, row in sorted(rows.items()):
        rate = row["steps"] / row["cpu_seconds"]
        ratios.append(rate / row["bench"])
        lines.append(
            (
                case,
                f"{rate / 1e6:.2f} M",
                f"{row['bench'] / 1e6:.2f} M",
                f"{ratios[-1]:.2f}",
                f"{row['executions'] / row['cpu_seconds']:,.0f}",
                f"{row['steps'] / row['executions']:.0f}",
            )
        )
    broken = []
    if len(rows) == RUN_MINUTES and statistics.fmean(ratios) < BAR_RATIO:
        broken.append(f"the mean of the ratios is {statistics.fmean(ratios):.3f}")
    remarks = [f"Mean of the ratios: {statistics.fmean(ratios):.3f}."] if ratios else []
    return Table(
        done=len(rows),
        wanted=RUN_MINUTES,
        unit="minutes",
        heading=(
            "case",
            "run: steps per CPU second",
            "bench: the same",
            "ratio",
            "executions per CPU second",
            "steps of one",
        ),
        lines=lines,
        broken=broken,
        remarks=remarks,
    )


def main() -> int:
    options = frame.parser(__doc__).parse_args()
    plan = Plan(
        name=NAME,
        bar=BAR,
        of={"model": mode(), "build": build_id()[:12]},
        cases=lambda _: [f"minute-{i:02}" for i in range(1, RUN_MINUTES + 1)],
        measure=measure,
        table=table,
    )
    return frame.run(plan, options)


if __name__ == "__main__":
    sys.exit(main())
