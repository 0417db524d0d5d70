# SPDX-License-Identifier: MIT
"""Minimize a failing scenario: the same signature, as little as possible around it, in a
form that does not depend on how it was found.

Contract: `minimize` is a function of its arguments and the model's build. The result fails
with the wanted signature, is never less simple than the input (fuzz/minimizing/order.py), and
comes with a certificate. `NotFailing` is raised when the input does not fail that way.

How. First the coarse part, for inputs of any size: cut after the violation, then drop actors,
ops and directives in chunks of falling size. Then the fine part, for what is left: every
single simplification (fuzz/minimizing/edits.py), and after each that hides the failure a
search for another schedule that shows it (delete-with-repair: this is what brings different
failures of one bug to the same ops). The schedule itself is always the first failing one in
the order of fuzz/search.py, so equal ops end with equal directives. The fine part repeats
until a whole round changes nothing; what that round tried is the certificate.

Failures with another signature met on the way are returned, not followed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from corpus import text
from fuzz.certificate import Certificate, Tried, simpler
from fuzz.minimizing.edits import Step, apply, canonical, delete_ops
from fuzz.minimizing.judge import INVALID, MAX_DEVIATIONS, Exhausted, Judge, without_dead
from fuzz.minimizing.order import cost
from simulator import build
from simulator.outcome import Outcome, Signature
from simulator.run import Machine
from simulator.scenario import Scenario

DEFAULT_BUDGET: Final = 300_000  # executions: about 10 s compiled
# Schedules that a search may try: after a deletion, which is worth much; after any other
# simplification; and for the final schedule.
DELETION_SCHEDULES: Final = 6_000
EDIT_SCHEDULES: Final = 1_500
FINAL_SCHEDULES: Final = 40_000
_DELETIONS: Final = ("delete-actor", "give-actor", "delete-op", "delete-fork")


class NotFailing(ValueError):
    """The scenario does not fail with the signature: there is nothing to minimize."""


@dataclass(frozen=True, slots=True)
class Minimized:
    """The result. `side_finds` are scenarios that failed otherwise, one per signature, with
    their signature in `# expect:`; `executions` is what it cost."""

    scenario: Scenario
    outcome: Outcome
    certificate: Certificate
    side_finds: tuple[Scenario, ...]
    executions: int


def minimize(
    scenario: Scenario,
    signature: Signature,
    machine: Machine,
    budget: int = DEFAULT_BUDGET,
) -> Minimized:
    """The simplest scenario found that fails like `scenario`. `budget` bounds executions."""
    violation = machine.run(scenario).violation
    if violation is None or violation.signature != signature:
        found = f"fails with {violation.signature}" if violation else "passes"
        raise NotFailing(f"the scenario {found}, and not with {signature}")
    judge = Judge(machine, signature, budget)
    reduction = _Reduction(judge, scenario)
    try:
        reduction.coarse()
        reduction.fine()
        complete = True
    except Exhausted:
        complete = False
    final = replace(reduction.current, headers=_headers(scenario, signature))
    certificate = Certificate(
        text.dump(final),
        str(signature),
        build.build_id(),
        tuple(reduction.tried),
        complete,
    )
    return Minimized(
        final,
        machine.run(final),
        certificate,
        tuple(judge.side_finds.values()),
        judge.executions,
    )


class _Reduction:
    """The scenario as simple as it is by now."""

    def __init__(self, judge: Judge, scenario: Scenario) -> None:
        self.judge = judge
        self.current = scenario
        self.tried: list[Tried] = []

    # --- coarse -----------------------------------------------------------------------------

    def coarse(self) -> None:
        """Large pieces first, without searching schedules."""
        self._truncate()
        before = None
        while before != self.current:
            before = self.current
            for actor in sorted({op.actor for op in self.current.ops}, reverse=True):
                self._accept(apply(self.current, ("delete-actor", actor)))
            self._chunks(lambda s: len(s.ops), _without_op_chunk)
            self._chunks(lambda s: len(s.directives), _without_directive_chunk)

    def _truncate(self) -> None:
        """Drop what had not begun when the promise was broken, and dead directives."""
        begun = {event.uid for event in self.judge.run(self.current, trace=True).trace}
        late = {op.uid for op in self.current.ops if op.uid not in begun}
        self._accept(delete_ops(self.current, late))

    def _chunks(
        self,
        length: Callable[[Scenario], int],
        without: Callable[[Scenario, int, int], Scenario],
    ) -> None:
        """Drop chunks of falling size, from the end, each size until it helps no more."""
        size = length(self.current) // 2
        while size > 0:
            end = length(self.current)
            while end > 0:
                start = max(0, end - size)
                self._accept(without(self.current, start, end))
                end = min(start, length(self.current))
            size //= 2

    # --- fine -------------------------------------------------------------------------------

    def fine(self) -> None:
        """Single steps with repair, to a fixed point."""
        self._reschedule()
        while True:
            self.tried = []
            before = self.current
            self._round()
            self._rename()
            self._reschedule()
            if self.current == before:
                return

    def _round(self) -> None:
        """Every step once. Steps after a success are those of the simpler scenario."""
        position = 0
        while True:
            candidates = simpler(self.current)
            if position >= len(candidates):
                return
            for step, candidate in candidates[position:]:
                position += 1
                if self._try(step, candidate):
                    # What was tried before the success may fit again: the next round does.
                    position = min(position - 1, len(simpler(self.current)))
                    break

    def _try(self, step: Step, candidate: Scenario) -> bool:
        """Take the candidate if it fails as it is, or under another schedule."""
        verdict = self.judge.verdict(candidate)
        if self._accept(candidate):
            return True
        deletion = step[0] in _DELETIONS
        schedules = DELETION_SCHEDULES if deletion else EDIT_SCHEDULES
        if step[0] == "delete-directive" or verdict == INVALID:
            bound = 0
        elif deletion:
            bound = MAX_DEVIATIONS
        elif cost(candidate) < cost(self.current):
            bound = len(self.current.directives)
        else:
            bound = len(self.current.directives) - 1
        if bound:
            repaired = self.judge.reschedule(candidate, bound, schedules)
            if repaired is not None and self._accept(repaired):
                return True
        self.tried.append(Tried(step, verdict, schedules if bound else 0, bound))
        return False

    def _rename(self) -> None:
        """Canonical names, if the failure does not depend on them."""
        renamed = canonical(self.current)
        if self.judge.same(renamed):
            self.current = renamed

    def _reschedule(self) -> None:
        """The first failing schedule in the order of the search."""
        found = self.judge.reschedule(
            self.current, len(self.current.directives), FINAL_SCHEDULES
        )
        if found is not None and len(found.directives) <= len(self.current.directives):
            self.current = found

    def _accept(self, candidate: Scenario) -> bool:
        """Make the candidate the current scenario if it is simpler and fails the same way."""
        if cost(candidate) >= cost(self.current) or not self.judge.same(candidate):
            return False
        dead = self.judge.run(candidate).dead
        self.current = candidate
        if dead:
            live = without_dead(candidate, dead)
            if self.judge.same(live):
                self.current = live
        return True


def _without_op_chunk(scenario: Scenario, start: int, end: int) -> Scenario:
    return delete_ops(scenario, {op.uid for op in scenario.ops[start:end]})


def _without_directive_chunk(scenario: Scenario, start: int, end: int) -> Scenario:
    return scenario.with_directives(scenario.directives[:start] + scenario.directives[end:])


def _headers(scenario: Scenario, signature: Signature) -> tuple[tuple[str, str], ...]:
    """The input's headers, with what is expected now; a found one says that we found it."""
    kept = [h for h in scenario.headers if h[0] not in ("expect", "origin")]
    origin = dict(scenario.headers).get("origin", "farm")
    return (*kept, ("expect", str(signature)), ("origin", origin))
