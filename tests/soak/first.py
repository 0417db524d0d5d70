# SPDX-License-Identifier: MIT
"""`make soak WHAT=first`: from `mmfarm farm up` to the first minimized finding of a planted bug.

A case is a farm with an empty data folder, everything on this machine: broker, scheduler, worker.
It is told to fuzz for a minute; the clock begins with `farm up` and ends when a failure is minimal.
CPU seconds of all that ran are in the row, for a busy machine is slow for other reasons.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from simulator.build import build_id, mode
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table

NAME: Final = "first"
BUG: Final = "softdirty-clear-no-flush"
TRIES: Final = 3
BAR_SECONDS: Final = 90.0
LIMIT_SECONDS: Final = 400.0
BAR: Final = (
    "From `mmfarm farm up` on an empty data folder to the first minimized finding of a planted bug "
    "in less than 90 s."
)


def mmfarm(environment: dict[str, str], *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-P", "-m", "triage", *words],
        env=environment,
        cwd="/",
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def measure(case: str) -> Row:
    with tempfile.TemporaryDirectory(prefix="mmfarm-first-") as folder:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MMFARM_")
        } | {"MMFARM_DATA": folder, "PYTHONPATH": str(frame.ROOT)}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        # In the foreground, so that the CPU time of all parts is ours to know when it has ended.
        with (Path(folder) / "log").open("wb") as log:
            farm = subprocess.Popen(
                [sys.executable, "-P", "-m", "triage", "farm", "up", "--foreground", "--slots=2"],
                env=environment,
                cwd="/",
                stdout=log,
                stderr=log,
            )
        try:
            mmfarm(environment, "farm", "submit", "--seconds", "60", "--bug", BUG)
            minimal, found = 0.0, 0.0
            while not minimal and time.monotonic() - began < LIMIT_SECONDS:
                time.sleep(0.5)
                rows = json.loads(mmfarm(environment, "triage", "list", "--json"))
                now = time.monotonic() - began
                found = found or (now if rows else 0.0)
                minimal = now if any(row["state"] == "minimized" for row in rows) else 0.0
        finally:
            farm.terminate()
            farm.wait()
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime
    return {
        "found": round(found, 1),
        "minimal": round(minimal, 1),
        "cpu_seconds": round(cpu, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def table(rows: dict[str, Row]) -> Table:
    broken = [
        f"{case}: {row['minimal'] or 'more than ' + str(LIMIT_SECONDS)} s"
        for case, row in rows.items()
        if not 0 < row["minimal"] < BAR_SECONDS
    ]
    return Table(
        done=len(rows),
        wanted=TRIES,
        unit="farms",
        heading=("farm", "found after s", "minimal after s", "CPU s of all parts", "load"),
        lines=[
            (
                case,
                str(row["found"]),
                str(row["minimal"]),
                str(row["cpu_seconds"]),
                str(row["load"]),
            )
            for case, row in sorted(rows.items())
        ],
        broken=broken,
    )


def main() -> int:
    options = frame.parser(__doc__).parse_args()
    return frame.run(
        Plan(
            name=NAME,
            bar=BAR,
            of={"model": mode(), "build": build_id()[:12]},
            cases=lambda _: [str(number) for number in range(1, TRIES + 1)],
            measure=measure,
            table=table,
        ),
        options,
    )


if __name__ == "__main__":
    sys.exit(main())
