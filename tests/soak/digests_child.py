# SPDX-License-Identifier: MIT
"""The half of tests/soak/digests.py that runs inside a tree, which may be an old one.

It uses nothing but what commit fb488d6 has as well, and is called by its path, with the tree on
PYTHONPATH. `make COUNT SEED` prints a JSON line {case, text} for each text; `run` answers each
text that it reads (a JSON string a line) by a JSON line of what came of it.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import simulator.run  # first: in fb488d6 it is the one door into the model's modules
from corpus import text
from corpus.files import KNOWN_BUGS
from fuzz.generate import generate
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from simulator.bugs import BUGS
from simulator.build import build_id, mode
from simulator.scenario import MAX_DIRECTIVES

MAX_OPS: Final = 32
BUG_ONE_IN: Final = 4  # texts with a known bug, so that violations are compared as well
BARE_ONE_IN: Final = 3  # texts that keep the order of their lines


def make(count: int, seed: int) -> None:
    """Print the texts: the known bugs, then so many random ones with what a strategy did."""
    for path in sorted(Path(KNOWN_BUGS).glob("*.mm")):
        show(case=path.stem, text=path.read_text())
    machine = simulator.run.Machine()
    rng = Rng(seed)
    portfolio = Portfolio(seed)
    last: Any = None  # an Outcome, as Portfolio.next takes it in that commit
    for i in range(count):
        scenario = generate(rng, MAX_OPS)
        if rng.chance(1, BUG_ONE_IN):
            config = replace(scenario.config, bugs=(BUGS[rng.below(len(BUGS))].id,))
            scenario = replace(scenario, config=config)
        strategy = None if i % BARE_ONE_IN == 0 else portfolio.next(scenario, last)
        last = machine.run(scenario, strategy)
        if strategy is not None:
            scenario = scenario.with_directives(tuple(last.recorded[:MAX_DIRECTIVES]))
        show(case=f"random-{i:05}", text=text.dump(scenario))


def run() -> None:
    """Answer texts until there are no more. One Machine runs them all, as in a slice."""
    machine = simulator.run.Machine()
    show(build_id=build_id(), mode=mode())
    for line in sys.stdin:
        try:
            outcome = machine.run(text.parse(json.loads(line)))
        except Exception as error:  # to be compared, too: the other tree may do better
            show(error=f"{type(error).__name__}: {error}")
            continue
        show(
            digest=outcome.digest,
            steps=outcome.steps,
            signature=str(outcome.violation.signature) if outcome.violation else "clean",
            results=outcome.results,
            dead=len(outcome.dead),
        )


def show(**what: object) -> None:
    """One JSON line."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(int(sys.argv[2]), int(sys.argv[3]))
    else:
        run()
