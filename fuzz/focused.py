# SPDX-License-Identifier: MIT
"""A search that keeps to scenarios which pass given sites: what a changed function needs.

`python -m fuzz.focused` is a process of its own, so that two models can be asked alike: a request
as JSON on stdin, an answer on stdout (`Request`, `Answer`).

Contract: first the given scenarios run as they are, without known bugs; then mutants of those that
have passed a site of the focus, each under its own directives and some strategies, so many runs.
The same request gives the same answer from the same model. `sample` counts in the interpreted model
how often functions and their lines ran, in scenarios of the pool; a compiled one cannot say.

It does not minimize, and keeps the shortest scenario of each signature.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from corpus.text import dump, parse
from fuzz.codec import decode, encode
from fuzz.explore import Explorer, Listener
from fuzz.inflight import Slot
from fuzz.mutate import mutate
from fuzz.rng import Rng
from simulator.build import build_id, mode
from simulator.ops import BY_NUMBER
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.scenario import Scenario

MAX_POOL: Final = 2_000  # scenarios that mutants are made of
SAMPLE: Final = 60  # scenarios that run with every line counted
MAX_OPS: Final = 64  # what the byte codec holds; longer ones run, but no mutants are made of them


@dataclass(slots=True)
class Request:
    """`focus` are sites; `sample` the functions to count, by file and name; `runs` how many
    runs of mutants."""

    scenarios: list[str]
    focus: list[str]
    runs: int = 0
    seed: int = 1
    kernel: str = ""
    sample: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """`signatures` have a scenario that fails each, with the promise; `seen` and `left` how often
    sites of the focus were passed, and an actor was preempted there; `functions` how often each
    was called in the sample, `lines` which of its lines ran, and how many it has; `together`
    in how many scenarios of the pool an op stands."""

    build_id: str
    mode: str
    runs: int = 0
    passed: int = 0  # scenarios of the pool: that came by the focus
    signatures: dict[str, tuple[str, str]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    lines: dict[str, tuple[int, int]] = field(default_factory=dict)
    together: dict[str, int] = field(default_factory=dict)


class _Found(Listener):
    """Keeps the shortest scenario of every signature."""

    def __init__(self) -> None:
        self.signatures: dict[str, tuple[str, str]] = {}

    def violated(self, recorded: Scenario, outcome: Outcome) -> None:
        assert outcome.violation is not None
        name, text = str(outcome.violation.signature), dump(recorded)
        before = self.signatures.get(name)
        if before is None or (len(text), text) < (len(before[0]), before[0]):
            self.signatures[name] = text, outcome.violation.promise


def search(request: Request) -> Answer:
    """Do what is asked."""
    answer = Answer(build_id(), mode())
    machine = Machine()
    found = _Found()
    given = [_bare(parse(text), request.kernel) for text in request.scenarios]
    pool: list[Scenario] = []
    with tempfile.TemporaryDirectory() as folder:
        explorer = Explorer(
            machine, Slot(Path(folder, "in-flight")), found, request.seed, (), request.kernel
        )
        for scenario in given:
            if _passes(machine, request.focus, lambda s=scenario: explorer.run(s)):  # type: ignore[misc]
                pool.append(scenario)
        _mutants(explorer, request, pool or given)
    answer.runs = int(explorer.executions)
    answer.passed = len(pool)
    answer.signatures = found.signatures
    seen, left = machine.sites_seen(), machine.sites_left()
    answer.seen = {site: seen.get(site, 0) for site in request.focus}
    answer.left = {site: left.get(site, 0) for site in request.focus}
    for scenario in pool:
        for op in {op.code for op in scenario.ops}:
            name = BY_NUMBER[op].name
            answer.together[name] = answer.together.get(name, 0) + 1
    if request.sample and answer.mode == "interpreted":
        _count(machine, pool or given, request.sample, answer)
    return answer


def _bare(scenario: Scenario, kernel: str) -> Scenario:
    """The scenario on the model that is asked for."""
    return replace(scenario, config=replace(scenario.config, bugs=(), kernel=kernel), headers=())


def _passes(machine: Machine, focus: list[str], run: Callable[[], object]) -> bool:
    before = _visits(machine, focus)
    run()
    return not focus or _visits(machine, focus) > before


def _visits(machine: Machine, focus: list[str]) -> int:
    seen = machine.sites_seen()
    return sum(seen.get(site, 0) for site in focus)


def _mutants(explorer: Explorer, request: Request, pool: list[Scenario]) -> None:
    rng = Rng(request.seed)
    small = [s for s in pool if len(s.ops) <= MAX_OPS and s.config.pmd_order != 9]
    until = explorer.executions + request.runs
    while small and explorer.executions < until:
        base, donor = rng.pick(small), rng.pick(small)
        # What a mutant is, its bytes are: the rest of the fuzzer makes the same of them.
        made = decode(encode(mutate(base, rng, donor, explorer.portfolio.hints)))
        passes = _passes(explorer.machine, request.focus, lambda m=made: explorer.explore(m))  # type: ignore[misc]
        new = explorer.queue
        if passes and new:
            small += [decode(encode(each)) for each in new]
            del small[:-MAX_POOL]
        explorer.queue.clear()


# --- lines, in the interpreted model --------------------------------------------------------------


def _count(
    machine: Machine, pool: list[Scenario], sample: list[tuple[str, str]], answer: Answer
) -> None:
    """Run some scenarios with calls and lines of the sampled functions counted. Greenlets each
    have a trace function of their own, so the calls are counted where threads and greenlets
    begin: by a trace function that is set again on every switch."""
    import greenlet

    wanted = set(sample)
    lines: dict[str, set[int]] = {name: set() for _, name in sample}
    total: dict[str, int] = {}

    def traced(frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        if event != "call" or not any(
            code.co_name == name and code.co_filename.endswith(file) for file, name in wanted
        ):
            return None
        name = code.co_name
        answer.functions[name] = answer.functions.get(name, 0) + 1
        total[name] = len(_lines(code))

        def line(frame: FrameType, event: str, argument: object) -> Any:
            lines[name].add(frame.f_lineno)
            return line

        return line

    def switched(event: str, arguments: object) -> None:
        sys.settrace(traced)

    for _, name in sample:
        answer.functions[name] = 0
    previous = greenlet.settrace(switched)
    sys.settrace(traced)
    try:
        for scenario in _spread(pool):
            machine.run(scenario)
    finally:
        sys.settrace(None)
        greenlet.settrace(previous)
    for _, name in sample:
        answer.lines[name] = len(lines[name]), total.get(name, 0)


def _lines(code: CodeType) -> set[int]:
    """The lines of a function that can run, but that of its `def`."""
    there = {line for _, _, line in code.co_lines() if line is not None}
    return there - {code.co_firstlineno}


def _spread(pool: list[Scenario]) -> Iterator[Scenario]:
    """So many of the pool, from all of its parts."""
    step = max(1, len(pool) // SAMPLE)
    yield from pool[::step][:SAMPLE]


def main() -> int:
    raw = json.load(sys.stdin)
    raw["sample"] = [(file, name) for file, name in raw["sample"]]
    json.dump(asdict(search(Request(**raw))), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
