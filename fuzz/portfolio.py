# SPDX-License-Identifier: MIT
"""Which strategy runs next, and with what parameters.

Contract: `next` is called before each run of a scenario that shall be explored; it returns
a fresh strategy for that one run. Shares are kept by a deterministic rotation; parameters come
from the seed and from the profile of the last run of the same scenario. Strategies that need a
profile wait until there is one. What profiles show is also kept in `hints`, for the mutators.

It does not promise shares within one scenario, only over many.
"""

from typing import Final

from mypy_extensions import i64

from fuzz.focus import Ambush, Focus
from fuzz.hints import Conflict, Hints
from fuzz.meetings import Meetings
from fuzz.rng import Rng
from simulator.build.native import final, vec
from simulator.scenario import FAIL, SWITCH, Scenario
from simulator.sched.profile import A_POS, A_SITE, A_VISIT, B_POS, B_SITE, B_VISIT, PAIR, Profile
from simulator.sched.strategies import (
    BoundedPreemptions,
    Directed,
    Exploring,
    Guided,
    Pct,
    Pos,
    RandomWalk,
    Starve,
    Sticky,
    Surw,
)
from simulator.task import Planned

# Shares in percent. POS and SURW find what needs several accesses in one order, the walks what
# needs many switches close together, the others what needs few, far apart.
_RUN_TO_BLOCK: Final[i64] = 0  # with faults
_RANDOM_WALK: Final[i64] = 1
_STICKY: Final[i64] = 2
_POS: Final[i64] = 3
_STARVE: Final[i64] = 4
_GUIDED: Final[i64] = 5  # needs directives
_SURW: Final[i64] = 6  # this one and the following need a profile
_PCT: Final[i64] = 7
_BOUNDED: Final[i64] = 8
_DIRECTED: Final[i64] = 9
_SHARES: Final[list[int]] = [2, 10, 9, 17, 7, 10, 17, 9, 5, 14]
NR_STRATEGIES: Final[i64] = 10
STRATEGIES: Final = (  # their names, in this order
    "run-to-block",
    "random-walk",
    "sticky",
    "pos",
    "starve",
    "guided",
    "surw",
    "pct",
    "bounded",
    "directed",
)

_STICKINESS: Final[list[int]] = [2, 4, 10, 30]  # one switch in that many steps
_DEPTHS: Final[list[int]] = [3, 4, 6]  # of PCT
_UNKNOWN_LENGTH: Final[i64] = 100  # steps, before there is a profile
_AMBUSH_ONE_IN: Final[i64] = 2  # runs, where there is a focus
_PAIR_COUNTERS: Final[i64] = 4096
_CANDIDATES: Final[i64] = 4  # pairs looked at to find a rare one
_HINTS_OF_A_RUN: Final[i64] = 4


