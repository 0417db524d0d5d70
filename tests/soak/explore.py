# SPDX-License-Identifier: MIT
"""Is what `explore` leaves out equal to what it tries, and does it decide the known bugs?

Cases `random N`: a small random scenario, explored with and without leaving anything out; lists of
results, broken promises, and partial orders are compared. Cases `bug ID`: the scenario of
corpus/known-bugs must fail with its bug within the preemptions it has, and must be covered without
the bug up to one more.
"""

import sys
import time
from dataclasses import replace
from typing import Final

from corpus.files import KNOWN_BUGS, mm_files
from corpus.text import load
from fuzz.exploration import COVERED, VIOLATION, Bounds, Exploration, Report
from fuzz.generate import generate
from fuzz.rng import Rng
from simulator import build
from simulator.run import Machine
from simulator.scenario import SWITCH, Scenario
from tests.soak import frame

RANDOM: Final = 200  # scenarios
MAX_OPS: Final = 4
MAX_PLAIN: Final = 20_000  # schedules; scenarios that have more are not small
PREEMPTIONS: Final = 2
BUG_SECONDS: Final = 60.0  # of CPU time


def two_actors(rng: Rng) -> Scenario:
    while True:
        made = generate(rng, MAX_OPS).with_directives(())
        if len({op.actor for op in made.ops}) > 1:
            return made


def random_case(seed: int) -> frame.Row:
    """Preemptions that can be enumerated, fewest first, and what the two say."""
    scenario = two_actors(Rng(seed))
    machine = Machine()
    row: frame.Row = {
        "preemptions": 0,
        "same_outcomes": True,
        "same_orders": True,
        "plain": 0,
        "reduced": 0,
    }
    for bound in range(1, PREEMPTIONS + 1):
        plain = Exploration(machine, scenario, Bounds(bound, reduce=False))
        said = plain.go(lambda report: report.schedules > MAX_PLAIN)
        if said.state != COVERED and said.state != VIOLATION:
            break
        reduced = Exploration(machine, scenario, Bounds(bound))
        answer = reduced.go()
        row["preemptions"] = bound
        row["plain"] = said.schedules
        row["reduced"] = answer.schedules + answer.cut
        row["same_outcomes"] = said.state == answer.state and (
            said.state == VIOLATION or plain.outcomes() == reduced.outcomes()
        )
        row["same_orders"] = said.state == VIOLATION or plain.orders() == reduced.orders()
        if not row["same_outcomes"] or not row["same_orders"]:
            break
    return row


def bug_case(name: str) -> frame.Row:
    file = next(path for path in mm_files([KNOWN_BUGS]) if path.stem == name)
    scenario = load(str(file))
    needs = sum(d.kind == SWITCH for d in scenario.directives)
    faults = sum(d.kind != SWITCH for d in scenario.directives)
    row: frame.Row = {"preemptions": needs, "others": faults}
    machine = Machine()
    for key, wanted, bound in (("buggy", scenario, needs), ("mended", mended(scenario), needs + 1)):
        began = time.process_time()
        report = Exploration(machine, wanted, Bounds(bound)).go(
            lambda report, began=began: time.process_time() - began > BUG_SECONDS  # type: ignore[misc]
        )
        row[key] = shown(report)
        row[f"{key}_seconds"] = round(time.process_time() - began, 1)
        row[f"{key}_schedules"] = report.schedules + report.cut
    return row


def mended(scenario: Scenario) -> Scenario:
    return replace(scenario, config=replace(scenario.config, bugs=()))


def shown(report: Report) -> str:
    return report.signature if report.state == VIOLATION else report.state


def cases(rows: dict[str, frame.Row]) -> list[str]:
    bugs = [f"bug {path.stem}" for path in mm_files([KNOWN_BUGS])]
    return bugs + [f"random {n}" for n in range(1, RANDOM + 1)]


def measure(case: str) -> frame.Row:
    kind, _, name = case.partition(" ")
    return bug_case(name) if kind == "bug" else random_case(int(name))


def table(rows: dict[str, frame.Row]) -> frame.Table:
    lines: list[tuple[str, ...]] = []
    broken: list[str] = []
    compared = [row for case, row in rows.items() if case.startswith("random ")]
    for case, row in sorted(rows.items()):
        kind, _, name = case.partition(" ")
        if kind == "random":
            if not row["same_outcomes"]:
                broken.append(f"{case}: other results than plain enumeration")
            elif not row["same_orders"]:
                broken.append(f"{case}: other partial orders than plain enumeration")
            continue
        lines.append(
            (
                name,
                str(row["preemptions"]),
                row["buggy"],
                str(row["buggy_schedules"]),
                str(row["buggy_seconds"]),
                row["mended"],
                str(row["mended_schedules"]),
                str(row["mended_seconds"]),
            )
        )
        if not row["others"] and row["buggy"] in ("covered", "stopped"):
            broken.append(f"{case}: not found")
        if row["mended"] != "covered":
            broken.append(f"{case}: {row['mended']} without the bug")
    orders = sum(row["same_orders"] for row in compared)
    outcomes = sum(row["same_outcomes"] for row in compared)
    plain = sum(row["plain"] for row in compared)
    reduced = sum(row["reduced"] for row in compared)
    return frame.Table(
        len(rows),
        len(cases(rows)),
        "cases",
        (
            "bug",
            "preemptions",
            "with it",
            "schedules",
            "CPU s",
            "without, one more",
            "schedules",
            "CPU s",
        ),
        lines,
        broken,
        [
            f"random scenarios: {outcomes} of {len(compared)} with the same results, {orders} with "
            f"the same partial orders; {plain:,} plain schedules, {reduced:,} tried"
        ],
    )


if __name__ == "__main__":
    options = frame.parser(__doc__).parse_args()
    plan = frame.Plan(
        "explore",
        "what is left out is equal to what is tried; known bugs are decided",
        {"build": build.build_id()},
        cases,
        measure,
        table,
    )
    sys.exit(frame.run(plan, options))
