# SPDX-License-Identifier: MIT
"""From a scenario with directives to what an engine does, step by step.

Contract: `plan` runs the model, with its trace, on the machine that a real kernel runs on, and
reads off who ran when: a `Step` is one actor going on in one op, up to a site's n-th visit from
there, to its end, or to where it waits for somebody. The model's scheduler decides; here is
none. Where an op stops and no directive says so, the model predicts that it waits, and the real
kernel is held to that. `Refused` says what cannot be forced, and where.

Promises that break do not end the model's run here: what comes after is part of the prediction.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from conformance import features, userland
from conformance.forced.rules import NO_CODE
from conformance.kernels import model_version
from conformance.model import ModelKernel
from conformance.observation import Observed
from conformance.userland import PMD_ORDER
from simulator.bugs import apart, in_kernel
from simulator.ops import OP_FORK
from simulator.outcome import SKIPPED, UNFINISHED, Outcome, TraceEvent, Violation
from simulator.scenario import FAIL, IPI, PARK, SWITCH, THP_ALWAYS, TLB, Config, Scenario
from simulator.sites import NAMES, OP__BEGIN, OP__END
from simulator.validate import MAX_FRAMES, arena_pages

DONE: Final = "done"
HOLD: Final = "hold"
SKIP_CALL: Final = "skip"  # hold, and then the call there fails
WAIT: Final = "wait"
_BEGIN: Final = NAMES[OP__BEGIN]
_END: Final = NAMES[OP__END]
_KINDS: Final = {SWITCH: HOLD, PARK: HOLD, FAIL: SKIP_CALL}


class Refused(Exception):
    """It cannot be forced. `function` is of the kernel, or empty."""

    def __init__(self, reason: str, function: str = "") -> None:
        super().__init__(reason)
        self.function = function


@dataclass(frozen=True, slots=True)
class Step:
    """One actor goes on in the op at `index`. `visit` counts the site's visits since it was
    last let go on."""

    actor: int
    index: int
    starts: bool
    end: str
    site: str = ""
    visit: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done, and what the model says comes of it. `holds` are the sites that need
    addresses."""

    scenario: Scenario
    steps: tuple[Step, ...]
    observed: Observed
    violation: Violation | None
    actors: tuple[int, ...]
    children: tuple[int, ...]
    warm_tlb: bool  # an op shall use a translation that the CPU has kept
    passed: tuple[tuple[str, ...], ...] = ()  # by op: the sites that it comes to, in order

    @property
    def holds(self) -> frozenset[str]:
        return frozenset(step.site for step in self.steps if step.end in (HOLD, SKIP_CALL))

    @property
    def interleaved(self) -> bool:
        """Whether somebody is stopped inside an op while another one runs an op."""
        return any(step.end in (HOLD, WAIT) for step in self.steps)


def real_size(scenario: Scenario, version: str, bugs: Collection[str] | None = None) -> Scenario:
    """The scenario with a real machine's page tables and constants, as Linux `version` runs it if
    it names no kernel itself, and with its own bugs or others."""
    config = scenario.config
    kernel = config.kernel or model_version(version)
    wanted = config.bugs if bugs is None else bugs
    return replace(
        scenario,
        config=Config(
            pmd_order=PMD_ORDER,
            frames=MAX_FRAMES,
            pages=arena_pages(config),
            steps=0,
            cpus=config.cpus,
            placement=config.placement,
            kernel=kernel,
            bugs=tuple(sorted({*wanted, *(() if config.kernel else apart(kernel, version))})),
            thp=config.thp,
        ),
    )


def mended_size(scenario: Scenario, version: str) -> Scenario:
    """The same without the scenario's own bugs, be it that Linux `version` has them."""
    sized = real_size(scenario, version, ())
    there = in_kernel(sized.config.kernel)
    off = {f"-{bug}" for bug in scenario.config.bugs if bug in there}
    bugs = tuple(sorted(off.union(sized.config.bugs)))
    return replace(sized, config=replace(sized.config, bugs=bugs))


