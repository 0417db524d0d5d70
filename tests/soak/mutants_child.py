# SPDX-License-Identifier: MIT
"""The half of tests/soak/mutants.py that runs inside a copy of the project.

`cover` prints, in an instrumented copy, the statements that the collection runs. `run SEED
SECONDS SCENARIOS` answers, in a copy with mutants, each number that it reads by a JSON line: what
became of the mutant of that number. Each runs in a fork of its own, which may end as it likes.
"""

import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from corpus.files import KNOWN_BUGS, SCENARIOS, mm_files
from corpus.text import load
from fuzz.engine import plain
from fuzz.generate import generate
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from fuzz.session import Session
from simulator.build import mode
from simulator.run import Machine  # first: it loads the model in an order that works
from simulator.scenario import Scenario
from simulator.task import Planned

SCHEDULES: Final = 4  # of each generated scenario
MAX_OPS: Final = 48
HANG_SECONDS: Final = 120  # past a mutant's time; it hangs in a loop without a step then
MEMORY_BYTES: Final = 4 << 30  # for a mutant whose lists grow without end
Runs = list[tuple[Scenario, str]]  # with the directives of their schedules, and their digests


def collection() -> list[Scenario]:
    return [load(path) for path in mm_files([KNOWN_BUGS, SCENARIOS])]


def cover() -> None:
    machine = Machine()
    for scenario in collection():
        machine.run(scenario)
    print(json.dumps(sorted(importlib.import_module("simulator.cover").HIT)))


def base_runs(seed: int, count: int) -> Runs:
    """What the right model does: under the collection, and `count` generated scenarios."""
    machine = Machine()
    runs = [(scenario, machine.run(scenario).digest) for scenario in collection()]
    rng = Rng(seed)
    portfolio = Portfolio(seed)
    for _ in range(count):
        scenario = generate(rng, MAX_OPS)
        decided: list[Planned] | None = None
        for _ in range(SCHEDULES):
            outcome = machine.run(scenario, portfolio.next(scenario, decided))
            decided = machine.decided
            directed = scenario.with_directives(tuple(outcome.recorded))
            runs.append((directed, outcome.digest))
    return runs


def supervised(number: int, runs: Runs, seconds: float, seed: int) -> dict[str, Any]:
    """What becomes of a mutant, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        pid = os.fork()
        if pid == 0:
            in_fork(number, runs, seconds, seed, answer)
        deadline = time.monotonic() + seconds + HANG_SECONDS
        while not os.waitpid(pid, os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return {"verdict": "hung"}
            time.sleep(0.02)
        if not answer.exists():
            return {"verdict": "died"}
        said: dict[str, Any] = json.loads(answer.read_text())
        return said


def in_fork(number: int, runs: Runs, seconds: float, seed: int, answer: Path) -> None:
    """Never returns."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        importlib.import_module("simulator.mutant").SWITCH.on = number
        verdict = {"verdict": "equivalent"} if same(runs) else fuzzed(seconds, seed)
        new = answer.with_suffix(".new")
        new.write_text(json.dumps(verdict))
        new.rename(answer)
    finally:
        os._exit(0)


def same(runs: Runs) -> bool:
    """Whether the mutant does what the right model does."""
    machine = Machine()
    try:
        return all(machine.run(scenario).digest == digest for scenario, digest in runs)
    except Exception:  # of the mutant; fuzzing says which
        return False


def fuzzed(seconds: float, seed: int) -> dict[str, Any]:
    """What fuzzing from nothing says of the mutant that is on."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(
            Machine,
            seed=seed,
            bugs=(),
            seconds=seconds,
            work=Path(folder),
            engine=plain.NAME,
            mode=mode(),
        )
        plain.run(session, seed=seed, rss_limit_mib=0)
    errors = session.statistics.internal_errors
    found = list(session.findings.values())
    return {
        "verdict": "found" if found else "exception" if errors else "silent",
        "signatures": [str(finding.signature) for finding in found],
        "culprit": found[0].culprit if found else "",
        "promise": found[0].promise if found else "",
        "first": session.statistics.first_find_executions,
        "executions": session.statistics.executions,
        "errors": [f"{error.kind}: {error.detail}" for error in errors[:3]],
    }


def main() -> None:
    if sys.argv[1] == "cover":
        cover()
        return
    seed, seconds, scenarios = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    runs = base_runs(seed, scenarios)
    for line in sys.stdin:
        print(json.dumps(supervised(int(line), runs, seconds, seed)), flush=True)


if __name__ == "__main__":
    main()
