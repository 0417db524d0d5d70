# SPDX-License-Identifier: MIT
"""The strategies that search for schedules.

Contract: each is made for one run, is a function of its random numbers, its profile and
what the scheduler tells it, and decides at most `MAX_FUZZ_DIRECTIVES` times against the
default, so that what it did fits a fuzzed scenario. Before op `quiet` it does nothing, and
learns nothing: the ops that set the stage run in order, and as fast as without a strategy.

Sources of the ideas: random walks; PCT (Burckhardt et al., ASPLOS 2010); POS (Yuan, Yang, Gu,
CAV 2018); SURW (Zhao et al., ASPLOS 2025); bounded preemptions (Musuvathi, Qadeer, PLDI
2007); flips of observed conflicts (SegFuzz, Jeong et al., S&P 2023). The code is ours, and
none of their guarantees is claimed: budget and quiet prefix cut them.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from simulator.build.native import vec
from simulator.rng import Rng
from simulator.scenario import (
    FAIL,
    IPI,
    MAX_FUZZ_DIRECTIVES,
    NR_ACTORS,
    PARK,
    SWITCH,
    TLB,
    Scenario,
)
from simulator.sched.profile import (
    A_ACTOR,
    A_POS,
    A_SITE,
    A_VISIT,
    B_ACTOR,
    B_POS,
    B_SITE,
    B_VISIT,
    COUNTS,
    OWNER,
    PAIR,
    Profile,
)
from simulator.sched.strategy import Strategy
from simulator.sites import BY_NAME

MAX_TARGETS: Final[i64] = 3  # contended objects that one SURW run looks at
MAX_STARVED_LOG2: Final[i64] = 10  # a victim waits for at most 2^10 steps
MAX_IPI_LOG2: Final[i64] = 7  # an IPI is late by less than 2^7 steps
LEFT_OUT_ONE_IN: Final[i64] = 12  # decisions of a schedule that is followed
_HIGH: Final[i64] = 1 << 20  # above every priority that PCT lowers to
# Of each actor in `Exploring.waits`: pos, site, visit, object, access.
WAIT: Final[i64] = 5
WAIT_OBJ: Final[i64] = 3
WAIT_ACCESS: Final[i64] = 4


@mypyc_attr(allow_interpreted_subclasses=True)
class Exploring(Strategy):
    """What all have in common: quiet prefix, budget, profile, faults. On its own: run to
    block."""

    def __init__(self, rng: Rng, profile: Profile, quiet: i64) -> None:
        super().__init__()
        self.rng: Rng = rng
        self.profile: Profile = profile
        self.quiet = quiet
        self.left: i64 = MAX_FUZZ_DIRECTIVES
        # One in that many allocations or trylocks fails, stale translations are used, IPIs
        # are late; 0 is never.
        self.fail_one_in: i64 = 0
        self.tlb_one_in: i64 = 0
        self.ipi_one_in: i64 = 0
        # Accesses announced to `choose` before which their actor was preempted.
        self.waiting: i64 = 0  # mask of actors
        self.waits: vec[i64] = vec[i64]([0] * (NR_ACTORS * WAIT))

    def begin(self, nr_ops: i64) -> None:
        self.profile.begin_run()

    def choose(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        if (self.waiting >> cur) & 1:  # it was resumed behind our back
            self._resumed(cur)
        chosen = cur
        if self.left > 0 and runnable & (runnable - 1):
            self.profile.nr_active += 1
            chosen = self.decide(cur, site, obj, access, runnable)
        if chosen == cur or not (runnable >> chosen) & 1:
            if obj >= 0:
                pos = self.pend_pos[cur]
                self.profile.note(cur, pos, site, self.pend_visit[cur], obj, access)
                self.executed(cur, site, obj, access)
            return cur
        self.left -= 1
        self.waiting |= 1 << cur
        at = cur * WAIT
        self.waits[at] = self.pend_pos[cur]
        self.waits[at + 1] = site
        self.waits[at + 2] = self.pend_visit[cur]
        self.waits[at + WAIT_OBJ] = obj
        self.waits[at + WAIT_ACCESS] = access
        if (self.waiting >> chosen) & 1:
            self._resumed(chosen)
        return chosen

    def _resumed(self, actor: i64) -> None:
        self.waiting &= ~(1 << actor)
        at = actor * WAIT
        obj = self.waits[at + WAIT_OBJ]
        if obj >= 0:
            site = self.waits[at + 1]
            access = self.waits[at + WAIT_ACCESS]
            self.profile.note(actor, self.waits[at], site, self.waits[at + 2], obj, access)
            self.executed(actor, site, obj, access)

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        """Who runs next, once the strategy is free to choose and there is a choice."""
        return cur

    def executed(self, actor: i64, site: i64, obj: i64, access: i64) -> None:
        """An access to an object that `choose` was asked about happens now."""

    def fail(self, site: i64) -> bool:
        return self._spend(self.fail_one_in)

    def tlb(self, entries: i64) -> i64:
        if not self._spend(self.tlb_one_in):
            return 0
        return 1 + self.rng.below(entries)

    def ipi(self, site: i64) -> i64:
        if not self._spend(self.ipi_one_in):
            return 0
        return 1 << self.rng.below(MAX_IPI_LOG2)

    def _spend(self, one_in: i64) -> bool:
        if one_in == 0 or self.left == 0 or not self.rng.chance(1, one_in):
            return False
        self.left -= 1
        return True


def random_of(rng: Rng, mask: i64) -> i64:
    """A random actor of a mask that is not empty."""
    nr: i64 = 0
    rest = mask
    while rest:
        rest &= rest - 1
        nr += 1
    skip = rng.below(nr)
    while skip > 0:
        mask &= mask - 1
        skip -= 1
    actor: i64 = 0
    while not (mask >> actor) & 1:
        actor += 1
    return actor


def races(obj_a: i64, access_a: i64, obj_b: i64, access_b: i64) -> bool:
    """Whether the order of two accesses matters."""
    return obj_a >= 0 and obj_a == obj_b and (access_a | access_b) & 1 != 0


@final
class RandomWalk(Exploring):
    """At every step any runnable actor, uniformly."""

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        return random_of(self.rng, runnable)


@final
class Sticky(Exploring):
    """Goes on with the same actor, and leaves it at one step in `one_in`."""

    def __init__(self, rng: Rng, profile: Profile, quiet: i64, one_in: i64) -> None:
        super().__init__(rng, profile, quiet)
        self.one_in: i64 = one_in

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        if not self.rng.chance(1, self.one_in):
            return cur
        return random_of(self.rng, runnable & ~(1 << cur))


@final
class Pct(Exploring):
    """Random priorities; the highest runs; at `depth - 1` random steps of the expected
    `length` the running actor becomes the lowest."""

    def __init__(self, rng: Rng, profile: Profile, quiet: i64, depth: i64, length: i64) -> None:
        super().__init__(rng, profile, quiet)
        self.priority: vec[i64] = vec[i64]([0] * NR_ACTORS)
        i: i64 = 0
        while i < NR_ACTORS:
            self.priority[i] = _HIGH + rng.below(_HIGH)
            i += 1
        points: list[int] = []
        i = 1
        while i < depth:
            points.append(rng.below(max(1, length)))
            i += 1
        points.sort()
        self.points: list[int] = points
        self.changes: i64 = 0
        self.step: i64 = 0

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        while self.changes < len(self.points) and self.step >= self.points[self.changes]:
            self.changes += 1
            self.priority[cur] = _HIGH - self.changes
        self.step += 1
        return _highest(self.priority, runnable)


def _highest(priority: vec[i64], runnable: i64) -> i64:
    """The runnable actor of the highest priority; the lowest number of equals."""
    best: i64 = -1
    actor: i64 = 0
    rest = runnable
    while rest:
        if rest & 1 and (best < 0 or priority[actor] > priority[best]):
            best = actor
        rest >>= 1
        actor += 1
    return best


@final
class Pos(Exploring):
    """Partial order sampling: each pending access has a random priority, drawn again when an
    access that it races with has happened."""

    def __init__(self, rng: Rng, profile: Profile, quiet: i64) -> None:
        super().__init__(rng, profile, quiet)
        self.priority: vec[i64] = vec[i64]([0] * NR_ACTORS)
        i: i64 = 0
        while i < NR_ACTORS:
            self.priority[i] = rng.bits(31)
            i += 1

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        if obj < 0:  # nobody can tell when a private step happens
            return cur
        return _highest(self.priority, runnable)

    def executed(self, actor: i64, site: i64, obj: i64, access: i64) -> None:
        self.priority[actor] = self.rng.bits(31)  # for its next access
        other: i64 = 0
        rest = self.waiting
        while rest:
            at = other * WAIT
            if rest & 1 and races(
                obj, access, self.waits[at + WAIT_OBJ], self.waits[at + WAIT_ACCESS]
            ):
                self.priority[other] = self.rng.bits(31)
            rest >>= 1
            other += 1


@final
class Surw(Exploring):
    """Selectively uniform random walk: only the order of accesses to a few contended objects
    is chosen, each time by how many of them every actor still has to make."""

    def __init__(self, rng: Rng, profile: Profile, quiet: i64, targets: i64) -> None:
        super().__init__(rng, profile, quiet)
        self.targets: vec[i64] = vec[i64]([-1] * MAX_TARGETS)  # objects
        self.remaining: vec[i64] = vec[i64]([0] * NR_ACTORS)
        self.intent: i64 = -1
        contended = profile.contended()
        i: i64 = 0
        while i < targets and i < MAX_TARGETS and contended:
            slot = contended.pop(rng.below(len(contended)))
            self.targets[i] = profile.slots[slot + OWNER]
            actor: i64 = 0
            while actor < NR_ACTORS:
                self.remaining[actor] += profile.slots[slot + COUNTS + actor]
                actor += 1
            i += 1

    def _is_target(self, obj: i64) -> bool:
        if obj < 0:
            return False
        return obj == self.targets[0] or obj == self.targets[1] or obj == self.targets[2]

    def _draw(self, runnable: i64) -> i64:
        """An actor, by its remaining accesses; -1 if none has any."""
        total: i64 = 0
        actor: i64 = 0
        while actor < NR_ACTORS:
            if (runnable >> actor) & 1:
                total += self.remaining[actor]
            actor += 1
        if total == 0:
            return -1
        left = self.rng.below(total)
        actor = 0
        while True:
            if (runnable >> actor) & 1:
                left -= self.remaining[actor]
                if left < 0:
                    return actor
            actor += 1

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        if not self._is_target(obj):
            return cur
        if self.remaining[cur] == 0:  # more than last time
            self.remaining[cur] = 1
        if self.intent < 0 or not (runnable >> self.intent) & 1:
            self.intent = self._draw(runnable)
        return self.intent if self.intent >= 0 else cur

    def executed(self, actor: i64, site: i64, obj: i64, access: i64) -> None:
        if not self._is_target(obj):
            return
        if self.remaining[actor] > 0:
            self.remaining[actor] -= 1
        if actor == self.intent:
            self.intent = -1


@final
class Starve(Exploring):
    """From some step on one actor does not run for 2^j steps, or until no other can."""

    def __init__(self, rng: Rng, profile: Profile, quiet: i64, victim: i64, length: i64) -> None:
        super().__init__(rng, profile, quiet)
        self.victim: i64 = victim
        self.delay: i64 = rng.below(max(1, length))  # of the victim's steps
        self.hungry: i64 = 1 << rng.below(MAX_STARVED_LOG2 + 1)

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        if self.delay > 0:
            if cur == self.victim:
                self.delay -= 1
            return cur
        if self.hungry == 0:
            return cur
        self.hungry -= 1
        if cur != self.victim:
            return cur
        return random_of(self.rng, runnable & ~(1 << cur))


@final
class BoundedPreemptions(Exploring):
    """Run to block but for a few preemptions at random steps."""

    def __init__(
        self, rng: Rng, profile: Profile, quiet: i64, preemptions: i64, length: i64
    ) -> None:
        super().__init__(rng, profile, quiet)
        points: list[int] = []
        while preemptions > 0:
            points.append(rng.below(max(1, length)))
            preemptions -= 1
        points.sort()
        self.points: list[int] = points
        self.next: i64 = 0
        self.step: i64 = 0

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        step = self.step
        self.step = step + 1
        if self.next == len(self.points) or step < self.points[self.next]:
            return cur
        self.next += 1
        return random_of(self.rng, runnable & ~(1 << cur))


@final
class Directed(Exploring):
    """Runs observed conflicts the other way round: before its access A waits until B, which
    once came later, has made its own. Then either goes on at once."""

    def __init__(self, rng: Rng, profile: Profile, quiet: i64, pairs: list[i64]) -> None:
        super().__init__(rng, profile, quiet)
        # The profile is about to be overwritten: keep what is needed of it.
        self.nr_pairs: i64 = len(pairs)
        self.pairs: vec[i64] = vec[i64]([0] * (PAIR * len(pairs)))
        to: i64 = 0
        for pair in pairs:
            i: i64 = 0
            while i < PAIR:
                self.pairs[to] = profile.pairs[pair * PAIR + i]
                i += 1
                to += 1
        self.done: i64 = 0  # mask of pairs
        self.held: i64 = -1  # pair whose A waits
        self.met: bool = False  # B has made its access

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        if self.held >= 0:
            return self._while_held(cur, runnable)
        pos = self.pend_pos[cur]
        visit = self.pend_visit[cur]
        i: i64 = 0
        while i < self.nr_pairs:
            at = i * PAIR
            if (
                not (self.done >> i) & 1
                and self.pairs[at + A_ACTOR] == cur
                and self.pairs[at + A_SITE] == site
                and self.pairs[at + A_POS] == pos
                and self.pairs[at + A_VISIT] == visit
            ):
                self.done |= 1 << i
                self.held = i
                self.met = False
                return self._instead_of(cur, runnable)
            i += 1
        return cur

    def _while_held(self, cur: i64, runnable: i64) -> i64:
        a = self.pairs[self.held * PAIR + A_ACTOR]
        if self.met:
            self.held = -1
            return a if self.rng.chance(1, 2) else cur
        if cur == a:
            return self._instead_of(cur, runnable)
        return cur

    def _instead_of(self, cur: i64, runnable: i64) -> i64:
        b = self.pairs[self.held * PAIR + B_ACTOR]
        if (runnable >> b) & 1:
            return b
        return random_of(self.rng, runnable & ~(1 << cur))

    def executed(self, actor: i64, site: i64, obj: i64, access: i64) -> None:
        if self.held < 0:
            return
        at = self.held * PAIR
        if (
            actor == self.pairs[at + B_ACTOR]
            and site == self.pairs[at + B_SITE]
            and self.pend_pos[actor] == self.pairs[at + B_POS]
            and self.pend_visit[actor] >= self.pairs[at + B_VISIT]
        ):
            self.met = True


@final
class Guided(Exploring):
    """Follows the schedule of a scenario, leaving out a decision now and then, up to op
    `tail`; from there on it is sticky. So what one schedule has reached is where the next
    searches begin. A park counts as a switch to whom it waits for."""

    def __init__(
        self, rng: Rng, profile: Profile, quiet: i64, scenario: Scenario, tail: i64, one_in: i64
    ) -> None:
        super().__init__(rng, profile, quiet)
        self.tail: i64 = tail
        self.one_in: i64 = one_in
        place: dict[int, int] = {}
        for i, op in enumerate(scenario.ops):
            place[op.uid] = i
        # Decisions of op i are those at first[i]..first[i + 1] - 1, in canonical order.
        self.first: vec[i64] = vec[i64]([0] * (len(scenario.ops) + 1))
        self.sites: list[i64] = []
        self.visits: list[i64] = []
        self.kinds: list[i64] = []
        self.args: list[i64] = []
        for directive in scenario.directives:
            if rng.chance(1, LEFT_OUT_ONE_IN):
                continue
            kind: i64 = directive.kind
            arg: i64 = directive.arg
            if kind == PARK:
                kind = SWITCH
                arg = scenario.ops[place[arg]].actor
            self.first[place[directive.uid] + 1] += 1
            self.sites.append(BY_NAME[directive.site])
            self.visits.append(directive.visit)
            self.kinds.append(kind)
            self.args.append(arg)
        i = 0
        while i < len(scenario.ops):
            self.first[i + 1] += self.first[i]
            i += 1
        self.cur: i64 = 0

    def choose(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        self.cur = cur
        return super().choose(cur, site, obj, access, runnable)

    def _planned(self, kind: i64) -> i64:
        """The argument of the decision of a kind where the current actor stands, or -1."""
        pos = self.pend_pos[self.cur]
        i = self.first[pos]
        while i < self.first[pos + 1]:
            if (
                self.kinds[i] == kind
                and self.sites[i] == self.pend_site[self.cur]
                and self.visits[i] == self.pend_visit[self.cur]
            ):
                return self.args[i]
            i += 1
        return -1

    def decide(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        if self.pend_pos[cur] >= self.tail:
            if not self.rng.chance(1, self.one_in):
                return cur
            return random_of(self.rng, runnable & ~(1 << cur))
        target = self._planned(SWITCH)
        return target if target >= 0 else cur

    def fail(self, site: i64) -> bool:
        if self.left > 0 and self._planned(FAIL) >= 0:
            self.left -= 1
            return True
        return super().fail(site)

    def tlb(self, entries: i64) -> i64:
        entry = self._planned(TLB)
        if self.left > 0 and 0 < entry <= entries:
            self.left -= 1
            return entry
        return super().tlb(entries)

    def ipi(self, site: i64) -> i64:
        late = self._planned(IPI)
        if self.left > 0 and late > 0:
            self.left -= 1
            return late
        return super().ipi(site)
