# SPDX-License-Identifier: MIT
"""Every program of so many ops over an alphabet, each under every interleaving within bounds.

Contract: `explore_programs` explores them in a fixed order, on several cores if asked to, until all
are covered, one breaks a promise, or it is asked to stop; the `Certificate` says what was covered.
Given one of before, it goes on behind the last program that has been covered without a gap. What a
program is and what an exploration covers: corpus/alphabets.py, fuzz/exploration.py.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Final

from corpus.alphabets import Alphabet, read
from corpus.text import dump, parse
from fuzz.exploration import COVERED, STOPPED, VIOLATION, Bounds, Exploration
from simulator import build
from simulator.run import Machine
from simulator.scenario import Scenario

# How many are handed to a process at a time: some seconds' work, and a stop wastes few.
PARCEL: Final = 8


@dataclass(slots=True)
class Certificate:
    """What was covered of the programs over `alphabet`, which is its whole text."""

    ops: int
    alphabet: str
    bounds: Bounds
    build_id: str = ""
    state: str = STOPPED
    programs: int = 0  # that there are
    covered: int = 0  # the first so many of them
    schedules: int = 0
    cut: int = 0
    steps: int = 0
    most_schedules: int = 0  # of one program
    signature: str = ""
    promise: str = ""
    scenario: str | None = field(default=None)  # the counterexample

    def to_json(self) -> dict[str, Any]:
        """Plain data; docs/schemas/explore-programs.json describes it."""
        return asdict(self)

    @property
    def progress(self) -> float:
        return self.covered / self.programs if self.programs else 0.0


@dataclass(slots=True)
class _Explored:
    schedules: int
    cut: int
    steps: int
    signature: str
    promise: str
    scenario: str | None


def certificate(ops: int, text: str, bounds: Bounds) -> Certificate:
    """One of nothing yet. Raises TextError for what is no alphabet."""
    alphabet = read(text)
    count = sum(1 for _ in alphabet.programs(ops))
    return Certificate(ops, text, bounds, build.build_id(), programs=count)


def from_json(document: object) -> Certificate:
    """What `to_json` gave. Raises ValueError for anything else."""
    try:
        assert isinstance(document, dict)
        values = dict(document)
        return Certificate(**{**values, "bounds": Bounds(**values["bounds"])})
    except (AssertionError, KeyError, TypeError) as error:
        raise ValueError(f"is no certificate of `mmfarm explore --ops`: {error}") from error


def explore_programs(
    made: Certificate, jobs: int, stop: Callable[[Certificate], bool] = lambda made: False
) -> Certificate:
    """Explore what `made` has not covered; it is what is returned."""
    made.state = STOPPED
    alphabet = read(made.alphabet)
    if jobs == 1:
        results = _one_by_one(alphabet, made)
        return _gather(made, results, stop)
    parcels = _parcels(alphabet, made)
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, _begin, (made.bounds,)) as pool:
        done = pool.imap(_parcel, parcels)
        return _gather(made, (each for parcel in done for each in parcel), stop)


def _gather(
    made: Certificate, results: Iterator[_Explored], stop: Callable[[Certificate], bool]
) -> Certificate:
    """Take results in the order of the programs. The next one is asked for only if it is wanted."""
    while made.covered < made.programs:
        if stop(made):
            return made
        result = next(results)
        made.schedules += result.schedules
        made.cut += result.cut
        made.steps += result.steps
        made.most_schedules = max(made.most_schedules, result.schedules + result.cut)
        if result.scenario is not None:
            made.signature, made.promise = result.signature, result.promise
            made.scenario = result.scenario
            made.state = VIOLATION
            return made
        made.covered += 1
    made.state = COVERED
    return made


def _one_by_one(alphabet: Alphabet, made: Certificate) -> Iterator[_Explored]:
    machine = Machine()
    for scenario in islice(alphabet.programs(made.ops), made.covered, None):
        yield _explore(machine, scenario, made.bounds)


def _parcels(alphabet: Alphabet, made: Certificate) -> Iterator[list[str]]:
    """As texts: values of the model cannot be sent."""
    programs = map(dump, islice(alphabet.programs(made.ops), made.covered, None))
    while parcel := list(islice(programs, PARCEL)):
        yield parcel


def _explore(machine: Machine, scenario: Scenario, bounds: Bounds) -> _Explored:
    report = Exploration(machine, scenario, bounds).go()
    failing = None
    if report.state == VIOLATION:
        failing = dump(scenario.with_directives(report.directives))
    return _Explored(
        report.schedules, report.cut, report.steps, report.signature, report.promise, failing
    )


# --- a process of the pool -------------------------------------------------------------------

_OWN: Final[dict[str, Any]] = {}


def _begin(bounds: Bounds) -> None:
    _OWN["machine"] = Machine()
    _OWN["bounds"] = bounds


def _parcel(parcel: list[str]) -> list[_Explored]:
    return [_explore(_OWN["machine"], parse(text), _OWN["bounds"]) for text in parcel]
