# SPDX-License-Identifier: MIT
"""Whether the model does what a real kernel does: random scenarios on both.

    make soak WHAT=conform [ARGS="--scenarios N --kernel NAME"]

A case is a batch of scenarios with a seed of its own, run by real system calls and by the model of
that kernel's version. What differs is made small first.
"""

import resource
import sys
from collections.abc import Iterator
from typing import Final

from conformance.fuzz import Figures, fuzz
from conformance.kernel import RealKernel
from conformance.model import ModelKernel
from corpus import text
from simulator.build import build_id, is_quick, mode
from tests.soak import frame
from tests.soak.frame import MISSING, Plan, Row, Table
from triage import real_kernel

BATCH: Final = 500
SCENARIOS: Final = 50_000


def cpu_seconds() -> float:
    """Of this process, and of executors that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure(kernel: RealKernel, seed: int) -> Row:
    """One batch."""
    figures = Figures()
    before = cpu_seconds()
    found = [
        {"text": text.dump(each.scenario), "what": str(each.disagreement)}
        for each in fuzz(
            ModelKernel(), kernel, figures, seed=seed, seconds=float("inf"), scenarios=BATCH
        )
        if each is not None
    ]
    if not kernel.version:  # this machine's: it is started again when asked, a guest is not
        kernel.close()  # so that the executor's time counts
    return {
        "scenarios": figures.scenarios,
        "ops": figures.ops,
        "succeeded": figures.succeeded,
        "skipped": figures.skipped,
        "found": found,
        "cpu_seconds": cpu_seconds() - before,
        "troubles": [trouble.reason for trouble in figures.troubles],
    }


def table(rows: dict[str, Row], wanted: int) -> Table:
    """One line: the sums."""

    def total(key: str) -> float:
        return sum(float(row[key]) for row in rows.values())

    found = [each for row in rows.values() for each in row["found"]]
    troubles = sum(len(row["troubles"]) for row in rows.values())
    lines: list[tuple[str, ...]] = [
        (
            f"{total('scenarios'):,.0f}",
            f"{total('ops'):,.0f}",
            f"{total('succeeded'):,.0f}",
            f"{total('skipped'):,.0f}",
            str(troubles),
            str(len(found)),
            f"{total('scenarios') / total('cpu_seconds'):,.0f}" if rows else "",
        )
    ]
    return Table(
        done=len(rows) * BATCH,
        wanted=wanted,
        unit="scenarios",
        heading=("compared", "ops", "succeeded", "skipped", "troubles", "disagree", "a CPU second"),
        lines=lines,
        broken=[f"{each['what']}: {each['text']!r}" for each in found],
    )


def main() -> int:
    """Compare. Returns the exit code."""
    parser = frame.parser(__doc__)
    parser.add_argument("--scenarios", type=int, default=SCENARIOS, metavar="N")
    parser.add_argument("--kernel", default=real_kernel.OWN, metavar="NAME")
    options = parser.parse_args()
    kernel = real_kernel.asked(options.kernel, as_json=False)
    if kernel is None:
        return MISSING  # it has said why

    def cases(rows: dict[str, Row]) -> Iterator[str]:
        return map(str, range(1, -(-options.scenarios // BATCH) + 1))

    with kernel:
        plan = Plan(
            name="conform",
            bar="The model and the kernel never disagree.",
            of={
                "seed": options.seed,
                "kernel": options.kernel,
                "model": build_id()[:12],
                "mode": "quick" if is_quick() else mode(),
            },
            cases=cases,
            measure=lambda case: measure(kernel, options.seed * 10_000 + int(case)),
            table=lambda rows: table(rows, options.scenarios),
        )
        return frame.run(plan, options)


if __name__ == "__main__":
    sys.exit(main())
