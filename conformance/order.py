# SPDX-License-Identifier: MIT
"""In which order the model does the ops of a scenario, for a kernel that shall do the same.

Contract: for scenarios whose directives stand between ops (`RealKernel.why_not`), so that ops
run whole, one after the other. The order is that of their ends: what an op does happens just
before its `op:end`, while other ops may come between `op:begin` and that.

Not promised: anything about a run that the model ends with a Violation.
"""

from simulator.run import Machine
from simulator.scenario import Scenario
from simulator.sites import NAMES, OP__END


def order(scenario: Scenario, machine: Machine) -> tuple[int, ...]:
    """Indices into `scenario.ops`. An op that the model skips is put where its actor does not
    exist either: before everything, or, when the actor has been there, after everything."""
    ends = NAMES[OP__END]
    place = {op.uid: i for i, op in enumerate(scenario.ops)}
    if not scenario.directives:
        return tuple(place.values())
    outcome = machine.run(scenario, trace=True)
    done = dict.fromkeys(place[event.uid] for event in outcome.trace if event.site == ends)
    early: list[int] = []
    late: list[int] = []
    been: set[int] = set()
    for i, op in enumerate(scenario.ops):
        if i in done:
            been.add(op.actor)
        else:
            (late if op.actor in been else early).append(i)
    return (*early, *done, *late)
