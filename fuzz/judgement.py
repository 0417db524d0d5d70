# SPDX-License-Identifier: MIT
"""A claim about a race is decided: CONFIRMED with a scenario, or REFUTED within bounds.

Contract: first the claim's own schedule runs; then every interleaving of its ops, with no
preemption, one, two, and so on, as long as the budget of steps lasts. The first broken promise
that counts confirms. What is covered without one refutes, and `covered` says up to how many
preemptions (None: any number). A claim of which not even one preemption could be covered is
UNDECIDED. A claim that says what ops return is about its own schedule, and decided by that alone.

What counts. Linux as it is shipped breaks promises that the claim does not speak of, and so does
the driver of the test devices. So the kernel's rows of bugs.py are set aside (the judged model is
without them) but those that the claim is about: it names them by `bug=`, or one of its stops is
in a function that the row blames. What the claim's own schedule breaks with the rows that were
set aside is told, with the rows that explain it, and confirms only a claim without stops: then the
ops in their order are all that it says. And the failing schedule must need the claim: without the
op that stops somewhere, or without the ops that run meanwhile, it must not break the same promise.

It does not promise that the promise that breaks is the one that the claim's words mean: the
drawing shows what does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from corpus.claims import Claim, Stop
from fuzz.exploration import COVERED, VIOLATION, Bounds, Exploration, Report
from simulator.bugs import BY_ID, in_kernel
from simulator.kernels import DEFAULT
from simulator.ops import OP_READ, OP_WRITE
from simulator.outcome import Outcome, Signature, Violation
from simulator.run import Machine
from simulator.scenario import ACTOR_NAMES, PARK, TLB, Directive, Scenario

CONFIRMED: Final = "CONFIRMED"
REFUTED: Final = "REFUTED"
UNDECIDED: Final = "UNDECIDED"
BUDGET: Final = 4_000_000  # steps: half a minute, compiled
MAX_PREEMPTIONS: Final = 8


@dataclass(frozen=True, slots=True)
class Aside:
    """What breaks as well and does not count. `because`: the rows of the kernel each of which
    has to be there for it; none where the claim's stops and ops do not matter to it."""

    violation: Violation
    scenario: Scenario
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """`scenario` is what confirms, or what was judged. `as_claimed`: the claim's own schedule
    breaks the promise, or has the results; `reached`: its actors came to the sites where they
    stop. `results` are those of its own schedule, if it says what ops return."""

    verdict: str
    scenario: Scenario
    reached: bool
    as_claimed: bool = False
    violation: Violation | None = None
    because: tuple[str, ...] = ()  # rows of the kernel that what confirms needs
    covered: int | None = -1  # preemptions up to which all was covered; None any, -1 nothing
    reports: tuple[Report, ...] = ()
    set_aside: tuple[str, ...] = ()  # rows of the kernel that the judged model is without
    asides: tuple[Aside, ...] = ()
    results: tuple[int, ...] = ()


def judge(
    machine: Machine,
    claim: Claim,
    budget: int = BUDGET,
    told: Callable[[Report], None] = lambda report: None,
) -> Judgement:
    """Decide within `budget` steps. `told` hears how far an exploration is, between its runs."""
    judge = _Judge(machine, claim)
    own = judge.own_schedule()
    if own is not None:
        return own
    return judge.explore(budget, told)


def set_aside(claim: Claim) -> tuple[str, ...]:
    """The rows of the claim's kernel that it is not about."""
    named = {change.removeprefix("-") for change in claim.changes}
    functions = {stop.site.partition(":")[0] for stop in claim.stops}
    functions |= {d.site.partition(":")[0] for d in claim.scenario.directives}
    has = _rows(claim.scenario)
    about = {row for row in has if row in named or functions.intersection(BY_ID[row].culprits)}
    if any(BY_ID[row].undisclosed for row in about):  # all or none, so that no text names one
        about.update(row for row in has if BY_ID[row].undisclosed)
    return tuple(row for row in has if row not in about)


def without_rows(scenario: Scenario, rows: Sequence[str]) -> Scenario:
    """The scenario on its kernel without some of the rows that it has."""
    config = scenario.config
    has = _rows(scenario)
    kept = [row for row in has if row not in rows]
    # The rules of 7.2 are those of the mended model. The text names no row that is not disclosed.
    if config.kernel == DEFAULT and not any(BY_ID[row].undisclosed for row in kept):
        kernel, bugs = "", kept
    else:
        kernel = config.kernel
        there = in_kernel(kernel)
        bugs = [f"-{row}" for row in there if row not in kept]
        bugs += [row for row in kept if row not in there]
    # Negative controls change nothing; they stay for who reads.
    bugs += [bug for bug in config.bugs if bug in BY_ID and BY_ID[bug].control]
    return replace(scenario, config=replace(config, kernel=kernel, bugs=tuple(sorted(set(bugs)))))


