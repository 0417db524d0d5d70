# SPDX-License-Identifier: MIT
"""`make soak WHAT=farm`: 10,000 histories of the simulated farm.

A case is a seed. Each must end with nothing lost, nothing done twice, nothing stuck.
"""

import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.simulated.farm import live, template
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table

NAME: Final = "farm"
SEEDS: Final = 10_000
BAR: Final = (
    "No finding is lost and none counted twice, no run is recorded twice, nothing is stuck and "
    "every total is exact in any of 10,000 histories in which hosts, network, disks, store and "
    "broker fail."
)


def table(rows: dict[str, Row], wanted: int) -> Table:
    """How many histories ended well, and what was wrong with the others."""
    kinds: Counter[str] = Counter()
    broken = []
    for seed, row in rows.items():
        kinds["well" if not row["wrong"] else "wrong"] += 1
        broken += [f"seed {seed}: {line}" for line in row["wrong"]]
    return Table(
        done=len(rows),
        wanted=wanted,
        unit="histories",
        heading=("ended", "histories"),
        lines=[(kind, str(number)) for kind, number in sorted(kinds.items())],
        broken=broken,
    )


def main() -> int:
    """Live through the seeds. Returns the exit code."""
    parser = frame.parser(__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N")
    options = parser.parse_args()
    logging.getLogger("mmfarm").setLevel(logging.CRITICAL)  # faults are the point
    with template() as empty, tempfile.TemporaryDirectory() as folder:

        def cases(rows: dict[str, Row]) -> Iterator[str]:
            return (str(options.seed + number) for number in range(options.seeds))

        def measure(case: str) -> Row:
            return {"wrong": live(int(case), empty, Path(folder))}

        return frame.run(
            Plan(
                name=NAME,
                bar=BAR,
                of={"seed": options.seed, "sources": frame.sources("workers", "tests/simulated")},
                cases=cases,
                measure=measure,
                table=lambda rows: table(rows, options.seeds),
            ),
            options,
        )


if __name__ == "__main__":
    sys.exit(main())
