# SPDX-License-Identifier: MIT
"""Whether the mended model is clean: fuzzing without a known bug breaks no promise.

    make soak WHAT=clean [ARGS="--cpu-minutes N"]

Slices of a minute, in turns from nothing and from the collection, until each start has had N CPU
minutes. A slice is the same child process that the farm starts.
"""

import sys
from collections.abc import Iterator
from typing import Final

from corpus.files import SCENARIOS
from fuzz.slice import ExitKind, SliceSpec, run_slice
from simulator.build import build_id, is_quick, mode
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table

SLICE_SECONDS: Final = 60.0
STARTS: Final = ("nothing", "collection")
CPU_MINUTES: Final = 60.0


def spent(rows: dict[str, Row], start: str) -> float:
    """CPU minutes of the slices with this start."""
    return (
        sum(float(row["cpu_seconds"]) for case, row in rows.items() if case.startswith(start)) / 60
    )


def measure(case: str, seed: int) -> Row:
    """One slice; its number and the program's seed make its own."""
    start, number = case.split("-")
    result = run_slice(
        SliceSpec(
            SLICE_SECONDS,
            seed=seed * 10_000 + int(number),
            seed_corpus=SCENARIOS if start == "collection" else None,
        )
    )
    kind = result.exit_kind
    return {
        "exit_kind": kind.value,
        "executions": result.executions,
        "steps": result.statistics.steps,
        "cpu_seconds": result.cpu_seconds,
        "features": result.features,
        "findings": [finding.text for finding in result.findings],
        "errors": [f"{error.kind}: {error.detail}" for error in result.internal_errors]
        + ([] if kind in (ExitKind.OK, ExitKind.FINDINGS) else [result.log_tail[-500:]]),
    }


def table(rows: dict[str, Row], minutes: float) -> Table:
    """A line for each start."""
    lines: list[tuple[str, ...]] = []
    for start in STARTS:
        mine = [row for case, row in rows.items() if case.startswith(start)]
        lines.append(
            (
                start,
                f"{spent(rows, start):.1f}",
                f"{sum(row['executions'] for row in mine):,}",
                f"{sum(row['steps'] for row in mine):,}",
                *(str(sum(len(row[key]) for row in mine)) for key in ("findings", "errors")),
            )
        )
    broken = [
        f"{case}: {what}"
        for case, row in rows.items()
        for what in (*row["findings"], *row["errors"])
    ]
    return Table(
        done=round(sum(min(spent(rows, start), minutes) for start in STARTS), 1),
        wanted=minutes * len(STARTS),
        unit="CPU minutes",
        heading=("start", "CPU minutes", "executions", "steps", "findings", "errors of ours"),
        lines=lines,
        broken=broken,
    )


def main() -> int:
    """Fuzz. Returns the exit code."""
    parser = frame.parser(__doc__)
    parser.add_argument(
        "--cpu-minutes",
        type=float,
        default=CPU_MINUTES,
        metavar="N",
        help=f"from each start; default {CPU_MINUTES:g}",
    )
    options = parser.parse_args()

    def cases(rows: dict[str, Row]) -> Iterator[str]:
        number = 0
        while any(spent(rows, start) < options.cpu_minutes for start in STARTS):
            number += 1
            for start in STARTS:
                if f"{start}-{number}" in rows or spent(rows, start) < options.cpu_minutes:
                    yield f"{start}-{number}"

    plan = Plan(
        name="clean",
        bar="Fuzzing the mended model finds nothing, and nothing of ours goes wrong.",
        of={
            "seed": options.seed,
            "model": build_id()[:12],
            "mode": "quick" if is_quick() else mode(),
        },
        cases=cases,
        measure=lambda case: measure(case, options.seed),
        table=lambda rows: table(rows, options.cpu_minutes),
    )
    return frame.run(plan, options)


if __name__ == "__main__":
    sys.exit(main())
