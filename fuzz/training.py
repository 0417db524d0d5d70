# SPDX-License-Identifier: MIT
"""`python -m fuzz.training`: a short run of fuzzing, for the C compiler to watch.

Contract: it goes the way of a slice through the model and the hot half of fuzz/ (mutate, encode,
decode, a batch of strategies, counters), with a corpus that it gathers itself; the same way every
time, however long it takes. What it finds out about the model is thrown away.

simulator/build/compiler.py runs it on an instrumented model, and compiles the model for good with
what that counted: which branches are taken, what is called often, what hardly ever runs.
"""

from typing import Final

from fuzz.codec import decode, encode
from fuzz.counters import CounterMap
from fuzz.generate import generate
from fuzz.mutate import mutate
from fuzz.novelty import Novelty
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from simulator import features
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.scenario import MAX_FUZZ_DIRECTIVES

SEED: Final = 1
ROUNDS: Final = 2000  # some seconds, instrumented; more do not make the model faster
FRESH_ONE_IN: Final = 8
MAX_OPS: Final = 48
SCHEDULES_PER_SCENARIO: Final = 4


def train(rounds: int) -> int:
    """Fuzz for so many scenarios. Returns how many runs showed something new."""
    rng = Rng(SEED)
    machine = Machine()
    counters = CounterMap(machine)
    novelty = Novelty(features.COUNTERS_SIZE)
    portfolio = Portfolio(SEED)
    corpus = [generate(rng, MAX_OPS)]
    for _ in range(rounds):
        if rng.chance(1, FRESH_ONE_IN):
            made = generate(rng, MAX_OPS)
        else:
            made = mutate(rng.pick(corpus), rng, rng.pick(corpus), portfolio.hints)
        scenario = decode(encode(made))
        counters.clear()
        machine.run(scenario)
        if novelty.scan(counters.snapshot()):
            corpus.append(scenario)
        outcome: Outcome | None = None
        for _ in range(SCHEDULES_PER_SCENARIO):
            strategy = portfolio.next(scenario, outcome)
            if strategy is None:
                continue  # what has run already
            counters.clear()
            outcome = machine.run(scenario, strategy)
            if novelty.scan(counters.snapshot()):
                recorded = tuple(outcome.recorded[:MAX_FUZZ_DIRECTIVES])
                corpus.append(scenario.with_directives(recorded))
    return len(corpus)


if __name__ == "__main__":
    train(ROUNDS)
