# SPDX-License-Identifier: MIT
"""One scenario on both sides: do they disagree, where first, and what is the least that does.

Contract: `run_both` looks at the end or after each op, and the second costs several times as
much: so whoever has many scenarios looks at the end, and asks `first_difference` where that
differs. `minimized` keeps the signature of a disagreement and takes away whatever it does not
need.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from conformance.compare import Disagreement, compare
from conformance.model import Broken
from conformance.observation import Observed
from conformance.order import order
from fuzz.certificate import simpler
from fuzz.minimizing.edits import canonical, delete_ops
from fuzz.minimizing.order import cost
from simulator.outcome import Signature
from simulator.run import Machine
from simulator.scenario import Scenario
from simulator.validate import ScenarioError, validate

# The machine is given: steps that change it would say nothing about the ops.
_KEPT_STEPS: Final = ("default-config", "default-setting", "delete-placement")
MAX_TRIES: Final = 4_000  # runs of both sides in one minimization, some seconds


class Side(Protocol):
    """The model, or a real kernel."""

    def run(self, scenario: Scenario, *, every_op: bool) -> Observed: ...


class Kernel(Protocol):
    """A real kernel. `why_not` says why it cannot run a scenario, "" if it can; `page_bits`
    are the bits of pages that it can show; `order` is `conformance.order`'s; `version` is that
    of Linux, as full as it is known."""

    def run(self, scenario: Scenario, *, every_op: bool, order: Sequence[int] = ()) -> Observed: ...

    @property
    def page_bits(self) -> int: ...

    @property
    def version(self) -> str: ...

    def why_not(self, scenario: Scenario) -> str: ...


@dataclass(frozen=True, slots=True)
class Both:
    """One run of a scenario on both sides: what the kernel showed, and the first difference."""

    kernel: Observed
    disagreement: Disagreement | None


def run_both(scenario: Scenario, model: Side, kernel: Kernel, *, every_op: bool) -> Both:
    """Run and compare. A promise that the model breaks is a difference too, called after the
    oracle: no kernel reports one."""
    ordered = order(scenario, Machine()) if scenario.directives else ()
    theirs = kernel.run(scenario, every_op=every_op, order=ordered)
    try:
        ours = model.run(scenario, every_op=every_op)
    except Broken as broken:
        violation = broken.violation
        op = next((op for op in scenario.ops if op.uid == violation.uid), scenario.ops[-1])
        return Both(
            theirs,
            Disagreement(
                violation.uid,
                op.actor,
                violation.signature.oracle,
                "",
                f"broken: {violation.promise}",
                "kept",
            ),
        )
    return Both(theirs, compare(scenario, ours, theirs, kernel.page_bits))


def first_difference(scenario: Scenario, model: Side, kernel: Kernel) -> Disagreement | None:
    """The first op after which both sides differ, and how. Checkpoints after each op are only
    of the process that acts, so where they differ another op may have been to blame: a
    scenario without a schedule is cut before it for as long as its end still differs."""
    found = (
        run_both(scenario, model, kernel, every_op=True).disagreement
        or run_both(scenario, model, kernel, every_op=False).disagreement
    )
    if found is None:
        return None
    uids = [op.uid for op in scenario.ops]
    place = uids.index(found.uid) if found.uid else len(uids) - 1
    while place and not scenario.directives:
        shorter = scenario.with_ops(scenario.ops[:place])
        earlier = run_both(shorter, model, kernel, every_op=False).disagreement
        if earlier is None:
            break
        found = earlier
        place -= 1
    return replace(found, uid=uids[place])


def minimized(scenario: Scenario, signature: Signature, model: Side, kernel: Kernel) -> Scenario:
    """The simplest scenario found that disagrees with this signature."""
    left = MAX_TRIES

    def same(candidate: Scenario) -> bool:
        nonlocal left
        if left == 0 or not candidate.ops:
            return False
        left -= 1
        try:
            validate(candidate)
        except ScenarioError:
            return False
        if kernel.why_not(candidate):
            return False
        found = first_difference(candidate, model, kernel)
        return found is not None and found.signature(candidate) == signature

    return _simplest(_without_chunks(scenario, same), same)


def _without_chunks(scenario: Scenario, same: Callable[[Scenario], bool]) -> Scenario:
    """Chunks of ops of falling size go, from the end."""
    size = max(1, len(scenario.ops) // 2)
    while size > 0:
        end = len(scenario.ops)
        while end > 0:
            start = max(0, end - size)
            candidate = delete_ops(scenario, {op.uid for op in scenario.ops[start:end]})
            if same(candidate):
                scenario = candidate
            end = min(start, len(scenario.ops))
        size //= 2
    return scenario


def _simplest(scenario: Scenario, same: Callable[[Scenario], bool]) -> Scenario:
    """Single simplifications until none helps, then canonical names."""
    tried: set[Scenario] = set()
    before: Scenario | None = None
    while scenario != before:
        before = scenario
        for step, candidate in simpler(scenario):
            if step[0] in _KEPT_STEPS or candidate in tried or cost(candidate) >= cost(scenario):
                continue
            tried.add(candidate)
            if same(candidate):
                scenario = candidate
                break
    named = canonical(scenario)
    return named if same(named) else scenario
