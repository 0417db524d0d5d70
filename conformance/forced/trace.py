# SPDX-License-Identifier: MIT
"""The order of steps: the sites that each op comes to on a real kernel, and in the model.

Contract: `follow` runs a scenario as its directives say, or one op after the other where they
cannot be forced, with a breakpoint at every address that is a site's, and compares op by op
what was passed with what the model passed. What the two do otherwise on purpose stands in
`conformance.forced.departures` and nowhere else. The first op that differs ends a scenario.

Compared are only sites that this kernel has addresses of; sites whose addresses are the same
there are one. Not promised: anything about code between two sites, or about a site that no rule
finds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.debian import numbers
from conformance.executor import ExecutorError
from conformance.features import huge_pages
from conformance.forced import engine as eng
from conformance.forced.build import Build
from conformance.forced.confirm import Booted
from conformance.forced.departures import EITHER, MORE, NOT_COMPARED, OLDER, ONCE, WHOLE
from conformance.forced.engine import Cry, Engine, Stuck
from conformance.forced.force import do, places
from conformance.forced.guest import Guest
from conformance.forced.plan import DONE, Plan, Refused, plan, real_size
from conformance.forced.rules import NO_CODE
from conformance.forced.sitemap import Place
from conformance.model import ModelKernel
from simulator.ops import BY_NUMBER
from simulator.outcome import UNFINISHED
from simulator.scenario import Scenario

AGREES: Final = "agrees"
DIFFERS: Final = "differs"
SKIPPED: Final = "skipped"
AROUND: Final = 4  # steps shown before the first that differs, and after it


@dataclass(frozen=True, slots=True)
class Difference:
    """The first op that goes otherwise: the number of its first step that does, and the steps."""

    uid: int
    op: str
    step: int
    model: tuple[str, ...]
    kernel: tuple[str, ...]

    def __str__(self) -> str:
        model, kernel = (
            steps[self.step] if self.step < len(steps) else "the end"
            for steps in (self.model, self.kernel)
        )
        return (
            f"op {self.uid}, {self.op}, step {self.step + 1}: "
            f"{model} in the model, {kernel} in the kernel"
        )

    def around(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Both sequences near that step."""
        near = slice(max(0, self.step - AROUND), self.step + AROUND + 1)
        return self.model[near], self.kernel[near]


@dataclass(frozen=True, slots=True)
class Followed:
    """One scenario: so many ops with so many steps were the same on both sides. `why` is the
    reason of a skip; `forced` is whether its directives were."""

    verdict: str
    ops: int = 0
    steps: int = 0
    sites: frozenset[str] = frozenset()
    forced: bool = False
    difference: Difference | None = None
    why: str = ""

    def to_json(self) -> dict[str, object]:
        found = self.difference
        return {
            "verdict": self.verdict,
            "why": self.why,
            "forced": self.forced,
            "ops": self.ops,
            "steps": self.steps,
            "difference": None
            if found is None
            else {
                "op": found.uid,
                "name": found.op,
                "step": found.step,
                "says": str(found),
                "model": found.model,
                "kernel": found.kernel,
            },
        }


class Sites:
    """The sites of a build, as far as they can be told apart by their addresses."""

    def __init__(self, build: Build) -> None:
        self.at: dict[int, str] = {}
        self._name: dict[str, str] = {}
        names: dict[tuple[int, ...], str] = {}
        for site, place in build.sites.items():
            if site in NO_CODE or site in NOT_COMPARED or _begins_inlined(build, place):
                continue
            self._name[site] = names.setdefault(place.addresses, site)
            for address in place.addresses:
                self.at.setdefault(address, self._name[site])
        # A site of which another has all addresses cannot be told from it.
        for site, name in self._name.items():
            there = {self.at[address] for address in build.sites[site].addresses}
            if name not in there:
                self._name[site] = min(there)

    def modelled(self, sites: Iterable[str]) -> list[str]:
        """What the model passed, by names of this build, without what has no address in it."""
        found: list[str] = []
        one: set[str] = set()  # steps of the model that are the last place of the code
        for site in sites:
            name = self._name.get(site, "")
            if not name:
                continue
            if site in one or found[-1:] != [name]:
                found.append(name)
                one.clear()
            one.add(site)
        return found

    def real(self, addresses: Iterable[int]) -> list[str]:
        return [self.at[address] for address in addresses]


def _begins_inlined(build: Build, place: Place) -> bool:
    """Whether a place is said to be where an inlined function begins: it has no first instruction,
    and that which comes first may not be passed."""
    if "@" in place.rule or "~" in place.rule:
        return False
    return not all(build.symbols.starting_at(address) for address in place.addresses)


