# SPDX-License-Identifier: MIT
"""New scenarios under many schedules: the inner loop of a slice, all of it compiled.

Contract: `batch` makes scenarios, mutated or new, and runs each under its own directives and then
under a few strategies. What showed a feature for the first time waits in `queue`, as a scenario
whose directives say everything: what a strategy did is recorded. What a run does depends on its
scenario and strategy alone, never on the batch. One run in RECHECK_ONE_IN is done again from
directives, and what differs is reported.

The slot says what runs at any time. An exception of the model leaves what broke in `running`, and
a machine that nobody should use again.

It does not judge: who listens decides what a violation is worth, and whether to go on.
"""

from dataclasses import replace
from typing import Final

from mypy_extensions import i64, mypyc_attr

from fuzz.codec import encode
from fuzz.crossover import crossover
from fuzz.focus import Focus
from fuzz.generate import generate
from fuzz.inflight import Slot
from fuzz.mutate import mutate
from fuzz.novelty import Novelty
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from simulator.build.native import final
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.scenario import MAX_FUZZ_DIRECTIVES, Directive, Scenario
from simulator.sched.strategy import Strategy
from simulator.sites import NAMES
from simulator.task import Planned

# What crosses the border to the engine costs as much as two runs, and the engine has to choose
# well among its inputs: some forty runs for each choice.
SCENARIOS_PER_BATCH: Final[i64] = 8
# Strategies tried per new scenario. One mutation and encoding cost about as much as one run, so
# a few runs per scenario share them; many would starve the search for ops.
SCHEDULES_PER_SCENARIO: Final[i64] = 4
# New scenarios from nothing, to mutated ones. Of a mutant most is as it was in many runs before:
# the known bugs are found in a tenth of the executions when every other scenario is new.
FRESH_ONE_IN: Final[i64] = 2
# New scenarios that are aimed at kinds of ops that have met rarely.
MEETING_ONE_IN: Final[i64] = 8
# With a focus: scenarios that are made of what came near it, in place of what the engine chose, and
# with ops that did. The rest looks where nobody has been.
NEAR_IN_4: Final[i64] = 3
CROSS_ONE_IN: Final[i64] = 4  # of the others, if there are two to cross
RECHECK_ONE_IN: Final[i64] = 100  # runs that are executed twice and compared by digest
# Runs with more steps lead nowhere: what is new takes about a thousand, and for one of these there
# are ten others. Left alone they take the whole time over: what is longer has more that is new.
COSTLY_STEPS: Final = 8192
MAX_DONORS: Final[i64] = 64  # recent promising scenarios that a mutation may splice from
MAX_FRESH_OPS: Final[i64] = 48


@mypyc_attr(allow_interpreted_subclasses=True)
class Listener:
    """Who hears of what is rare. This one does not care."""

    def violated(self, recorded: Scenario, outcome: Outcome) -> None:
        """A run broke a promise; its directives replay it."""

    def differs(self, recorded: Scenario, outcome: Outcome, second: Outcome) -> None:
        """A run was done again from its directives, and was another one."""


