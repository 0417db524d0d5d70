# SPDX-License-Identifier: MIT
"""A plan carried out on a real kernel, and what came of it.

Contract: `force` does the steps of a Plan with an Engine, one actor a CPU, exactly as planned,
and stops at the first thing that the kernel does otherwise: an op that ends or waits where the
model says that it goes on, or the reverse. That, or the first difference of results, VMAs and
pages, or what the kernel prints of its own trouble, is in the `Forced`. Raises Refused for a
site without address, and Stuck.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.compare import compare
from conformance.features import huge_pages
from conformance.forced import engine as eng
from conformance.forced.build import Build
from conformance.forced.engine import Cry, Engine
from conformance.forced.guest import Guest, Work
from conformance.forced.plan import DONE, HOLD, SKIP_CALL, WAIT, Plan, Refused, Step, skipped
from conformance.forced.sitemap import Place
from conformance.kernel import page_bits
from conformance.observation import Observed
from simulator.ops import BY_NUMBER
from simulator.outcome import SKIPPED, UNFINISHED


@dataclass(frozen=True, slots=True)
class Forced:
    """What the kernel did. `otherwise` is the first thing that is not as the plan says, empty
    when all is; `cry` is the kernel's own."""

    observed: Observed | None
    otherwise: str = ""
    cry: str = ""
    holds: int = 0
    breaths: int = 0


def force(guest: Guest, build: Build, plan: Plan) -> Forced:
    """Raises Refused and Stuck."""
    where = places(build, plan)
    if len(plan.actors) > guest.actors:
        raise Refused(f"{len(plan.actors)} actors: this guest has CPUs for {guest.actors}")
    cpus = {actor: cpu for cpu, actor in enumerate(plan.actors, 1)}
    nr_pages = plan.scenario.config.pages
    huge = huge_pages(plan.scenario)
    engine = Engine(guest, build.symbols, nr_pages, cpus, plan.children, huge)
    try:
        return _carried_out(guest, engine, plan, where)
    except Cry as cry:
        return Forced(None, cry=str(cry), holds=engine.holds, breaths=engine.breaths)


def places(build: Build, plan: Plan) -> Mapping[str, Place]:
    """Of the sites at which somebody is held. Raises Refused."""
    found: dict[str, Place] = {}
    for site in plan.holds:
        place = build.site(site)
        if place is None:
            raise Refused(f"{site} has no address on this kernel", site.partition(":")[0])
        found[site] = place
    for step in plan.steps:
        if step.end == SKIP_CALL and "@call" not in found[step.site].rule:
            raise Refused(f"{step.site} is no call on this kernel", step.site.partition(":")[0])
    return found


def _carried_out(guest: Guest, engine: Engine, plan: Plan, where: Mapping[str, Place]) -> Forced:
    results = [UNFINISHED] * len(plan.scenario.ops)
    for index in skipped(plan):
        results[index] = SKIPPED
    otherwise = ""
    for step in plan.steps:
        otherwise = do(engine, plan, step, where, results)
        if otherwise:
            break
    late = engine.finish()
    for actor, result in late.items():
        index = _running(plan, actor, results)
        results[index] = result
    checkpoints = engine.end()
    observed = Observed(tuple(results), checkpoints)
    if not otherwise:
        difference = compare(plan.scenario, plan.observed, observed, page_bits(guest.features))
        otherwise = str(difference or "")
    return Forced(observed, otherwise, holds=engine.holds, breaths=engine.breaths)


def _running(plan: Plan, actor: int, results: list[int]) -> int:
    """The op that an actor is in: its first that has no result."""
    return next(
        i
        for i, op in enumerate(plan.scenario.ops)
        if op.actor == actor and results[i] == UNFINISHED
    )


def do(
    engine: Engine,
    plan: Plan,
    step: Step,
    where: Mapping[str, Place],
    results: list[int],
    *,
    warm: bool = False,
) -> str:
    """One step. What the kernel does otherwise, or nothing. `warm` is for an op whose own faults
    on the actor's stack must not be there, even if it is not held."""
    op = plan.scenario.ops[step.index]
    if engine.state(step.actor) == eng.GONE:
        return f"op {op.uid}: its actor does not exist"
    if step.starts:
        engine.start(step.actor, Work(op.code, op.args, op.uid), warm=warm or step.end != DONE)
    elif engine.state(step.actor) == eng.IDLE:
        return f"op {op.uid} ended early"
    held = step.end in (HOLD, SKIP_CALL)
    event = engine.run(step.actor, where[step.site].addresses if held else (), step.visit)
    name = BY_NUMBER[op.code].name
    if event.kind == eng.DONE:
        results[step.index] = event.result
    if event.kind == eng.HELD and step.end == SKIP_CALL:
        engine.skip_call(step.actor)
    expected = {DONE: eng.DONE, HOLD: eng.HELD, SKIP_CALL: eng.HELD, WAIT: eng.WAITING}[step.end]
    if event.kind == expected:
        return ""
    said = {
        DONE: "ends",
        HOLD: f"comes to {step.site}",
        SKIP_CALL: f"comes to {step.site}",
        WAIT: f"waits at {step.site}",
    }[step.end]
    does = {eng.DONE: "it ends", eng.WAITING: f"it waits in {event.where}"}[event.kind]
    return f"op {op.uid}, {name}: {said} in the model, {does} in the kernel"