@final
class Portfolio:
    """The rotation of one slice; with a `focus` every other run is an ambush there. With a kind in
    `only` there is no other, for comparisons; what that cannot do yet is run to block."""

    def __init__(self, seed: int, focus: Focus | None = None) -> None:
        self.focus: Focus | None = focus
        self.meetings: Meetings = Meetings()
        self.only: i64 = -1
        self.hints: Hints = Hints()
        self.rng: Rng = Rng(seed)
        self.profile: Profile = Profile()
        self.scenario: Scenario | None = None
        self.profiled: bool = False  # the profile is of `scenario`
        self.learned: bool = True  # and what it shows is known
        self.credit: vec[i64] = vec[i64]([0] * NR_STRATEGIES)
        self.pairs_tried: vec[i64] = vec[i64]([0] * _PAIR_COUNTERS)

    def next(self, scenario: Scenario, decided: list[Planned] | None) -> Exploring:
        """The strategy for the next run of `scenario`. `decided` is what that of its last run,
        one of this portfolio, did (Machine.decided); None before its first."""
        self.learn()
        if decided is not None:
            self._learn_faults(scenario, decided)
        if scenario is not self.scenario or decided is None:
            self.profiled = False
        self.scenario = scenario
        strategy = self._ambush(scenario)
        if strategy is None:
            kind = self._rotate(len(scenario.directives) > 0)
            strategy = self._make(kind, scenario)
        self._add_faults(strategy)
        self.profiled = True  # by the time of the next call
        self.learned = False
        return strategy

    def learn(self) -> None:
        """Take from the profile of the last run what it shows, once."""
        if self.profiled and not self.learned and self.scenario is not None:
            self.learned = True
            self.meetings.ran(self.scenario, self.profile)
            self._learn_pairs(self.scenario)

    def _ambush(self, scenario: Scenario) -> Exploring | None:
        """Where there is a focus, every other time."""
        focus = self.focus
        if focus is None or not self.rng.chance(1, _AMBUSH_ONE_IN):
            return None
        rng = Rng(self.rng.next32() << 32 | self.rng.next32())
        return Ambush(rng, self.profile, self._quiet(scenario), focus, scenario.ops)

    def _rotate(self, directives: bool) -> i64:
        """The kind that is most behind its share, of those that are possible now."""
        profiled = self.profiled and self.profile.nr_active > 0
        if self.only >= 0:
            waits = (self.only == _GUIDED and not directives) or (
                self.only >= _SURW and not profiled
            )
            return _RUN_TO_BLOCK if waits else self.only
        best: i64 = -1
        total: i64 = 0
        kind: i64 = 0
        while kind < NR_STRATEGIES:
            if kind != _GUIDED or directives:
                self.credit[kind] += _SHARES[kind]
                total += _SHARES[kind]
                possible = kind < _SURW or profiled
                if possible and (best < 0 or self.credit[kind] > self.credit[best]):
                    best = kind
            kind += 1
        self.credit[best] -= total
        return best

    def _make(self, kind: i64, scenario: Scenario) -> Exploring:
        rng = Rng(self.rng.next32() << 32 | self.rng.next32())
        profile = self.profile
        quiet = self._quiet(scenario)
        length = profile.nr_active if self.profiled else _UNKNOWN_LENGTH
        if kind == _RUN_TO_BLOCK:
            return Exploring(rng, profile, quiet)
        if kind == _RANDOM_WALK:
            return RandomWalk(rng, profile, quiet)
        if kind == _STICKY:
            return Sticky(rng, profile, quiet, self._stickiness(rng))
        if kind == _POS:
            return Pos(rng, profile, quiet)
        if kind == _STARVE:
            victim: i64 = scenario.ops[rng.below(len(scenario.ops))].actor if scenario.ops else 0
            return Starve(rng, profile, quiet, victim, length // 2)
        if kind == _GUIDED:
            tail = rng.between(0, len(scenario.ops))
            return Guided(rng, profile, 0, scenario, tail, self._stickiness(rng))
        if kind == _PCT:
            return Pct(rng, profile, quiet, _DEPTHS[rng.below(len(_DEPTHS))], length)
        if kind == _BOUNDED:
            return BoundedPreemptions(rng, profile, quiet, rng.between(1, 3), length)
        if kind == _DIRECTED and profile.nr_pairs > 0:
            pairs = [self._rare_pair(rng, scenario)]
            if rng.chance(1, 4):
                pairs.append(self._rare_pair(rng, scenario))
            return Directed(rng, profile, quiet, pairs)
        if self.only == _DIRECTED:
            return Exploring(rng, profile, quiet)
        return Surw(rng, profile, quiet, rng.between(1, 3))

    def _stickiness(self, rng: Rng) -> i64:
        return _STICKINESS[rng.below(len(_STICKINESS))]

    def _quiet(self, scenario: Scenario) -> i64:
        """The op before which nothing happens: mostly the first one of a second actor, for
        what comes before only sets the stage."""
        ops = scenario.ops
        nr: i64 = len(ops)
        prefix: i64 = 0
        while prefix < nr and ops[prefix].actor == ops[0].actor:
            prefix += 1
        if prefix == nr:  # one actor: only faults can happen, anywhere
            return 0
        r = self.rng.below(8)
        if r == 0:
            return 0
        if r < 3:
            return self.rng.between(prefix, nr - 1)
        return prefix

    def _add_faults(self, strategy: Exploring) -> None:
        """Small probabilities of what hardware and allocator may do; most runs have none."""
        rng = self.rng
        if rng.chance(1, 8):
            strategy.fail_one_in = 1 << rng.between(1, 5)
        if rng.chance(1, 2):
            strategy.tlb_one_in = 1 << rng.between(0, 2)
        if rng.chance(1, 4):
            strategy.ipi_one_in = 1 << rng.between(0, 2)

    def _rare_pair(self, rng: Rng, scenario: Scenario) -> i64:
        """Of a few pairs of the last run the one whose sites were tried least; one whose kinds of
        ops have never met the other way round comes before all others."""
        held = self.profile.pairs_held()
        best: i64 = 0
        best_tried: i64 = -1
        best_counter: i64 = 0
        left = _CANDIDATES
        while left > 0:
            left -= 1
            pair = rng.below(held)
            at = pair * PAIR
            a = self.profile.pairs[at + A_SITE]
            b = self.profile.pairs[at + B_SITE]
            counter = (a * 1021 + b) % _PAIR_COUNTERS
            tried = self.pairs_tried[counter] + 1
            first: i64 = scenario.ops[self.profile.pairs[at + A_POS]].code
            second: i64 = scenario.ops[self.profile.pairs[at + B_POS]].code
            if self.meetings.met(second, first) == 0:
                tried = 0
            if best_tried < 0 or tried < best_tried:
                best = pair
                best_tried = tried
                best_counter = counter
        self.pairs_tried[best_counter] += 1
        return best

    def _learn_faults(self, scenario: Scenario, decided: list[Planned]) -> None:
        """Keep where allocations, translations and IPIs could be disturbed."""
        for made in decided:
            if made.kind >= FAIL:
                for op in scenario.ops:
                    if op.uid == made.index:
                        self.hints.saw(made.kind, op.code, made.site, made.visit)

    def _learn_pairs(self, scenario: Scenario) -> None:
        """Keep some of the meetings of the last run."""
        profile = self.profile
        held = profile.pairs_held()
        ops = scenario.ops
        left = min(held, _HINTS_OF_A_RUN)
        while left > 0:
            left -= 1
            at = self.rng.below(held) * PAIR
            code_a: i64 = ops[profile.pairs[at + A_POS]].code
            code_b: i64 = ops[profile.pairs[at + B_POS]].code
            site_a = profile.pairs[at + A_SITE]
            site_b = profile.pairs[at + B_SITE]
            visit_a = profile.pairs[at + A_VISIT]
            self.hints.saw(SWITCH, code_a, site_a, visit_a)
            self.hints.saw(SWITCH, code_b, site_b, profile.pairs[at + B_VISIT])
            self.hints.conflict(Conflict(code_a, site_a, visit_a, code_b, site_b))
