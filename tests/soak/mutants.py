# SPDX-License-Identifier: MIT
"""What the oracles see: small mistakes in the model, fuzzed one by one.

    make mutants SEED=1 N=200 SECONDS=60
    make soak WHAT=mutants SEED=1 ARGS="--count 200 --seconds 60"

puts N mutants (tests/soak/mutation.py) into a copy of the project below build/mutants/, compiles
them all at once, and runs each: under the collection and 10,000 generated scenarios with 4
schedules each, whose digests tell whether the mutant does anything at all (if not it is equivalent,
and not counted); then SECONDS of fuzzing from an empty corpus.

A mutant is named when the culprit of its first signature is the changed function, by its own name
or that of the kernel function at whose sites it stands, or the only caller of a helper without a
site. A silent one has a sentence in tests/soak/silent.json, by its key. What the type checker
refuses is no mutant: nobody could commit it.

Not promised: the same first signature every time, for sessions end by the clock; a session that
stops at the first exception of a mutant, which is no finding.
"""

import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, final

from tests.soak import frame, mutant_tree, mutation
from tests.soak.frame import Plan, Row, Table
from tests.soak.mutation import Mutant, Place

NAME: Final = "mutants"
BAR: Final = (
    "Of the mutants that are found at least 80 % are named by their first signature; signatures a "
    "mutant: median 1, at most 4; each silent one has a sentence why."
)
SCENARIOS: Final = 10_000
DRAWN: Final = 2.0  # times N: so many are drawn, for the type checker refuses some
NAMED_SHARE: Final = 0.8
MAX_SIGNATURES: Final = 4
WHY: Final = Path(__file__).with_name("silent.json")
HOME: Final = frame.ROOT / "build" / "mutants"
VERDICTS: Final = ("found", "silent", "exception", "hung", "died", "equivalent")


def log(text: str) -> None:
    print(f"{NAME}: {text}", file=sys.stderr, flush=True)


# --- making them ---------------------------------------------------------------------------------


def prepare(seed: int, wanted: int) -> Path:
    """The tree with the compiled mutants and its plan.json, made unless it is there."""
    from simulator.build import build_id

    tree = HOME / f"{build_id()[:12]}-{seed}-{wanted}"
    if (tree / "plan.json").exists():
        return tree
    trees = mutation.parse_rooms(frame.ROOT / "simulator")
    places = {
        place for path, module in trees.items() for place in mutation.statements(path, module)
    }
    mutant_tree.copy_project(tree)
    mutant_tree.instrument(tree, places)
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.mutants_child", "cover"],
        cwd=tree,
        env=mutant_tree.environment(tree, "interpreted"),
        check=True,
        stdout=subprocess.PIPE,
    )
    hit = sorted((Place(*each) for each in json.loads(done.stdout)), key=lambda p: (p.path, p.line))
    log(f"the collection runs {len(hit)} of {len(places)} statements")
    rng = random.Random(seed)
    rng.shuffle(hit)
    keep = dict(enumerate(draw(hit, trees, rng, int(wanted * DRAWN)), 1))
    while True:
        mutant_tree.copy_project(tree)
        mutant_tree.add_mutants(tree, keep.items())
        refused = mutant_tree.refused(tree)
        log(f"the type checker refuses {len(refused)} of {len(keep)} mutants")
        if not refused:
            break
        keep = {n: mutant for n, mutant in keep.items() if n not in refused}
    keep = dict(list(keep.items())[:wanted])
    mutant_tree.copy_project(tree)
    mutant_tree.add_mutants(tree, keep.items())
    log(f"compiling {len(keep)} mutants")
    mutant_tree.compile_tree(tree)
    plan = [described(n, mutant, trees) for n, mutant in keep.items()]
    (tree / "plan.json").write_text(json.dumps(plan, indent=1))
    return tree


def draw(
    places: list[Place], trees: dict[str, Any], rng: random.Random, count: int
) -> list[Mutant]:
    """The first mutants, one a statement, in the order of `places`."""
    found: list[Mutant] = []
    for place in places:
        if len(found) == count:
            break
        mutant = mutation.mutate(trees[place.path], place, rng)
        if mutant is not None:
            found.append(mutant)
    return found


def described(number: int, mutant: Mutant, trees: dict[str, Any]) -> Row:
    place = mutant.place
    return {
        "number": number,
        "key": mutant.key,
        "place": f"{place.path}:{place.line}",
        "function": place.function,
        "operator": mutant.operator,
        "before": mutant.before,
        "after": mutant.after,
        "blamed": sorted(mutation.blamed(trees, place)),
    }


# --- running them --------------------------------------------------------------------------------


