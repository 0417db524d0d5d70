# SPDX-License-Identifier: MIT
"""`make soak WHAT=sharing`: three hosts that share a corpus against three that do not.

A case is a pair with one seed: three hosts with a store each, and three with one store, take turns
at slices of as many executions. What counts is the union of the features that their slices have
shown. Nothing of it depends on how fast the machine is.
"""

import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

from fuzz import maps
from fuzz.slice import SliceResult, SliceSpec, run_slice
from simulator.build import build_id, mode
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table
from workers import jobs
from workers.database import file_url
from workers.jobs import Hands, Site
from workers.pantry import Pantry
from workers.schema import QUEUE_LOCAL
from workers.store import Store

NAME: Final = "sharing"
PAIRS: Final = 5
HOSTS: Final = 3
ROUNDS: Final = 4
EXECUTIONS: Final = 4000  # of a slice
SLICE_SECONDS: Final = 120.0  # it ends by its executions
BAR: Final = (
    "Three hosts that share a corpus reach more features (union) than three that do not, at equal "
    "executions, in 5 of 5 pairs."
)


def reached(stores: list[Store], folder: Path, seed: int) -> tuple[int, int]:
    """The features of all slices, and how many executions they took."""
    shown, executions = 0, 0

    def limited(spec: SliceSpec, *arguments: Any, **options: Any) -> SliceResult:
        return run_slice(replace(spec, executions=EXECUTIONS), *arguments, **options)

    sites = []
    for number in range(HOSTS):
        store = stores[number % len(stores)]
        data = folder / f"host{number}"
        data.mkdir(parents=True)
        sites.append(
            Site(
                store,
                data,
                Pantry(store, Random(seed * 100 + number)),
                replace(Hands(), run_slice=limited),
            )
        )
    for turn in range(ROUNDS):
        for number, site in enumerate(sites):
            spec = jobs.slice_spec(seconds=SLICE_SECONDS, seed=seed * 1000 + turn * HOSTS + number)
            _, lease = site.store.begin_run(spec, QUEUE_LOCAL, "w")
            done = jobs.fuzz(site, lease)
            assert done.result is not None
            shown |= maps.from_map(done.shown)
            executions += done.result.executions
    return shown.bit_count(), executions


def measure(case: str) -> Row:
    row: Row = {}
    with tempfile.TemporaryDirectory(prefix="mmfarm-sharing-") as folder:
        for name, number in (("apart", HOSTS), ("shared", 1)):
            place = Path(folder, name)
            place.mkdir()
            stores = [Store.open(file_url(place / f"{each}.db")) for each in range(number)]
            features, executions = reached(stores, place, int(case))
            for store in stores:
                with closing(store):
                    pass
            row |= {name: features, f"{name}_executions": executions}
    return row


def table(rows: dict[str, Row]) -> Table:
    return Table(
        done=len(rows),
        wanted=PAIRS,
        unit="pairs",
        heading=("seed", "features shared", "features apart", "executions shared", "apart"),
        lines=[
            (
                case,
                f"{row['shared']:,}",
                f"{row['apart']:,}",
                f"{row['shared_executions']:,}",
                f"{row['apart_executions']:,}",
            )
            for case, row in sorted(rows.items())
        ],
        broken=[
            f"seed {case}: {row['shared']:,} shared, {row['apart']:,} apart"
            for case, row in rows.items()
            if row["shared"] <= row["apart"]
        ],
    )


def main() -> int:
    options = frame.parser(__doc__).parse_args()
    return frame.run(
        Plan(
            name=NAME,
            bar=BAR,
            of={"model": mode(), "build": build_id()[:12], "executions": EXECUTIONS},
            cases=lambda _: [str(options.seed + number) for number in range(PAIRS)],
            measure=measure,
            table=table,
        ),
        options,
    )


if __name__ == "__main__":
    sys.exit(main())
