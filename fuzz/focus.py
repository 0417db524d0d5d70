# SPDX-License-Identifier: MIT
"""Where a search is aimed, and how near it has come: directed fuzzing.

Contract: a `Focus` has some sites, and for other sites how many calls they are away from these
(fuzz/targets.py). It keeps scenarios that came by each of them, in bounded numbers, and learns
which ops come how near; `base` and `wanted` then draw what is worth changing, and which ops to put
in. `Ambush` is the strategy that preempts at its sites. All of it depends on the runs that were
shown to it and on random numbers.

It knows of no bug: it is told where to go, not what to find there.
"""

from typing import Final, final

from mypy_extensions import i64

from fuzz.rng import Rng
from fuzz.slots import NR_CODES
from simulator.build.native import vec
from simulator.run import Machine
from simulator.scenario import Op, Scenario
from simulator.sched.profile import Profile
from simulator.sched.strategies import Exploring, random_of
from simulator.sites import NR_SITES

FAR: Final[i64] = 64  # calls; farther than anybody counts
KEPT_OF_A_SITE: Final[i64] = 8  # scenarios that came by it: the latest
_CANDIDATES: Final[i64] = 4  # sites looked at to find a rare one
# Chances of an op to be wanted, to one that comes a call less near.
_PER_CALL: Final[i64] = 4
_MAX_WEIGHT: Final[i64] = 1 << 12
_LATEST: Final[list[int]] = [1, 2, 4, 8]  # one passing in so many is an ambush
_ELSEWHERE: Final[list[int]] = [0, 0, 16, 64]  # and one of other steps; 0 none


@final
class Focus:
    """The aim of one slice. `near` says how many calls away a site is, 0 for those of the focus."""

    def __init__(self, near: dict[int, int]) -> None:
        self.near: vec[i64] = vec[i64]([FAR] * NR_SITES)
        self.sites: list[int] = sorted(near)  # the focus and what leads there
        self.targets: list[int] = [site for site in self.sites if near[site] == 0]
        for site in self.sites:
            self.near[site] = near[site]
        self.passed: vec[i64] = vec[i64]([0] * NR_SITES)  # how often
        self.before: vec[i64] = vec[i64]([0] * NR_SITES)  # by the machine, when last looked
        self.there: list[int] = []  # the sites that the last run is worth keeping for
        self.kept: list[list[Scenario]] = [[] for _ in range(NR_SITES)]
        self.turn: i64 = 0
        self.nearest: vec[i64] = vec[i64]([FAR] * NR_CODES)  # by row, how near its ops came

    def renew(self) -> None:
        """A new machine takes over, which has passed nothing yet."""
        for site in self.sites:
            self.before[site] = 0

    def ran(self, machine: Machine, new: bool) -> bool:
        """A run is over. Whether its scenario is to be kept for a site that it came by: few have
        come there, or it showed anything `new`."""
        seen = machine.k.sites_seen
        self.there = []
        for site in self.sites:
            at: i64 = site
            visits = seen[at] - self.before[at]
            if visits == 0:
                continue
            self.before[at] = seen[at]
            self.passed[at] += visits
            if new or len(self.kept[at]) < KEPT_OF_A_SITE:
                self.there.append(site)
        return len(self.there) > 0

    def keep(self, scenario: Scenario) -> None:
        """The scenario of that run, as it is to be changed."""
        for site in self.there:
            kept = self.kept[site]
            if len(kept) < KEPT_OF_A_SITE:
                kept.append(scenario)
            else:
                self.turn += 1
                kept[self.turn % KEPT_OF_A_SITE] = scenario

    def came(self, code: i64, calls: i64) -> None:
        """An op of a row came by a site that is so many calls away."""
        if calls < self.nearest[code]:
            self.nearest[code] = calls

    def base(self, rng: Rng) -> Scenario | None:
        """A scenario that came near: by a site of the focus that was passed rarely, or, while some
        were never passed, at times by one that is few calls away from them."""
        missed = False
        for site in self.targets:
            if self.passed[site] == 0:
                missed = True
                break
        site_drawn = self._site(rng, self.sites if missed and rng.chance(1, 3) else self.targets)
        if site_drawn < 0:
            site_drawn = self._site(rng, self.sites)
        return rng.pick(self.kept[site_drawn]) if site_drawn >= 0 else None

    def _site(self, rng: Rng, sites: list[int]) -> i64:
        """Of a few that some run has passed the nearest, and of these the rarest; -1: none."""
        best: i64 = -1
        left = _CANDIDATES
        while left > 0:
            left -= 1
            site: i64 = rng.pick(sites)
            if self.passed[site] == 0 or not self.kept[site]:
                continue
            if best >= 0:
                if self.near[site] > self.near[best]:
                    continue
                as_near = self.near[site] == self.near[best]
                if as_near and self.passed[site] >= self.passed[best]:
                    continue
            best = site
        return best

    def wanted(self, rng: Rng) -> list[int]:
        """A row whose ops come near, the nearer the likelier; none while none has been seen to."""
        weights = [0] * NR_CODES
        total: i64 = 0
        code: i64 = 0
        while code < NR_CODES:
            calls = self.nearest[code]
            if calls < FAR:
                weight: i64 = _MAX_WEIGHT
                while calls > 0 and weight > 1:
                    weight //= _PER_CALL
                    calls -= 1
                weights[code] = weight
                total += weight
            code += 1
        return [rng.weighted(weights)] if total > 0 else []


@final
class Ambush(Exploring):
    """Runs to block, but lets somebody else in where the focus is: at one passing of its sites in
    `one_in`, and at one of other steps in `elsewhere`. Tells the focus which ops came how near."""

    def __init__(
        self, rng: Rng, profile: Profile, quiet: i64, focus: Focus, ops: tuple[Op, ...]
    ) -> None:
        super().__init__(rng, profile, quiet)
        self.focus: Focus = focus
        self.codes: vec[i64] = vec[i64]([op.code for op in ops])
        self.one_in: i64 = rng.pick(_LATEST)
        self.elsewhere: i64 = rng.pick(_ELSEWHERE)

    def choose(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        calls = self.focus.near[site]
        if calls < FAR:
            self.focus.came(self.codes[self.pend_pos[cur]], calls)
        return super().choose(cur, site, obj, access, runnable)

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        one_in = self.elsewhere
        if self.focus.near[site] == 0:
            one_in = self.one_in
        if one_in == 0 or not self.rng.chance(1, one_in):
            return cur
        return random_of(self.rng, runnable & ~(1 << cur))
