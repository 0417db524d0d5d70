# SPDX-License-Identifier: MIT
"""All interleavings of a scenario: counts, a certificate, or the counterexample.

Contract: `Exploration.go` runs schedules until all within the bounds have been tried, a promise
is broken, or it is asked to stop; `report` says what was covered. Fewest switches come first, so
that a counterexample within the bounds has as few as any. What is left out as equal to something
tried is in the docstring of fuzz/interleave.py; `reduce=False` leaves nothing out.

`progress` is the share of the schedules' tree that is done, each branch weighing alike; it
estimates nothing better than that.

It does not promise anything beyond the bounds: switches, faults, stale translations are tried as
far as asked for, late IPIs not at all, and every schedule only up to where it breaks a promise.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Final

from fuzz.interleave import UNBOUNDED, Interleaving
from simulator import build
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.scenario import Directive, Scenario

COVERED: Final = "covered"
VIOLATION: Final = "violation"
STOPPED: Final = "stopped"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is tried. `switches` None: any number; `faults` failing allocations and trylocks;
    `walks`: the hardware may also use each stale translation."""

    switches: int | None = None
    faults: int = 0
    walks: bool = False
    reduce: bool = True


@dataclass(slots=True)
class Report:
    """What an exploration has covered so far."""

    state: str = STOPPED
    bounds: Bounds = field(default_factory=Bounds)
    build_id: str = ""
    schedules: int = 0  # runs to their end
    cut: int = 0  # runs that ended where another one had been before
    orders: int = 0  # different partial orders among the schedules
    outcomes: int = 0  # different lists of results among them
    passed_by: int = 0  # schedules that break what does not count
    steps: int = 0
    restarts: int = 0  # how often something turned out to be shared
    deepest: int = 0  # most deviations of a run
    progress: float = 0.0
    signature: str = ""
    promise: str = ""
    directives: tuple[Directive, ...] = ()  # of the counterexample

    def to_json(self) -> dict[str, object]:
        """Plain data for a JSON document; `docs/schemas/explore.json` describes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Branch:
    """Deviations that a run is still to be made with, and its share of the tree."""

    due: tuple[int, ...]
    answer: tuple[int, ...]
    share: float


class Exploration:
    """The interleavings of one scenario; its own directives are ignored. `counts` says whether a
    broken promise ends the exploration; what does not count is passed by."""

    def __init__(
        self,
        machine: Machine,
        scenario: Scenario,
        bounds: Bounds,
        counts: Callable[[Outcome], bool] = lambda outcome: True,
    ) -> None:
        self.machine: Final = machine
        self.scenario: Final = scenario.with_directives(())
        self.counts: Final = counts
        self.report: Final = Report(bounds=bounds, build_id=build.build_id())
        switches = UNBOUNDED if bounds.switches is None else bounds.switches
        self._strategy: Final = Interleaving(
            machine, switches, bounds.faults, bounds.walks, bounds.reduce
        )
        self._left: list[list[_Branch]] = []  # by number of deviations
        self._orders: set[int] = set()
        self._outcomes: set[tuple[int, ...]] = set()
        self._start()

    def go(self, stop: Callable[[Report], bool] = lambda report: False) -> Report:
        """Explore until all is covered, a promise is broken, or `stop` says so. It is asked
        between runs, and may look at the report. Called again after a stop, it goes on."""
        report = self.report
        report.state = STOPPED
        while branch := self._next():
            if stop(report):
                self._left[len(branch.due)].append(branch)
                return report
            if self._try(branch):
                report.state = VIOLATION
                return report
        report.state = COVERED
        report.progress = 1.0
        return report

    def outcomes(self) -> frozenset[tuple[int, ...]]:
        """The different lists of results of the schedules so far."""
        return frozenset(self._outcomes)

    def orders(self) -> frozenset[int]:
        """Fingerprints of the different partial orders so far."""
        return frozenset(self._orders)

    def _start(self) -> None:
        self._left = [[_Branch((), (), 1.0)]]
        self._orders = set()
        self._strategy.forget()
        report = self.report
        report.schedules = report.cut = report.steps = report.deepest = report.passed_by = 0
        report.progress = 0.0

    def _next(self) -> _Branch | None:
        """The next run: of the fewest deviations, and the first met of those."""
        if self._strategy.grew:
            self.report.restarts += 1
            self._start()
        for branches in self._left:
            if branches:
                return branches.pop()
        return None

    def _try(self, branch: _Branch) -> bool:
        """One run. Whether it breaks a promise."""
        strategy = self._strategy
        report = self.report
        strategy.prepare(branch.due, branch.answer)
        outcome = self.machine.run(self.scenario, strategy)
        report.steps += outcome.steps
        report.deepest = max(report.deepest, len(branch.due))
        choices = strategy.choices()  # before `counts` may use the machine
        if strategy.cut:
            report.cut += 1
        else:
            report.schedules += 1
            self._orders.add(strategy.finished())
            self._outcomes.add(tuple(outcome.results))
            report.orders = len(self._orders)
            report.outcomes = len(self._outcomes)
            if outcome.violation is not None:
                if self.counts(outcome):
                    self._broken(outcome)
                    return True
                report.passed_by += 1
        self._branch_off(branch, choices)
        return False

    def _branch_off(self, branch: _Branch, choices: list[tuple[int, int]]) -> None:
        """What the run just made could have done otherwise."""
        share = branch.share / (1 + len(choices))
        self.report.progress += share
        if not choices:
            return
        depth = len(branch.due) + 1
        while len(self._left) <= depth:
            self._left.append([])
        # The last in the list is tried first: the earliest deviation.
        self._left[depth] += [
            _Branch((*branch.due, point), (*branch.answer, answer), share)
            for point, answer in reversed(choices)
        ]

    def _broken(self, outcome: Outcome) -> None:
        assert outcome.violation is not None
        self.report.signature = str(outcome.violation.signature)
        self.report.promise = outcome.violation.promise
        self.report.directives = tuple(outcome.recorded)