@final
class Explorer:
    """The state of the search. Counts only grow."""

    def __init__(
        self,
        machine: Machine,
        slot: Slot,
        listener: Listener,
        seed: int,
        bugs: tuple[str, ...],
        kernel: str = "",
        focus: Focus | None = None,
    ) -> None:
        self.focus: Focus | None = focus
        self.machine: Machine = machine
        self.slot: Slot = slot
        self.listener: Listener = listener
        self.bugs: tuple[str, ...] = bugs
        self.kernel: str = kernel
        self.portfolio: Portfolio = Portfolio(seed, focus)
        self.novelty: Novelty = Novelty()
        self.queue: list[Scenario] = []  # the oldest first
        self.donors: list[Scenario] = []
        self.nr_donors: i64 = 0  # that there have been
        self.running: Scenario | None = None
        self.decided: list[Planned] = []  # by the strategy of the last run
        # For comparisons: nothing that a run has shown leads anywhere; new scenarios are aimed at
        # kinds of ops that have met rarely.
        self.blind: bool = False
        self.aims_at_meetings: bool = True
        self.stopped: bool = False  # set by the listener: end the batch
        self.scenarios: i64 = 0
        self.executions: i64 = 0
        self.steps: i64 = 0
        self.rechecked: i64 = 0
        self.violations: i64 = 0

    def batch(self, base: Scenario, other: Scenario | None, rng: Rng) -> None:
        """Explore mutants of `base`, children that it has with `other`, and new scenarios."""
        left = SCENARIOS_PER_BATCH
        while left > 0 and not self.stopped:
            left -= 1
            self.explore(self._make(base, other, rng))

    def explore(self, scenario: Scenario) -> None:
        """Run a scenario under its directives and under strategies."""
        self.scenarios += 1
        self.slot.hold(encode(scenario))
        bare = self.with_model(scenario)
        if self.run(bare):
            self.queue.append(scenario)
            self._donate(scenario)
        decided: list[Planned] | None = None
        left = 0 if self.costly() else SCHEDULES_PER_SCENARIO
        while left > 0 and not self.stopped:
            left -= 1
            new = self.run(bare, self.portfolio.next(bare, decided))
            decided = self.decided
            if new:
                self.queue.append(scenario.with_directives(_directives(decided)))
                self._donate(scenario)
        self.portfolio.learn()
        self.slot.release()

    def run(self, scenario: Scenario, strategy: Strategy | None = None) -> bool:
        """One execution of what is in the slot, and all that belongs to it. Whether it showed
        anything new and kept its promises; its counters are the machine's."""
        machine = self.machine
        machine.clear_counters()
        self.slot.begin(under_strategy=strategy is not None)
        self.running = scenario
        machine.execute(scenario, strategy)
        self.running = None
        self.decided = machine.decided
        self.executions += 1
        self.steps += machine.k.nr_steps
        if machine.k.sched.failed is not None:
            self.violations += 1
            outcome = machine.outcome(scenario)
            self.listener.violated(_recorded(scenario, strategy, outcome), outcome)
            return False
        new = 0 if self.costly() or self.blind else len(self.novelty.scan(machine))
        focus = self.focus
        if focus is not None and not self.costly() and focus.ran(machine, new > 0):
            focus.keep(self._as_mutated(scenario, strategy))
        if self.executions % RECHECK_ONE_IN == 0:
            self._recheck(scenario, strategy)
        return new > 0

    def _as_mutated(self, scenario: Scenario, strategy: Strategy | None) -> Scenario:
        """What has run, without its model, and with a schedule that says everything."""
        if self.bugs or self.kernel:
            scenario = replace(scenario, config=replace(scenario.config, bugs=(), kernel=""))
        return scenario if strategy is None else scenario.with_directives(_directives(self.decided))

    def costly(self) -> bool:
        """Whether the last run took too long for anything to be made from it."""
        return self.machine.k.nr_steps > COSTLY_STEPS

    def _recheck(self, scenario: Scenario, strategy: Strategy | None) -> None:
        self.rechecked += 1
        outcome = self.machine.outcome(scenario)
        self.replays(_recorded(scenario, strategy, outcome), outcome)

    def replays(self, recorded: Scenario, outcome: Outcome) -> bool:
        """Whether a run from directives alone has this digest and verdict."""
        self.machine.clear_counters()
        self.running = recorded
        second = self.machine.run(recorded)
        self.running = None
        if second.digest == outcome.digest and second.violation == outcome.violation:
            return True
        self.listener.differs(recorded, outcome, second)
        return False

    def with_model(self, scenario: Scenario) -> Scenario:
        """The slice chooses the model: bytes cannot express `bug=` and `kernel=`."""
        if not self.bugs and not self.kernel:
            return scenario
        config = replace(scenario.config, bugs=self.bugs, kernel=self.kernel)
        return replace(scenario, config=config)

    def _make(self, base: Scenario, other: Scenario | None, rng: Rng) -> Scenario:
        wanted: list[int] = []
        focus = self.focus
        if focus is not None and rng.chance(NEAR_IN_4, 4):
            base = focus.base(rng) or base
            wanted = focus.wanted(rng)
        if rng.chance(1, FRESH_ONE_IN):
            if self.aims_at_meetings and rng.chance(1, MEETING_ONE_IN):
                wanted = wanted + self.portfolio.meetings.wanted(rng)
            return generate(rng, MAX_FRESH_OPS, wanted)
        if other is not None and rng.chance(1, CROSS_ONE_IN):
            return crossover(base, other, rng)
        donor = rng.pick(self.donors) if self.donors else None
        return mutate(base, rng, donor, self.portfolio.hints, wanted)

    def _donate(self, scenario: Scenario) -> None:
        if len(self.donors) < MAX_DONORS:
            self.donors.append(scenario)
        else:
            self.donors[self.nr_donors % MAX_DONORS] = scenario
        self.nr_donors += 1


def _directives(decided: list[Planned]) -> tuple[Directive, ...]:
    """What a strategy did, as directives."""
    return tuple([Directive(p.index, NAMES[p.site], p.visit, p.kind, p.arg) for p in decided])[
        :MAX_FUZZ_DIRECTIVES
    ]


def _recorded(scenario: Scenario, strategy: Strategy | None, outcome: Outcome) -> Scenario:
    """The scenario that replays this run without a strategy."""
    if strategy is None:
        return scenario
    return scenario.with_directives(tuple(outcome.recorded))
