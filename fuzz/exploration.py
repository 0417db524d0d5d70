# SPDX-License-Identifier: MIT
"""All interleavings of a scenario: counts, a certificate, or the counterexample.

Contract: `Exploration.go` runs schedules until all within the bounds have been tried, a promise
is broken, or it is asked to stop; `report` says what was covered. Fewest switches come first, so
that a counterexample within the bounds has as few as any. What is left out as equal to something
tried is in the docstring of fuzz/interleave.py; `reduce=False` leaves nothing out.

A `Tree` is what is known and what is left to be tried. It can be handed to somebody else: to
another process (fuzz/explore_jobs.py), or to a file (fuzz/explore_file.py).

`progress` is the share of the schedules' tree that is done, each branch weighing alike; it
estimates nothing better than that.

It does not promise anything beyond the bounds: switches, faults, stale translations are tried as
far as asked for, late IPIs not at all, and every schedule only up to where it breaks a promise.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from fuzz.interleave import UNBOUNDED, Interleaving
from simulator import build
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.scenario import Directive, Scenario

if TYPE_CHECKING:
    from simulator.build.native import vec

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
class Branch:
    """Deviations that a run is still to be made with, and its share of the tree."""

    due: tuple[int, ...]
    answer: tuple[int, ...]
    share: float


@dataclass(slots=True)
class Shared:
    """What was seen to be shared, by slots of the table of objects and by sites: sparse."""

    readers: dict[int, int] = field(default_factory=dict)
    writers: dict[int, int] = field(default_factory=dict)
    leaks: dict[int, int] = field(default_factory=dict)

    def add(self, other: "Shared") -> None:
        for mine, theirs in (
            (self.readers, other.readers),
            (self.writers, other.writers),
            (self.leaks, other.leaks),
        ):
            for slot, mask in theirs.items():
                mine[slot] = mine.get(slot, 0) | mask


@dataclass(slots=True)
class Tree:
    """`left` are runs to be made, by number of deviations; `seen` the prefixes that have been
    gone on from, with the fewest switches that led there."""

    left: list[list[Branch]] = field(default_factory=list)
    orders: set[int] = field(default_factory=set)
    outcomes: set[tuple[int, ...]] = field(default_factory=set)
    seen: dict[int, int] = field(default_factory=dict)
    shared: Shared = field(default_factory=Shared)

    def level(self) -> int | None:
        """The fewest deviations of a run that is left, None if none is."""
        return next((depth for depth, branches in enumerate(self.left) if branches), None)

    def put(self, branches: Iterable[Branch]) -> None:
        """More runs to be made; the last one is made first."""
        for branch in branches:
            while len(self.left) <= len(branch.due):
                self.left.append([])
            self.left[len(branch.due)].append(branch)


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
        self.report = Report(bounds=bounds, build_id=build.build_id())
        switches = UNBOUNDED if bounds.switches is None else bounds.switches
        self._strategy: Final = Interleaving(
            machine, switches, bounds.faults, bounds.walks, bounds.reduce
        )
        self.tree = Tree()
        self.start()

    def go(self, stop: Callable[[Report], bool] = lambda report: False) -> Report:
        """Explore until all is covered, a promise is broken, or `stop` says so. It is asked
        between runs, and may look at the report. Called again after a stop, it goes on."""
        report = self.report
        report.state = STOPPED
        while branch := self._next():
            if stop(report):
                self.tree.put([branch])
                return report
            if self.attempt(branch):
                report.state = VIOLATION
                return report
        report.state = COVERED
        report.progress = 1.0
        return report

    def outcomes(self) -> frozenset[tuple[int, ...]]:
        """The different lists of results of the schedules so far."""
        return frozenset(self.tree.outcomes)

    def orders(self) -> frozenset[int]:
        """Fingerprints of the different partial orders so far."""
        return frozenset(self.tree.orders)

    @property
    def grew(self) -> bool:
        """Whether something turned out to be shared: all has to be done anew."""
        return self._strategy.grew

    def start(self) -> None:
        """Begin anew, with what is known to be shared."""
        tree = self.tree
        tree.left = [[Branch((), (), 1.0)]]
        tree.orders = set()
        self._strategy.forget()
        tree.seen = self._strategy.seen
        report = self.report
        report.schedules = report.cut = report.steps = report.deepest = report.passed_by = 0
        report.progress = 0.0

    def learned(self) -> Shared:
        """What this exploration knows to be shared."""
        strategy = self._strategy
        tables = (strategy.readers, strategy.writers, strategy.leaks)
        return Shared(
            *({slot: int(mask) for slot, mask in enumerate(table) if mask} for table in tables)
        )

    def know(self, shared: Shared) -> None:
        """Take over what others have seen to be shared."""
        strategy = self._strategy
        strategy.readers = _with(strategy.readers, shared.readers)
        strategy.writers = _with(strategy.writers, shared.writers)
        strategy.leaks = _with(strategy.leaks, shared.leaks)

    def go_on_from(self, tree: Tree, report: Report) -> None:
        """Take over what somebody else has left to do."""
        self.know(tree.shared)
        self._strategy.grew = False
        self._strategy.seen = tree.seen
        self.tree = tree
        self.report = report

    def attempt(self, branch: Branch) -> bool:
        """One run. Whether it breaks a promise that counts."""
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
            self.tree.orders.add(strategy.finished())
            self.tree.outcomes.add(tuple(outcome.results))
            report.orders = len(self.tree.orders)
            report.outcomes = len(self.tree.outcomes)
            if outcome.violation is not None:
                if self.counts(outcome):
                    self._broken(outcome)
                    return True
                report.passed_by += 1
        self._branch_off(branch, choices)
        return False

    def _next(self) -> Branch | None:
        """The next run: of the fewest deviations, and the first met of those."""
        if self.grew:
            self.report.restarts += 1
            self.start()
        level = self.tree.level()
        return None if level is None else self.tree.left[level].pop()

    def _branch_off(self, branch: Branch, choices: list[tuple[int, int]]) -> None:
        """What the run just made could have done otherwise."""
        share = branch.share / (1 + len(choices))
        self.report.progress += share
        # The last that is put is tried first: the earliest deviation.
        self.tree.put(
            Branch((*branch.due, point), (*branch.answer, answer), share)
            for point, answer in reversed(choices)
        )

    def _broken(self, outcome: Outcome) -> None:
        assert outcome.violation is not None
        self.report.signature = str(outcome.violation.signature)
        self.report.promise = outcome.violation.promise
        self.report.directives = tuple(outcome.recorded)


def _with(table: "vec[i64]", more: dict[int, int]) -> "vec[i64]":
    for slot, mask in more.items():
        table[slot] |= mask
    return table
