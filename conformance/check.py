# SPDX-License-Identifier: MIT
"""Whether scenarios that somebody wrote down go the same way on both sides.

Contract: `check` runs a scenario on both sides with a checkpoint after each op, on the machine
that `comparable` makes of its config, and without known bugs: the kernel has none of them. A
scenario that the kernel cannot run, or not in that order, is skipped with the reason.
"""

from dataclasses import dataclass

from conformance.compare import Disagreement
from conformance.differ import Kernel, Side, first_difference
from conformance.model import comparable
from simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Checked:
    """Both sides agree, unless there is a disagreement or a reason to skip."""

    disagreement: Disagreement | None = None
    skipped: str = ""

    @property
    def verdict(self) -> str:
        if self.skipped:
            return "skipped"
        return "disagrees" if self.disagreement else "agrees"


def check(scenario: Scenario, model: Side, kernel: Kernel) -> Checked:
    """Run one scenario on both sides."""
    tested = comparable(scenario, kernel.version)
    reason = kernel.why_not(tested)
    if reason:
        return Checked(skipped=reason)
    return Checked(first_difference(tested, model, kernel))
