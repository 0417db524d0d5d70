# SPDX-License-Identifier: MIT
"""Differential fuzzing: scenarios from a seed on both sides until time or number is up.

Contract: `fuzz` yields each disagreement when it is found, minimized, once per signature; the
`Figures` that it is given count everything. Scenarios and what comes of them are a function of
the seed; `seconds` only says how many there are. Scenarios that the kernel cannot run are
skipped. Those that differ once and not again, or that the executor did not get through, are
troubles of the runner or of the machine, and no findings; `ExecutorError` is raised for too many.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.compare import Disagreement
from conformance.differ import Kernel, Side, first_difference, minimized, run_both
from conformance.executor import ExecutorError
from conformance.generate import Generator
from conformance.model import comparable
from conformance.observation import Observed
from corpus.text import dump
from fuzz.findings import Finding
from fuzz.slots import MAX_SLOTS, fit
from simulator.build import build_id
from simulator.ops import OPS, may_run
from simulator.outcome import Signature
from simulator.run import Machine
from simulator.scenario import Config, Op, Scenario

ORIGIN: Final = "conform"  # of the findings
MAX_TROUBLES: Final = 20  # then something is wrong with the machine, and more time will not help
NOT_AGAIN: Final = "it differed once and not again"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A scenario that gave no answer to compare, and why."""

    scenario: Scenario
    reason: str


@dataclass(slots=True)
class Figures:
    """What a session has done so far."""

    scenarios: int = 0
    ops: int = 0
    succeeded: int = 0  # ops that did not fail in the kernel
    skipped: int = 0
    sightings: Counter[Signature] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)

    def count(self, kernel: Observed) -> None:
        self.scenarios += 1
        self.ops += len(kernel.results)
        self.succeeded += sum(result >= 0 for result in kernel.results)


@dataclass(frozen=True, slots=True)
class Found:
    """A minimal scenario, and where it disagrees first."""

    scenario: Scenario
    signature: Signature
    disagreement: Disagreement


def fuzz(
    model: Side,
    kernel: Kernel,
    figures: Figures,
    *,
    seed: int,
    seconds: float,
    scenarios: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Found | None]:
    """Run for `seconds` of `clock`, and at most that many `scenarios` (0: any number).
    Yields after each scenario: what it has found, if that is new."""
    generator = Generator(seed, runnable(kernel), kernel.version)
    until = clock() + seconds
    number = 0
    while clock() < until and number != (scenarios or -1):
        number += 1
        scenario = generator.next()
        try:
            yield _one(scenario, model, kernel, figures)
        except ExecutorError as error:
            figures.troubles.append(Trouble(scenario, str(error)))
            if len(figures.troubles) >= MAX_TROUBLES:
                raise


def _one(scenario: Scenario, model: Side, kernel: Kernel, figures: Figures) -> Found | None:
    if kernel.why_not(scenario):
        figures.skipped += 1
        return None
    both = run_both(scenario, model, kernel, every_op=False)
    figures.count(both.kernel)
    if both.disagreement is None:
        return None
    first = first_difference(scenario, model, kernel)
    if first is None:
        figures.troubles.append(Trouble(scenario, NOT_AGAIN))
        return None
    signature = first.signature(scenario)
    figures.sightings[signature] += 1
    if figures.sightings[signature] > 1:
        return None
    small = minimized(scenario, signature, model, kernel)
    differs = first_difference(small, model, kernel)
    if differs is None:
        figures.troubles.append(Trouble(small, NOT_AGAIN))
        return None
    return Found(small, signature, differs)


def runnable(kernel: Kernel) -> list[int]:
    """The rows of the op table that the kernel can run, as far as their arguments do not
    matter."""
    return [
        spec.number
        for spec in OPS
        if may_run(spec, 0) and not kernel.why_not(_alone(spec.number, kernel.version))
    ]


def _alone(code: int, version: str) -> Scenario:
    """A scenario of one op, with some arguments."""
    pages = 8
    op = Op(1, 0, code, fit(code, [0] * MAX_SLOTS, pages))
    return comparable(Scenario(Config(pages=pages), (op,)), version)


def finding(found: Found) -> Finding:
    """The disagreement as the store takes it. Its text replays with `mmfarm conform check`;
    digest and steps are the model's."""
    scenario = replace(
        found.scenario, headers=(("title", str(found.disagreement)), ("origin", "farm"))
    )
    outcome = Machine().run(scenario)
    return Finding(
        oracle=found.signature.oracle,
        culprit=found.signature.culprit,
        object_class=found.signature.object_class,
        promise=str(found.disagreement),
        text=dump(scenario),
        digest=outcome.digest,
        build_id=build_id(),
        steps=outcome.steps,
        origin=ORIGIN,
    )
