# SPDX-License-Identifier: MIT
"""One scenario from two.

Contract: `crossover` never raises; the child has the beginning of `a`, some ops of `b` under
new uids with their directives, and at times the rest of `a`; `a`'s machine. It passes
`simulator.validate` and is within the fuzz limits.
"""

from mypy_extensions import i64

from fuzz.draft import Draft
from fuzz.mutate import LARGE, graft, splice
from fuzz.rng import Rng
from simulator.scenario import Scenario


def crossover(a: Scenario, b: Scenario, rng: Rng) -> Scenario:
    """A child of two scenarios."""
    if not a.ops or not b.ops:
        return a if a.ops else b
    draft = Draft(a)
    if rng.chance(1, 2):  # insert: `a` sets the stage for both
        while len(draft.ops) > LARGE:
            draft.delete(rng.below(len(draft.ops)))
        splice(draft, rng, b)
        return draft.finish()
    keep = rng.between(1, len(a.ops))
    while len(draft.ops) > keep:
        draft.delete(len(draft.ops) - 1)
    begin: i64 = rng.below(len(b.ops))
    graft(draft, b, begin, len(b.ops), len(draft.ops))
    return draft.finish()
