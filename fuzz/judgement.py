# SPDX-License-Identifier: MIT
"""A claim about a race is decided: CONFIRMED with a scenario, or REFUTED within bounds.

Contract: first the claim's own schedule runs; then every interleaving of its ops, with no
preemption, one, two, and so on, as long as the budget of schedules lasts. The first broken promise
confirms. What is covered without one refutes, and `covered` says up to how many preemptions (None:
any number). A claim of which not even one preemption could be covered is UNDECIDED.

It does not promise that the promise that breaks is the one that the claim's words mean: the
drawing shows what does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from corpus.claims import Claim, directives
from fuzz.exploration import COVERED, VIOLATION, Bounds, Exploration, Report
from simulator.outcome import Violation
from simulator.run import Machine
from simulator.scenario import Scenario

CONFIRMED: Final = "CONFIRMED"
REFUTED: Final = "REFUTED"
UNDECIDED: Final = "UNDECIDED"
BUDGET: Final = 400_000  # schedules: about a minute, compiled
MAX_PREEMPTIONS: Final = 8


@dataclass(frozen=True, slots=True)
class Judgement:
    """`scenario` is what confirms, or what was explored. `as_claimed`: the claim's own schedule
    breaks the promise; `reached`: its actors came to the sites where they stop."""

    verdict: str
    scenario: Scenario
    reached: bool
    as_claimed: bool = False
    violation: Violation | None = None
    covered: int | None = -1  # preemptions up to which all was covered; None any, -1 nothing
    reports: tuple[Report, ...] = ()


def judge(
    machine: Machine,
    claim: Claim,
    budget: int = BUDGET,
    told: Callable[[Report], None] = lambda report: None,
) -> Judgement:
    """Decide. `told` hears how far an exploration is, between its runs."""
    scenario = claim.scenario
    sequential = machine.run(scenario.with_directives(()), trace=True)
    stops = directives(claim, [(event.uid, event.site) for event in sequential.trace])
    if stops is not None:
        own = scenario.with_directives(stops)
        outcome = machine.run(own)
        if outcome.violation is not None:
            return Judgement(CONFIRMED, own, True, True, outcome.violation)
    reached = stops is not None
    reports: list[Report] = []
    covered: int | None = -1
    left = budget

    def stop(report: Report) -> bool:
        told(report)
        return report.schedules + report.cut >= left

    for bound in range(MAX_PREEMPTIONS + 1):
        exploration = Exploration(machine, scenario, Bounds(bound))
        report = exploration.go(stop)
        left -= report.schedules + report.cut
        reports.append(report)
        if report.state == VIOLATION:
            failing = scenario.with_directives(report.directives)
            violation = machine.run(failing).violation
            return Judgement(CONFIRMED, failing, reached, False, violation, covered, tuple(reports))
        if report.state != COVERED:
            break
        covered = bound
        if report.deepest < bound:  # more preemptions make no other schedule
            covered = None
            break
    verdict = REFUTED if covered is None or covered >= 1 else UNDECIDED
    return Judgement(verdict, scenario, reached, covered=covered, reports=tuple(reports))
