# SPDX-License-Identifier: MIT
"""Who met whom: which kinds of ops came to one object one after the other, one of them writing.

Contract: `ran` is shown the profile of each run that a strategy scheduled, and counts for ordered
pairs of rows (A came first, then B of another actor) in how many runs they met. `wanted` draws a
pair that has met rarely, or in one order only. Runs under directives alone are not counted: nobody
watches their accesses. Of a run with very many meetings the profile keeps a scattered part.

What is left to be met is estimated from the counts by fuzz/unmet.py.
"""

from typing import Final

from mypy_extensions import i64

from fuzz.rng import Rng
from fuzz.slots import ACTORS_OF_CODE, NR_CODES
from simulator.build.native import final, vec
from simulator.ops import OPS
from simulator.scenario import Scenario
from simulator.sched.profile import A_POS, B_POS, PAIR, Profile

_CANDIDATES: Final[i64] = 6  # pairs looked at to find one that has met rarely
_UNKNOWN: Final[i64] = 8  # runs that a pair stands for that never met, in neither order


def can_meet(a: i64, b: i64) -> bool:
    """Whether two actors can run an op of each row."""
    either = ACTORS_OF_CODE[a] | ACTORS_OF_CODE[b]
    return ACTORS_OF_CODE[a] != 0 and ACTORS_OF_CODE[b] != 0 and either & (either - 1) != 0


@final
class Meetings:
    """The counts of one slice."""

    def __init__(self) -> None:
        self.runs: vec[i64] = vec[i64]([0] * (NR_CODES * NR_CODES))  # in which a pair met
        self.last: vec[i64] = vec[i64]([0] * (NR_CODES * NR_CODES))  # the latest of them
        self.nr_runs: i64 = 0
        self.rows: list[int] = [spec.number for spec in OPS]

    def ran(self, scenario: Scenario, profile: Profile) -> None:
        """Count the meetings of a run."""
        self.nr_runs += 1
        ops = scenario.ops
        pairs = profile.pairs
        end = profile.pairs_held() * PAIR
        at: i64 = 0
        while at < end:
            a: i64 = ops[pairs[at + A_POS]].code
            b: i64 = ops[pairs[at + B_POS]].code
            pair = a * NR_CODES + b
            if self.last[pair] != self.nr_runs:
                self.last[pair] = self.nr_runs
                self.runs[pair] += 1
            at += PAIR

    def met(self, a: i64, b: i64) -> i64:
        """In how many runs an op of row `a` came first, and one of row `b` then."""
        return self.runs[a * NR_CODES + b]

    def wanted(self, rng: Rng) -> list[int]:
        """Of a few pairs that could meet the most promising one: first those that have met the
        other way round only, then those that have met, the rarest first. Of most others nobody
        knows whether they have anything to meet on."""
        best_a: i64 = -1
        best_b: i64 = -1
        least: i64 = -1
        left = _CANDIDATES
        while left > 0:
            left -= 1
            a: i64 = rng.pick(self.rows)
            b: i64 = rng.pick(self.rows)
            if not can_meet(a, b):
                continue
            runs = self.runs[a * NR_CODES + b]
            if runs == 0 and self.runs[b * NR_CODES + a] == 0:
                runs = _UNKNOWN
            if least < 0 or runs < least:
                least = runs
                best_a = a
                best_b = b
        return [best_a, best_b] if least >= 0 else []

    def counts(self) -> dict[int, int]:
        """Runs by A * NR_CODES + B, of pairs that have met."""
        found: dict[int, int] = {}
        pair: i64 = 0
        while pair < NR_CODES * NR_CODES:
            if self.runs[pair]:
                found[pair] = self.runs[pair]
            pair += 1
        return found