def _rows(scenario: Scenario) -> list[str]:
    """The rows of bugs.py that a scenario's model has."""
    has = set(in_kernel(scenario.config.kernel))
    for bug in scenario.config.bugs:
        if bug.startswith("-"):
            has.discard(bug[1:])
        elif not BY_ID[bug].control:
            has.add(bug)
    return sorted(has)


class _Judge:
    """One claim on its way."""

    def __init__(self, machine: Machine, claim: Claim) -> None:
        self.machine: Final = machine
        self.claim: Final = claim
        self.set_aside: Final = set_aside(claim)
        self.shipped: Final = claim.scenario.with_directives(())
        self.scenario: Final = without_rows(self.shipped, self.set_aside)
        self.directives: Final = self._directives()
        self.reached: Final = self.directives is not None
        self.asides: dict[Signature, Aside] = {}

    def own_schedule(self) -> Judgement | None:
        """The answer if the claim's own schedule has it."""
        own = self.scenario.with_directives(self.directives or ())
        if self.claim.returns:
            return self._by_results(own)
        if self.directives is None:
            return None
        outcome = self.machine.run(own)
        if outcome.violation is not None and self.counts(own, outcome.violation):
            return self._confirmed(own, outcome.violation, ())
        if not self.set_aside:
            return None
        shipped = self.shipped.with_directives(self.directives)
        violation = self.machine.run(shipped).violation
        if violation is not None:
            because = self._because(shipped, violation)
            if because and not self.claim.stops and not self.directives:
                return self._confirmed(shipped, violation, because)
            self._put_aside(shipped, violation, because)
        return None

    def explore(self, budget: int, told: Callable[[Report], None]) -> Judgement:
        """Every interleaving, fewest preemptions first, until something counts."""
        reports: list[Report] = []
        covered: int | None = -1
        left = budget
        confirming: Violation | None = None

        def stop(report: Report) -> bool:
            told(report)
            return report.steps >= left

        def counts(outcome: Outcome) -> bool:
            nonlocal confirming
            assert outcome.violation is not None
            failing = self.scenario.with_directives(tuple(outcome.recorded))
            if not self.counts(failing, outcome.violation):
                return False
            confirming = outcome.violation
            return True

        for bound in range(MAX_PREEMPTIONS + 1):
            exploration = Exploration(self.machine, self.scenario, Bounds(bound), counts)
            report = exploration.go(stop)
            left -= report.steps
            reports.append(report)
            if report.state == VIOLATION:
                assert confirming is not None
                failing = self.scenario.with_directives(report.directives)
                return replace(
                    self._confirmed(failing, confirming, ()),
                    as_claimed=False,
                    covered=covered,
                    reports=tuple(reports),
                )
            if report.state != COVERED:
                break
            covered = bound
            if report.deepest < bound:  # more preemptions make no other schedule
                covered = None
                break
        verdict = REFUTED if covered is None or covered >= 1 else UNDECIDED
        return self._judgement(verdict, self.scenario, covered=covered, reports=tuple(reports))

    def counts(self, failing: Scenario, violation: Violation) -> bool:
        """Whether what breaks needs the claim: an op that stops, and those that run meanwhile."""
        stops = self.claim.stops
        if not stops or any(self._needs(failing, violation, stop) for stop in stops):
            return True
        self._put_aside(failing, violation, ())
        return False

    def _needs(self, failing: Scenario, violation: Violation, stop: Stop) -> bool:
        actor, runs = ACTOR_NAMES.index(stop.actor), ACTOR_NAMES.index(stop.runs)
        stopped = {d.uid for d in self.directives or () if d.site == stop.site}
        ours = [op.uid for op in failing.ops if op.actor == actor and op.uid in stopped]
        meanwhile: list[int] = []  # what stands behind the op that stops
        for op in reversed(failing.ops):
            if op.uid in ours:
                break
            if op.actor == runs:
                meanwhile.append(op.uid)
        return all(
            not self._breaks_without(failing, violation, uids) for uids in (ours, meanwhile) if uids
        )

    def _breaks_without(self, failing: Scenario, violation: Violation, uids: list[int]) -> bool:
        less = failing.with_ops(tuple(op for op in failing.ops if op.uid not in uids))
        kept = [d for d in less.directives if d.kind != PARK or d.arg not in uids]
        again = self.machine.run(less.with_directives(tuple(kept))).violation
        return again is not None and again.signature == violation.signature

    def _because(self, shipped: Scenario, violation: Violation) -> tuple[str, ...]:
        """The rows without each of which the same schedule does not break this promise."""
        found = []
        for row in self.set_aside:
            again = self.machine.run(without_rows(shipped, (row,))).violation
            if again is None or again.signature != violation.signature:
                found.append(row)
        return tuple(found)

    def _put_aside(self, failing: Scenario, violation: Violation, because: tuple[str, ...]) -> None:
        self.asides.setdefault(violation.signature, Aside(violation, failing, because))

    def _directives(self) -> tuple[Directive, ...] | None:
        """The claim's own schedule, None when an actor never came to its site: each stop as the
        ones before it have let its actor come there. What breaks on the way must not hide the
        site, so a model without any row of the kernel is asked as well."""
        if not self.claim.stops:
            return self.claim.scenario.directives
        found: list[Directive] = []
        mended = without_rows(self.shipped, _rows(self.shipped))
        for stop in self.claim.stops:
            at = self._anchor(self.scenario, found, stop) or self._anchor(mended, found, stop)
            if at is None:
                return None
            found.append(at)
        return tuple(found)

    def _anchor(self, scenario: Scenario, found: list[Directive], stop: Stop) -> Directive | None:
        outcome = self.machine.run(scenario.with_directives(tuple(found)), trace=True)
        return _anchor(scenario, outcome, stop)

    def _by_results(self, own: Scenario) -> Judgement:
        """The answer to a claim of what ops return: in its own schedule, whichever translations
        the hardware uses that it may have."""
        accesses = [
            Directive(op.uid, "mmu:translate", 1, TLB, 1)
            for op in own.ops
            if op.code in (OP_READ, OP_WRITE)
        ]
        choices = [(), *((access,) for access in accesses), tuple(accesses)]
        first: tuple[Scenario, list[int]] | None = None
        broken = False
        for choice in choices if self.reached else choices[:1]:
            tried = own.with_directives(own.directives + choice)
            outcome = self.machine.run(tried)
            first = first or (tried, outcome.results)
            results = dict(zip([op.uid for op in own.ops], outcome.results, strict=True))
            if outcome.violation is not None:
                self._put_aside(tried, outcome.violation, ())
                broken = True
            if self.reached and all(results[uid] == value for uid, value in self.claim.returns):
                return self._by_schedule(CONFIRMED, tried, outcome.results)
        assert first is not None
        verdict = REFUTED if self.reached and not broken else UNDECIDED
        return self._by_schedule(verdict, *first)

    def _by_schedule(self, verdict: str, scenario: Scenario, results: list[int]) -> Judgement:
        return self._judgement(
            verdict, scenario, as_claimed=verdict == CONFIRMED, covered=0, results=tuple(results)
        )

    def _confirmed(
        self, failing: Scenario, violation: Violation, because: tuple[str, ...]
    ) -> Judgement:
        return self._judgement(
            CONFIRMED, failing, as_claimed=True, violation=violation, because=because
        )

    def _judgement(
        self,
        verdict: str,
        scenario: Scenario,
        *,
        as_claimed: bool = False,
        violation: Violation | None = None,
        because: tuple[str, ...] = (),
        covered: int | None = -1,
        reports: tuple[Report, ...] = (),
        results: tuple[int, ...] = (),
    ) -> Judgement:
        return Judgement(
            verdict,
            scenario,
            self.reached,
            as_claimed,
            violation,
            because,
            covered,
            reports,
            self.set_aside,
            tuple(self.asides.values()),
            results,
        )


def _anchor(scenario: Scenario, outcome: Outcome, stop: Stop) -> Directive | None:
    """The directive that stops an actor where it came in this run, None if it did not."""
    actor, runs = ACTOR_NAMES.index(stop.actor), ACTOR_NAMES.index(stop.runs)
    mine = {op.uid for op in scenario.ops if op.actor == actor}
    until = [op.uid for op in scenario.ops if op.actor == runs][-1]
    passed = step = 0
    visits: dict[int, int] = {}
    for event in outcome.trace:
        begins = event.step != step  # the first event of a step is that it is come to
        step = event.step
        if not begins or event.site != stop.site or event.uid not in mine:
            continue
        visits[event.uid] = visits.get(event.uid, 0) + 1
        passed += 1
        if passed == stop.visit:
            return Directive(event.uid, stop.site, visits[event.uid], PARK, until)
    return None
