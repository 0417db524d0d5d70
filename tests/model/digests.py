# SPDX-License-Identifier: MIT
"""Runs the known bugs, then random scenarios under random schedules, and prints one line for
each: digest, steps, signature. A program of its own, so that a test can run it compiled and
interpreted.

    python -m tests.model.digests COUNT SEED
"""

import sys
from dataclasses import replace
from pathlib import Path

from corpus.text import load
from fuzz.generate import generate
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from simulator.bugs import BUGS
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.task import Planned

KNOWN_BUGS = Path(__file__).resolve().parents[2] / "corpus" / "known-bugs"
MAX_OPS = 32
BUG_ONE_IN = 4  # runs with a known bug, so that violations are compared as well


def main(count: int, seed: int) -> None:
    """Print a line for each known bug, and `count` more."""
    machine = Machine()
    for path in sorted(KNOWN_BUGS.glob("*.mm")):
        show(machine.run(load(path)))
    rng = Rng(seed)
    portfolio = Portfolio(seed)
    decided: list[Planned] | None = None
    for i in range(count):
        scenario = generate(rng, MAX_OPS)
        if rng.chance(1, BUG_ONE_IN):
            config = replace(scenario.config, bugs=(BUGS[rng.below(len(BUGS))].id,))
            scenario = replace(scenario, config=config)
        strategy = None if i % 3 == 0 else portfolio.next(scenario, decided)
        last = machine.run(scenario, strategy)
        decided = machine.decided
        show(last)
        if strategy is not None:
            again = machine.run(scenario.with_directives(tuple(last.recorded)))
            if again.digest != last.digest:
                print(f"replay of {i} differs: {again.digest}")


def show(outcome: Outcome) -> None:
    signature = outcome.violation.signature if outcome.violation else "clean"
    print(outcome.digest, outcome.steps, signature)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