@final
class Runner:
    """The child that runs mutants in the compiled copy; started when the first one is asked."""

    def __init__(self, tree: Path, seed: int, seconds: float, scenarios: int) -> None:
        self._tree: Final = tree
        self._command: Final = [
            sys.executable,
            "-m",
            "tests.soak.mutants_child",
            "run",
            str(seed),
            str(seconds),
            str(scenarios),
        ]
        self._child: subprocess.Popen[str] | None = None

    def ask(self, number: int) -> Row:
        if self._child is None:
            self._child = subprocess.Popen(
                self._command,
                cwd=self._tree,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=mutant_tree.environment(self._tree, "compiled"),
            )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        print(number, file=self._child.stdin, flush=True)
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit(f"{NAME}: the child ended with {self._child.wait()}, see above")
        said: Row = json.loads(line)
        return said

    def close(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()


# --- the table -----------------------------------------------------------------------------------


def named(row: Row) -> bool:
    return row["culprit"] in row["blamed"]


def table(plan: list[Row], rows: dict[str, Row]) -> Table:
    why = json.loads(WHY.read_text()) if WHY.exists() else {}
    mine = [rows[each["key"]] | each for each in plan if each["key"] in rows]
    by = {verdict: [row for row in mine if row["verdict"] == verdict] for verdict in VERDICTS}
    found = by["found"]
    good = [row for row in found if named(row)]
    counts = [len(row["signatures"]) for row in found] or [0]
    lines: list[tuple[str, ...]] = [(verdict, str(len(of))) for verdict, of in by.items()]
    lines += [
        ("named, of those found", str(len(good))),
        ("signatures a mutant, median", f"{statistics.median(counts):g}"),
        ("signatures a mutant, most", str(max(counts))),
    ]
    broken = []
    if len(good) < NAMED_SHARE * len(found):
        broken.append(f"{len(good)} of {len(found)} that are found are named")
    if statistics.median(counts) > 1:
        broken.append(f"{statistics.median(counts):g} signatures a mutant, median")
    broken += [
        f"{len(row['signatures'])} signatures: {shown(row)}"
        for row in found
        if len(row["signatures"]) > MAX_SIGNATURES
    ]
    broken += [f"silent: {shown(row)}" for row in by["silent"] if row["key"] not in why]
    remarks = [
        f"Not named: {shown(row)}: `{row['signatures'][0]}`." for row in found if not named(row)
    ]
    remarks += [
        f"Silent: {shown(row)}: {why[row['key']]}" for row in by["silent"] if row["key"] in why
    ]
    remarks += [f"Exception: {shown(row)}: {row['errors'][0][:160]}" for row in by["exception"]]
    remarks += [f"Hung or died: {shown(row)}" for row in by["hung"] + by["died"]]
    return Table(
        done=len(mine),
        wanted=len(plan),
        unit="mutants",
        heading=("mutants", "number"),
        lines=lines,
        broken=broken,
        remarks=remarks,
    )


def shown(row: Row) -> str:
    before, after = (
        text if len(text) <= 90 else text[:87] + "..." for text in (row["before"], row["after"])
    )
    return (
        f"{row['key']} {row['place']} {row['function']}, {row['operator']}: `{before}` is `{after}`"
    )


def main() -> int:
    """Measure. Returns the exit code."""
    parser = frame.parser(__doc__)
    parser.add_argument("--count", type=int, default=200, metavar="N", help="so many mutants")
    parser.add_argument("--seconds", type=float, default=60.0, help="of fuzzing each")
    parser.add_argument(
        "--scenarios",
        type=int,
        default=SCENARIOS,
        metavar="N",
        help="whose digests say that a mutant is equivalent",
    )
    options = parser.parse_args()
    os.environ["MMFARM_MODEL"] = "interpreted"  # here nothing of the model runs
    tree = prepare(options.seed, options.count)
    plan = json.loads((tree / "plan.json").read_text())
    numbers = {each["key"]: each["number"] for each in plan}
    runner = Runner(tree, options.seed, options.seconds, options.scenarios)

    def cases(rows: dict[str, Row]) -> Iterator[str]:
        return iter(numbers)

    try:
        return frame.run(
            Plan(
                name=NAME,
                bar=BAR,
                of={
                    "seed": options.seed,
                    "seconds": options.seconds,
                    "scenarios": options.scenarios,
                    "model": tree.name.partition("-")[0],
                },
                cases=cases,
                measure=lambda key: runner.ask(numbers[key]),
                table=lambda rows: table(plan, rows),
            ),
            options,
        )
    finally:
        runner.close()


if __name__ == "__main__":
    sys.exit(main())
