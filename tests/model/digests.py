# SPDX-License-Identifier: MIT
"""Runs random scenarios under random schedules and prints one line for each: digest, steps,
signature. A program of its own, so that a test can run it compiled and interpreted.

    python -m tests.model.digests COUNT SEED
"""

import sys
from dataclasses import replace

from fuzz.generate import generate
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from simulator.bugs import BUGS
from simulator.outcome import Outcome
from simulator.run import Machine

MAX_OPS = 32
BUG_ONE_IN = 4  # runs with a known bug, so that violations are compared as well


def main(count: int, seed: int) -> None:
    """Print `count` lines."""
    machine = Machine()
    rng = Rng(seed)
    portfolio = Portfolio(seed)
    last: Outcome | None = None
    for i in range(count):
        scenario = generate(rng, MAX_OPS)
        if rng.chance(1, BUG_ONE_IN):
            config = replace(scenario.config, bugs=(BUGS[rng.below(len(BUGS))].id,))
            scenario = replace(scenario, config=config)
        strategy = None if i % 3 == 0 else portfolio.next(scenario, last)
        last = machine.run(scenario, strategy)
        signature = last.violation.signature if last.violation else "clean"
        print(last.digest, last.steps, signature)
        if strategy is not None:
            again = machine.run(scenario.with_directives(tuple(last.recorded)))
            if again.digest != last.digest:
                print(f"replay of {i} differs: {again.digest}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
