# SPDX-License-Identifier: MIT
"""What the import of a long recording costs, against another revision, in turns.

    make soak WHAT=import_cost [ARGS="--base REV --lines N --rounds N"]

The recording is made by long_recording.py from the seed. Each case imports it once in a process of
its own, without the check: the model is no part of this measure. CPU time and the largest resident
set are those that the system counted for that process. The other tree is unpacked below
build/soak/.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, final

from tests.soak import frame, long_recording
from tests.soak.digests import tree_of
from tests.soak.frame import Plan, Row, Table

NAME: Final = "import_cost"
BAR: Final = (
    "A recording of 800,000 lines is imported in at most 0.55 of the CPU time of fb488d6, in "
    "turns, and in 300 MB."
)
BASE: Final = "fb488d6"
SHARE: Final = 0.55
MEGABYTES: Final = 300
HERE: Final = "here"


@final
class Measurement:
    def __init__(self, seed: int, lines: int, rounds: int, base: str) -> None:
        self.seed = seed
        self.lines = lines
        self.rounds = rounds
        self.trees = {HERE: frame.ROOT, base: tree_of(base)}
        self.base = base

    def recording(self) -> Path:
        path = frame.LINES / f"long-{self.seed}-{self.lines}.strace"
        if not path.exists():
            new = path.with_suffix(".new")
            with new.open("w", encoding="ascii") as out:
                long_recording.write(out, self.lines, self.seed)
            new.rename(path)
        return path

    def cases(self, rows: dict[str, Row]) -> Iterator[str]:
        for at in range(self.rounds):
            for name in self.trees:
                yield f"{name}-{at}"

    def measure(self, case: str) -> Row:
        tree = self.trees[case.rpartition("-")[0]]
        out = frame.LINES / "import_cost.out"
        env = os.environ | {"PYTHONPATH": str(tree), "MMFARM_MODEL": "interpreted"}
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "triage",
                "corpus",
                "import",
                "strace",
                str(self.recording()),
                "-o",
                str(out),
            ],
            cwd=tree,
            env=env,
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{case}: the import ended with {child.returncode}")
        return {
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
            "megabytes": used.ru_maxrss // 1024,
        }

    def table(self, rows: dict[str, Row]) -> Table:
        lines: list[tuple[str, ...]] = []
        medians: dict[str, float] = {}
        broken: list[str] = []
        for name in self.trees:
            own = [row for case, row in rows.items() if case.rpartition("-")[0] == name]
            if own:
                medians[name] = statistics.median(row["cpu_seconds"] for row in own)
                largest = max(row["megabytes"] for row in own)
                lines.append((name, str(len(own)), f"{medians[name]:.1f}", str(largest)))
                if name == HERE and largest > MEGABYTES:
                    broken.append(f"{largest} MB")
        if len(medians) == len(self.trees):
            share = medians[HERE] / medians[self.base]
            lines.append(("share", "", f"{share:.2f}", ""))
            if share > SHARE:
                broken.append(f"{share:.2f} of the CPU time of {self.base}")
        heading = ("tree", "imports", "CPU s (median)", "MB (largest)")
        return Table(len(rows), self.rounds * len(self.trees), "imports", heading, lines, broken)


def main() -> int:
    parser = frame.parser(__doc__)
    parser.add_argument("--lines", type=int, default=long_recording.LINES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--base", default=BASE)
    options = parser.parse_args()
    frame.LINES.mkdir(parents=True, exist_ok=True)
    measurement = Measurement(options.seed, options.lines, options.rounds, options.base)
    of: Row = {
        "seed": options.seed,
        "lines": options.lines,
        "base": options.base,
        "tree": frame.git("rev-parse", "--short=12", "HEAD:corpus"),
    }
    return frame.run(
        Plan(NAME, BAR, of, measurement.cases, measurement.measure, measurement.table), options
    )


if __name__ == "__main__":
    sys.exit(main())
