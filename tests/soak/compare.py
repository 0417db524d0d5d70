# SPDX-License-Identifier: MIT
"""Ways to search against each other: `mmfarm bench compare` at full size.

    make soak WHAT=compare [ARGS="--trials N --draw N --way NAME --bug ID --limit SECONDS"]

A case is one hunt from nothing. The bar: over all bugs the whole system needs at most 1.5 times the
executions of the best single strategy, finds what any of these finds, and needs at most a fifth of
what a random walk without feedback, and Atheris on bytes, need. KEEP=1 also writes the survival
curves to docs/figures/compare.svg.
"""

import sys
from collections.abc import Iterator
from typing import Final

from fuzz.portfolio import STRATEGIES
from simulator.build import build_id, is_quick, mode
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table
from triage import compare

TRIALS: Final = 3
DRAWN: Final = 8  # of each difficulty
MOST_TO_SINGLE: Final = 1.5
LEAST_OF_BLIND: Final = 5.0
BLIND: Final = ("random-walk-no-feedback", compare.BYTES)
Key = tuple[str, str, int]


def keyed(rows: dict[str, Row]) -> dict[Key, Row]:
    """Rows by way, bug and trial."""
    found: dict[Key, Row] = {}
    for case, row in rows.items():
        way, bug, trial = case.split()
        found[way, bug, int(trial)] = row
    return found


def broken(rows: dict[str, Row]) -> list[str]:
    """What of the bar does not hold."""
    lines = {line.way: line for line in compare.summarize(keyed(rows))}
    whole = lines.get(compare.WHOLE)
    if whole is None:
        return []
    found = []
    for name in STRATEGIES:
        line = lines.get(name)
        if line is None or line.ratio is None:
            continue
        if line.ratio < 1 / MOST_TO_SINGLE:
            found.append(f"{name} alone needs {line.ratio:.2f} of the whole system's executions")
        if line.bugs_found > whole.bugs_found:
            found.append(f"{name} alone finds {line.bugs_found} bugs, all of it {whole.bugs_found}")
    for name in BLIND:
        line = lines.get(name)
        if line is not None and line.ratio is not None and line.ratio < LEAST_OF_BLIND:
            found.append(f"{name} needs only {line.ratio:.2f} of the whole system's executions")
    return found


def table(rows: dict[str, Row], wanted: int) -> Table:
    """A line for each way."""
    return Table(
        done=len(rows),
        wanted=wanted,
        unit="hunts",
        heading=compare.HEADING,
        lines=[compare.cells(line) for line in compare.summarize(keyed(rows))],
        broken=broken(rows) if len(rows) >= wanted else [],
        remarks=[
            f"Bugs: {', '.join(sorted({case.split()[1] for case in rows}))}.",
            "![survival curves](compare.svg)",
        ],
    )


def main() -> int:
    """Hunt. Returns the exit code."""
    parser = frame.parser(__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS, metavar="N")
    parser.add_argument("--draw", type=int, default=DRAWN, metavar="N")
    parser.add_argument("--limit", type=float, metavar="SECONDS", help="instead of 60 and 300")
    parser.add_argument("--bug", action="append", metavar="ID", help="these, and none drawn")
    parser.add_argument("--way", action="append", choices=compare.WAYS, help="only this one")
    options = parser.parse_args()
    bugs = options.bug or compare.draw(options.draw, options.seed)
    ways = [way for way in compare.WAYS if not options.way or way in options.way]
    names = [
        f"{way} {bug} {trial}"
        for trial in range(1, options.trials + 1)
        for bug in bugs
        for way in ways
    ]
    kept: dict[str, Row] = {}

    def cases(rows: dict[str, Row]) -> Iterator[str]:
        yield from names

    def measure(case: str) -> Row:
        way, bug, trial = case.split()
        limit = options.limit or compare.limit_of(bug)
        return compare.hunt(way, bug, options.seed * 1000 + int(trial), limit).to_json()

    def shown(rows: dict[str, Row]) -> Table:
        kept.update({case: row for case, row in rows.items() if case in set(names)})
        return table(kept, len(names))

    plan = Plan(
        name="compare",
        bar=(
            "The whole system needs at most 1.5 times the executions of the best single strategy, "
            "finds what any of them finds, and needs at most a fifth of a random walk without "
            "feedback and of Atheris on bytes."
        ),
        of={
            "seed": options.seed,
            "limit": options.limit or "60 s, hard 300 s",
            "model": build_id()[:12],
            "mode": "quick" if is_quick() else mode(),
        },
        cases=cases,
        measure=measure,
        table=shown,
    )
    code = frame.run(plan, options)
    if options.keep and kept:
        (frame.FIGURES / "compare.svg").write_text(compare.survival(keyed(kept)))
    return code


if __name__ == "__main__":
    sys.exit(main())