def follow(booted: Booted, scenario: Scenario, model: ModelKernel) -> Followed:
    """Raises ExecutorError where a kernel cannot be booted."""
    version = booted.image.version
    refused: Refused | None = None
    for directives in dict.fromkeys((scenario.directives, ())):
        try:
            made = plan(real_size(scenario.with_directives(directives), version, ()), model)
            return _follow(booted, made)
        except Refused as reason:
            refused = refused or reason
        except (Stuck, ExecutorError) as stuck:
            booted.close()
            return Followed(SKIPPED, why=f"stuck: {stuck}")
    return Followed(SKIPPED, why=str(refused))


def _follow(booted: Booted, made: Plan) -> Followed:
    guest = booted.guest(len(made.actors))
    build = booted.build
    try:
        return _passed(guest, build, made)
    except Cry as cry:
        booted.close()
        return Followed(SKIPPED, why=f"the kernel cries: {str(cry).splitlines()[0]}")


def _passed(guest: Guest, build: Build, made: Plan) -> Followed:
    """The plan carried out, and each op compared when it has ended."""
    where = places(build, made)
    sites = Sites(build)
    cpus = {actor: cpu for cpu, actor in enumerate(made.actors, 1)}
    nr_pages = made.scenario.config.pages
    huge = huge_pages(made.scenario)
    engine = Engine(guest, build.symbols, nr_pages, cpus, made.children, huge)
    engine.watched = frozenset(sites.at)
    results = [UNFINISHED] * len(made.scenario.ops)
    nr_ops = nr_steps = 0
    seen: set[str] = set()
    found: Difference | None = None
    why = ""
    for step in made.steps:
        if step.starts:
            engine.passed[step.actor].clear()
        otherwise = do(engine, made, step, where, results, warm=True)
        ended = step.end == DONE or engine.state(step.actor) in (eng.IDLE, eng.GONE)
        if not ended and not otherwise:
            continue
        op = made.scenario.ops[step.index]
        name = BY_NUMBER[op.code].name
        below, older, _ = OLDER.get(name, ((0,), (), ""))
        if numbers(guest.image.version) >= below:
            older = ()
        model = [s for s in sites.modelled(made.passed[step.index]) if s not in older]
        kernel = [s for s in sites.real(engine.passed[step.actor]) if s not in older]
        if ended and results[step.index] != made.observed.results[step.index]:
            why = f"op {op.uid}, {name}: its result is another, which `conform check` judges"
            break
        found = difference(op.uid, name, model, kernel, partly=not ended)
        if found is not None or otherwise:
            why = otherwise
            break
        nr_ops += 1
        nr_steps += len(kernel)
        seen.update(kernel)
    engine.finish()
    engine.end()
    if found is not None:
        return Followed(DIFFERS, nr_ops, nr_steps, frozenset(seen), bool(made.holds), found, why)
    if why:
        return Followed(SKIPPED, nr_ops, nr_steps, frozenset(seen), bool(made.holds), None, why)
    return Followed(AGREES, nr_ops, nr_steps, frozenset(seen), bool(made.holds))


def difference(
    uid: int, op: str, model: Sequence[str], kernel: Sequence[str], *, partly: bool = False
) -> Difference | None:
    """The first step that no departure allows; `partly` when the kernel's op has not ended."""
    ours = _normal(model)
    more = MORE.get("", {}).keys() | MORE.get(op, {}).keys()
    theirs = _normal(kernel)
    same: list[str] = []
    for i, site in enumerate(theirs):
        if ours[len(same) : len(same) + 1] == [site]:
            same.append(site)
        elif op not in WHOLE and site not in more:
            return Difference(uid, op, len(same), tuple(ours), (*same, *theirs[i:]))
    if len(same) < len(ours) and not partly:
        return Difference(uid, op, len(same), tuple(ours), tuple(theirs if op in WHOLE else same))
    return None


def _normal(sites: Sequence[str]) -> list[str]:
    """With what one side does in parts in one, and two whose order is not told in one order."""
    found: list[str] = []
    for site in sites:
        if site in ONCE and found[-1:] == [site]:
            continue
        found.append(site)
        if len(found) > 1 and _either(found[-2], site):
            found[-2:] = reversed(found[-2:])
    return found


def _either(first: str, second: str) -> bool:
    is_lock = second.partition(":")[2].startswith("lock")
    return (first, second) in EITHER or (is_lock and (first, "*:lock") in EITHER)
