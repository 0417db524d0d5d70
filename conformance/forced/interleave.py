# SPDX-License-Identifier: MIT
"""Random scenarios under random interleavings, on a real kernel and on the model.

Contract: `interleave` makes scenarios of two to four actors from a seed, puts directives at sites
that the kernel has, forces each and yields what disagrees, made smaller; the `Figures` count the
rest. Counted is only a scenario in which somebody was held inside an op while another actor ran
one. Loads and stores may use what a TLB has kept or walk the tables: where the model allows
both, the kernel may do either.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from conformance import userland
from conformance.compare import ORACLE
from conformance.executor import ExecutorError
from conformance.forced.confirm import Booted
from conformance.forced.engine import Stuck
from conformance.forced.force import Forced, force
from conformance.forced.plan import HOLD, WAIT, Plan, Refused, plan, real_size
from conformance.forced.rules import NO_CODE
from conformance.fuzz import ORIGIN
from conformance.generate import Generator
from conformance.model import ModelKernel, comparable
from corpus.text import dump
from fuzz.findings import Finding
from fuzz.rng import Rng
from fuzz.slots import MAX_SLOTS, fit
from simulator.build import build_id
from simulator.ops import OP_READ, OP_WRITE, OPS, may_run
from simulator.run import Machine
from simulator.scenario import NR_USER_ACTORS, SWITCH, TLB, Config, Directive, Op, Scenario
from simulator.sites import MMU__TRANSLATE, NAMES, OP__BEGIN

MAX_DIRECTIVES: Final = 3
MAX_ACTORS: Final = 4
TRIES: Final = 6  # to place directives so that somebody is held
AGAIN: Final = 2  # that what differs has to differ more


@dataclass(slots=True)
class Figures:
    """What a session has done so far."""

    tried: int = 0
    counted: int = 0
    agreed: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # by function, or reason
    stuck: Counter[str] = field(default_factory=Counter)
    not_again: int = 0
    sites: Counter[str] = field(default_factory=Counter)  # held at
    waits: int = 0  # that the model predicted, and the kernel did
    cpu_seconds: float = 0.0  # of the guest


@dataclass(frozen=True, slots=True)
class Disagreed:
    """A scenario, made smaller, and what the kernel does otherwise; `cry` is its own."""

    scenario: Scenario
    otherwise: str
    cry: str = ""


def interleave(
    booted: Booted,
    model: ModelKernel,
    figures: Figures,
    *,
    seed: int,
    seconds: float,
    scenarios: int = 0,
) -> Iterator[Disagreed | None]:
    """Run for `seconds` of wall clock. Yields after each scenario."""
    version = booted.image.version
    generator = Generator(seed, codes(version), version)
    rng = Rng(seed)
    sites = [name for name in booted.build.sites if name not in NO_CODE]
    until = time.monotonic() + seconds  # the boot is not counted
    while time.monotonic() < until and figures.counted != (scenarios or -1):
        made = directed(generator.next(), frozenset(sites), rng, model, version)
        if made is None:
            yield None
            continue
        figures.tried += 1
        yield _one(made, booted, model, figures)


def codes(version: str) -> list[int]:
    """The rows of the op table that user space can run."""
    pages = 8
    return [
        spec.number
        for spec in OPS
        if may_run(spec, 0)
        and not userland.why_not(
            comparable(
                Scenario(
                    Config(pages=pages),
                    (Op(1, 0, spec.number, fit(spec.number, [0] * MAX_SLOTS, pages)),),
                ),
                version,
            )
        )
    ]


def finding(found: Disagreed) -> Finding:
    """As the store takes it. Its text replays with `mmfarm confirm`. The culprit is the function
    that the first directive holds."""
    scenario = replace(
        found.scenario, headers=(("title", found.otherwise[:200]), ("origin", "farm"))
    )
    outcome = Machine().run(scenario)
    held = scenario.directives[0].site if scenario.directives else NAMES[OP__BEGIN]
    return Finding(
        oracle=ORACLE,
        culprit=held.partition(":")[0],
        object_class="interleaving",
        promise=found.otherwise + (f"\n{found.cry}" if found.cry else ""),
        text=dump(scenario),
        digest=outcome.digest,
        build_id=build_id(),
        steps=outcome.steps,
        origin=ORIGIN,
    )


def _few_actors(scenario: Scenario) -> Scenario:
    """Without the ops of actors beyond the first four that act."""
    actors = sorted({op.actor for op in scenario.ops})[:MAX_ACTORS]
    return scenario.with_ops(tuple(op for op in scenario.ops if op.actor in actors))


def directed(
    scenario: Scenario, sites: frozenset[str], rng: Rng, model: ModelKernel, version: str
) -> Plan | None:
    """With directives at places that its run comes to; None when nobody is held anyhow."""
    scenario = _few_actors(scenario)
    sized = real_size(scenario, version)
    try:
        _, outcome = model.go_on(sized)
    except Exception:
        return None  # a broken promise of the model without directives is for others to find
    if outcome.violation is not None:
        return None
    visits: Counter[tuple[int, str]] = Counter()
    places: list[tuple[int, int, str, int]] = []
    last = 0
    for event in outcome.trace:
        if event.step != last and event.uid:
            visits[event.uid, event.site] += 1
            if event.site in sites:
                places.append((event.actor, event.uid, event.site, visits[event.uid, event.site]))
        last = event.step
    actors = sorted({op.actor for op in scenario.ops if op.actor < NR_USER_ACTORS})
    if len(actors) < 2 or not places:
        return None
    for _ in range(TRIES):
        chosen = {}
        for _ in range(1 + rng.below(MAX_DIRECTIVES)):
            actor, uid, site, visit = places[rng.below(len(places))]
            target = actors[rng.below(len(actors))]
            if target != actor:
                chosen[uid, site, visit] = Directive(uid, site, visit, SWITCH, target)
        try:
            made = plan(sized.with_directives(tuple(chosen.values())), model)
        except Refused:
            continue
        if made.violation is None and held_meanwhile(made):
            return made
    return None


def held_meanwhile(made: Plan) -> bool:
    """Whether somebody is held inside an op while another actor runs an op, or a part."""
    return any(
        step.end == HOLD and i + 1 < len(made.steps) and made.steps[i + 1].actor != step.actor
        for i, step in enumerate(made.steps)
    )


def _one(made: Plan, booted: Booted, model: ModelKernel, figures: Figures) -> Disagreed | None:
    try:
        forced = _forced(made, booted, model, figures)
    except Refused as refused:
        figures.refused[refused.function or str(refused)] += 1
        return None
    except (Stuck, ExecutorError) as stuck:
        booted.close()
        figures.stuck[str(stuck).partition(":")[0]] += 1
        return None
    figures.counted += 1
    if not forced.otherwise and not forced.cry:
        figures.agreed += 1
        figures.waits += sum(step.end == WAIT for step in made.steps)
        figures.sites.update(step.site for step in made.steps if step.end == HOLD)
        return None
    if forced.cry:
        booted.close()
        return Disagreed(made.scenario, "the kernel cries", forced.cry)
    for _ in range(AGAIN):
        try:
            if not _forced(made, booted, model, figures).otherwise:
                figures.not_again += 1
                return None
        except (Stuck, ExecutorError):
            booted.close()
            figures.not_again += 1
            return None
    return _smaller(made, forced.otherwise, booted, model, figures)


def _forced(made: Plan, booted: Booted, model: ModelKernel, figures: Figures) -> Forced:
    """By tables first; where that differs, by what the TLBs have kept."""
    guest = booted.guest(len(made.actors))
    began = guest.cpu_seconds()
    try:
        forced = force(guest, booted.build, made)
        if not forced.otherwise or forced.cry:
            return forced
        kept = [
            Directive(op.uid, NAMES[MMU__TRANSLATE], 1, TLB, 1)
            for op in made.scenario.ops
            if op.code in (OP_READ, OP_WRITE)
        ]
        other = made.scenario.with_directives((*made.scenario.directives, *kept))
        again = plan(other, model)
        if again.violation is not None or again.observed == made.observed:
            return forced
        through = force(guest, booted.build, again)
        return through if not through.otherwise else forced
    finally:
        figures.cpu_seconds += guest.cpu_seconds() - began


def _smaller(
    made: Plan, otherwise: str, booted: Booted, model: ModelKernel, figures: Figures
) -> Disagreed:
    """Without the directives and ops that it does not need, one pass from the end."""
    best, says = made.scenario, otherwise

    def differs(scenario: Scenario) -> str:
        try:
            smaller = plan(scenario, model)
            if smaller.violation is not None:
                return ""
            return _forced(smaller, booted, model, figures).otherwise
        except (Refused, Stuck, ExecutorError):
            return ""

    for d in best.directives:
        fewer = replace(best, directives=tuple(each for each in best.directives if each != d))
        found = differs(fewer)
        best, says = (fewer, found) if found else (best, says)
    for op in reversed(best.ops):
        fewer = best.with_ops(tuple(each for each in best.ops if each != op))
        found = differs(fewer) if fewer.ops else ""
        best, says = (fewer, found) if found else (best, says)
    return Disagreed(best, says)