def plan(scenario: Scenario, model: ModelKernel) -> Plan:
    """Raises Refused."""
    _check(scenario)
    try:
        observed, outcome = model.go_on(scenario)
    except Exception as error:
        raise Refused(f"the model cannot go on after the broken promise: {error!r}") from error
    if outcome.violation is not None and UNFINISHED in outcome.results:
        raise Refused(f"the model ends at {outcome.violation.signature}")
    forked = {op.args[0] for op in scenario.ops if op.code == OP_FORK}
    actors = {0, *(op.actor for op in scenario.ops), *forked}
    return Plan(
        scenario,
        tuple(_steps(scenario, outcome)),
        observed,
        outcome.violation,
        tuple(sorted(actors)),
        tuple(sorted(forked)),
        any(d.kind == TLB for d in scenario.directives),
        _sites(scenario, outcome),
    )


def _check(scenario: Scenario) -> None:
    reason = userland.why_not(scenario)
    if reason:
        raise Refused(reason)
    if scenario.config.thp == THP_ALWAYS:
        raise Refused("config thp=always: the guests say madvise")
    reason = features.never_is_unknown(scenario, ())
    if reason:
        raise Refused(reason)
    if scenario.config.cpus or scenario.config.placement:
        raise Refused("several actors on one CPU", "switch_mm_irqs_off")
    for d in scenario.directives:
        if d.kind == IPI:
            raise Refused("an IPI that comes late", d.site.partition(":")[0])
        if d.site in NO_CODE and d.kind != TLB and d.site not in (_BEGIN, _END):
            raise Refused(f"{d.site} is {NO_CODE[d.site]}", d.site.partition(":")[0])


def _steps(scenario: Scenario, outcome: Outcome) -> list[Step]:
    """One pass over the trace, whose events of one step of the model share its number."""
    place = {op.uid: i for i, op in enumerate(scenario.ops)}
    anchors = {
        (d.uid, d.site, d.visit): d.kind for d in scenario.directives if d not in outcome.dead
    }
    events = _passed(outcome.trace, place)
    visits: Counter[tuple[int, str]] = Counter()
    since: Counter[str] = Counter()  # of the step that is being made
    steps: list[Step] = []
    started: set[int] = set()
    ended: set[int] = set()

    def add(event: TraceEvent, end: str, site: str = "") -> None:
        index = place[event.uid]
        if index not in ended:
            steps.append(Step(event.actor, index, index not in started, end, site, since[site]))
        started.add(index)
        if end == DONE:
            ended.add(index)
        since.clear()

    for i, event in enumerate(events):
        key = (event.uid, event.site)
        visits[key] += 1
        since[event.site] += 1
        kind = anchors.get((*key, visits[key]))
        goes_on = i + 1 < len(events) and events[i + 1].uid == event.uid
        if event.site == _END:
            add(event, DONE)
        elif kind == FAIL:
            add(event, SKIP_CALL, event.site)
        elif goes_on or event.site == _BEGIN:
            if event.site == _BEGIN and not goes_on:
                since.clear()
        elif kind in _KINDS:
            add(event, HOLD, event.site)
        else:
            add(event, WAIT, event.site)
    return steps


def _sites(scenario: Scenario, outcome: Outcome) -> tuple[tuple[str, ...], ...]:
    place = {op.uid: i for i, op in enumerate(scenario.ops)}
    found: list[list[str]] = [[] for _ in scenario.ops]
    for event in _passed(outcome.trace, place):
        found[place[event.uid]].append(event.site)
    return tuple(map(tuple, found))


def _passed(trace: list[TraceEvent], place: dict[int, int]) -> list[TraceEvent]:
    """One event for each step of an op: not notes, not what the End does."""
    found: list[TraceEvent] = []
    last = 0
    for event in trace:
        if event.step != last and event.uid in place:
            found.append(event)
        last = event.step
    return found


def skipped(plan: Plan) -> frozenset[int]:
    """The indices of ops that nobody runs, for their actor does not exist."""
    begun = {step.index for step in plan.steps}
    return frozenset(
        i for i, result in enumerate(plan.observed.results) if result == SKIPPED and i not in begun
    )
