# SPDX-License-Identifier: MIT
"""Does it still fail, with the same signature? Counts executions, a long one for several, and
keeps what else failed.

Contract: `verdict` is "same", the other signature that a scenario fails with, "clean", "invalid",
or "model-exception": where fuzzing finds that, it reports it as an error of the model. Asked
again, it remembers. `Exhausted` is raised when the budget of executions is used up, and by nothing
else.
"""

from dataclasses import replace
from typing import Final, final

from mypy_extensions import i64

from fuzz.minimizing.edits import bare
from fuzz.portfolio import Portfolio
from fuzz.search import LONG_RUN, Search
from simulator.observer import Observer
from simulator.outcome import Outcome, Signature
from simulator.run import Machine
from simulator.scenario import FAIL, IPI, SWITCH, TLB, Directive, Scenario
from simulator.sites import NAMES
from simulator.state import Kernel
from simulator.task import Planned, Task
from simulator.validate import ScenarioError, validate

SAME: Final = "same"
CLEAN: Final = "clean"
INVALID: Final = "invalid"
EXCEPTION: Final = "model-exception"
# Deviations that a search tries: most races need one or two preemptions, some three, and
# each more multiplies the cost by some ten; the budget of a search mostly ends before that.
MAX_DEVIATIONS: Final = 4
RESCUE_SEED: Final = 1  # of the strategies that `rescue` tries; any number does

Passed = list[tuple[int, str]]  # an op, by its uid, and a site


class Exhausted(Exception):
    """The budget is used up."""


@final
class Judge:
    """One reduction's view of the machine."""

    def __init__(self, machine: Machine, signature: Signature, budget: int) -> None:
        self.executions = 0
        self.side_finds: Final[dict[Signature, Scenario]] = {}
        self._machine: Final = machine
        self._signature: Final = signature
        self._budget: Final = budget
        self._known: Final[dict[Scenario, str]] = {}
        self._searched: Final[set[object]] = set()  # searches that were in vain

    def run(
        self, scenario: Scenario, *, trace: bool = False, observer: Observer | None = None
    ) -> Outcome:
        """One execution under the scenario's own directives."""
        if self.executions >= self._budget:
            raise Exhausted
        self.executions += 1
        outcome = self._machine.run(scenario, trace=trace, observer=observer)
        self.executions += outcome.steps // LONG_RUN
        return outcome

    def verdict(self, scenario: Scenario) -> str:
        known = self._known.get(scenario)
        if known is None:
            known = INVALID
            if _valid(scenario):
                known = self._judge(scenario)
            self._known[scenario] = known
        return known

    def same(self, scenario: Scenario) -> bool:
        return self.verdict(scenario) == SAME

    def watch(self, scenario: Scenario, sites: list[int]) -> tuple[bool, Passed]:
        """Whether a valid scenario without directives fails alike, and which of its ops
        passed which of some sites."""
        watcher = _Watcher(self._machine.k, sites)
        verdict = self._judge(scenario, watcher if sites else None)
        return verdict == SAME, watcher.passed

    def reschedule(self, scenario: Scenario, bound: int, budget: int) -> Scenario | None:
        """The same ops under the simplest schedule of at most `bound` deviations that fails
        with the signature, or None. Deviations are switches and whatever kinds of faults
        the scenario's directives have."""
        kinds = {SWITCH} | ({d.kind for d in scenario.directives} & {FAIL, TLB, IPI})
        delays = {d.arg for d in scenario.directives if d.kind == IPI}
        ops = bare(scenario)
        if self.verdict(ops) == INVALID:
            return None
        key = (ops, tuple(sorted(kinds)), tuple(sorted(delays)), bound, budget)
        if key in self._searched:
            return None
        search = Search(
            self._machine,
            ops,
            self._signature,
            kinds=tuple(sorted(kinds)),
            delays=tuple(sorted(delays)),
            budget=min(budget, self._budget - self.executions),
        )
        found = search.find(min(bound, MAX_DEVIATIONS))
        self.executions += search.executions
        for signature, directives in search.side_finds:
            self._side_find(signature, ops.with_directives(directives))
        if found is None:
            if self.executions >= self._budget:
                raise Exhausted
            self._searched.add(key)
            return None
        result = ops.with_directives(found)
        return result if self.same(result) else None

    def rescue(
        self, scenario: Scenario, tries: int, portfolio: Portfolio | None = None
    ) -> Scenario | None:
        """The same ops under some schedule that fails with the signature: as a slice would
        look for one, with random strategies, some of which follow the scenario's directives for
        a while. For scenarios too large to search, or too many. A `portfolio` goes on where its
        last use ended."""
        ops = bare(scenario)
        if self.verdict(ops) == INVALID:
            return None
        portfolio = portfolio or Portfolio(RESCUE_SEED)
        decided: list[Planned] | None = None
        for _ in range(tries):
            strategy = portfolio.next(scenario, decided)
            if self.executions >= self._budget:
                raise Exhausted
            self.executions += 1
            try:
                last = self._machine.run(ops, strategy)
            except Exception:
                return None
            decided = self._machine.decided
            self.executions += last.steps // LONG_RUN
            if last.violation is None:
                continue
            found = ops.with_directives(tuple(last.recorded))
            if last.violation.signature != self._signature:
                self._side_find(last.violation.signature, found)
            elif self.same(found):
                return found
        return None

    def _judge(self, scenario: Scenario, observer: Observer | None = None) -> str:
        """Run a valid scenario."""
        try:
            violation = self.run(scenario, observer=observer).violation
        except Exhausted:
            raise
        except Exception:
            return EXCEPTION
        if violation is None:
            return CLEAN
        if violation.signature == self._signature:
            return SAME
        self._side_find(violation.signature, scenario)
        return str(violation.signature)

    def _side_find(self, signature: Signature, scenario: Scenario) -> None:
        """Keep the first scenario of each other signature, for the caller to file."""
        if signature not in self.side_finds:
            headers = (("expect", str(signature)), ("origin", "farm"))
            self.side_finds[signature] = replace(scenario, headers=headers)


def _valid(scenario: Scenario) -> bool:
    try:
        validate(scenario)
    except ScenarioError:
        return False
    return True


class _Watcher(Observer):
    """Notes which ops pass some sites, in a run without directives: op after op."""

    def __init__(self, k: Kernel, sites: list[int]) -> None:
        self.passed: Passed = []
        self._sites = {site: k.sites_seen[site] for site in sites}

    def op_ended(self, k: Kernel, t: Task, index: i64) -> None:
        for site, before in self._sites.items():
            count = k.sites_seen[site]
            if count > before:
                self._sites[site] = count
                self.passed.append((t.uid, NAMES[site]))


def without_dead(scenario: Scenario, dead: list[Directive]) -> Scenario:
    """Without the directives that did nothing."""
    gone = set(dead)
    return scenario.with_directives(tuple(d for d in scenario.directives if d not in gone))
