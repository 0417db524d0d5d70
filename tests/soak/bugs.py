# SPDX-License-Identifier: MIT
"""How long the fuzzer needs for each known bug: `bench find` over all of them.

    make soak WHAT=bugs [ARGS="--trials N --limit SECONDS --bug ID"]

A case is one hunt from nothing, with a seed of its own. One that finds nothing within the limit, or
something that fails without the bug, too, counts as the limit. Bugs that a person has not cleared
are left out.
"""

import statistics
import sys
from collections.abc import Iterator
from typing import Final

from simulator.bugs import BUGS
from simulator.build import build_id, is_quick, mode
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table
from triage import bench

TRIALS: Final = 5
LIMIT_SECONDS: Final = 600.0


def table(rows: dict[str, Row], bugs: list[str], trials: int, limit_seconds: float) -> Table:
    """A line for each bug: medians over its trials."""
    lines: list[tuple[str, ...]] = []
    never = []
    done = 0
    for bug in bugs:
        mine = [rows[case] for case in cases_of(bug, trials) if case in rows]
        done += len(mine)
        if not mine:
            lines.append((bug, "0", "", "", "", ""))
            continue
        found = sum(row["found"] for row in mine)
        if not found:
            never.append(f"{bug}: not found in {len(mine)} trials of {limit_seconds:g} s")
        lines.append(
            (
                bug,
                str(len(mine)),
                str(found),
                *(
                    f"{statistics.median(row[key] for row in mine):,.{digits}f}"
                    for key, digits in (("cpu_seconds", 1), ("executions", 0))
                ),
                str(sum(row["false_alarm"] for row in mine)),
            )
        )
    return Table(
        done=done,
        wanted=len(bugs) * trials,
        unit="trials",
        heading=("bug", "trials", "found", "median CPU s", "median executions", "false alarms"),
        lines=lines,
        broken=never,
    )


def cases_of(bug: str, trials: int) -> list[str]:
    """The names of a bug's trials."""
    return [f"{bug} {number}" for number in range(1, trials + 1)]


def main() -> int:
    """Hunt. Returns the exit code."""
    parser = frame.parser(__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS, metavar="N")
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, metavar="SECONDS")
    parser.add_argument("--bug", action="append", metavar="ID", help="only this one; repeatable")
    options = parser.parse_args()
    bugs = options.bug or [bug.id for bug in BUGS if not getattr(bug, "undisclosed", False)]

    def cases(rows: dict[str, Row]) -> Iterator[str]:
        for number in range(options.trials):  # all bugs once, then all again
            for bug in bugs:
                yield cases_of(bug, options.trials)[number]

    def measure(case: str) -> Row:
        bug, number = case.split()
        return bench.hunt(bug, options.seed * 1000 + int(number), options.limit).to_json()

    plan = Plan(
        name="bugs",
        bar="Every known bug is found by one of its trials.",
        of={
            "seed": options.seed,
            "limit": options.limit,
            "model": build_id()[:12],
            "mode": "quick" if is_quick() else mode(),
        },
        cases=cases,
        measure=measure,
        table=lambda rows: table(rows, bugs, options.trials, options.limit),
    )
    return frame.run(plan, options)


if __name__ == "__main__":
    sys.exit(main())
