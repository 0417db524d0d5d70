# SPDX-License-Identifier: MIT
"""Runs a scenario for people: with its trace, and with the calls that each event stands in.

Contract: `traced(scenario)` is `Machine().run(scenario, trace=True)` of the interpreted model,
which alone knows the calls (simulator/calls.py). Where this process runs the compiled one, it asks
a process of its own; both run the same sources, and the digests are compared. Raises TraceError
when that process fails, or when the two did not do the same.

`python -m triage.traced` is that process: a scenario on stdin, an outcome as JSON on stdout.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import triage
from corpus.text import dump, parse
from simulator.build import VARIABLE, build_id, mode
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.scenario import Scenario
from workers.wire import outcome_from_json, outcome_to_json

LIMIT_SECONDS: Final = 300.0  # a run is bounded by steps; the longest takes some seconds


class TraceError(Exception):
    """There is no trace; the text says why."""


def traced(scenario: Scenario) -> Outcome:
    """The outcome of a valid scenario, with its trace."""
    if mode() == "interpreted":
        return Machine().run(scenario, trace=True)
    environment = os.environ | {
        VARIABLE: "interpreted",
        "PYTHONPATH": str(Path(triage.__file__).resolve().parents[1]),
    }
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", "triage.traced"],
            input=dump(scenario),
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TraceError(f"no trace: {error}") from error
    if child.returncode:
        said = child.stderr.strip().rpartition("\n")[2]
        raise TraceError(f"no trace: the tracing process ended with {child.returncode}: {said}")
    answer = json.loads(child.stdout)
    if answer["build_id"] != build_id():
        raise TraceError("no trace: the model's sources have changed since this process began")
    outcome = outcome_from_json(answer["outcome"])
    here = Machine().run(scenario)
    if here.digest != outcome.digest:
        where = first_difference(Machine().run(scenario, trace=True), outcome)
        raise TraceError(f"compiled and interpreted model differ, an error of mmfarm: {where}")
    return outcome


def first_difference(compiled: Outcome, interpreted: Outcome) -> str:
    """Where two runs of one scenario part, by their traces."""
    for one, other in zip(compiled.trace, interpreted.trace, strict=False):
        if (one.step, one.actor, one.site, one.text) != (
            other.step,
            other.actor,
            other.site,
            other.text,
        ):
            return (
                f"at step {one.step} the compiled one is at {one.site} ({one.text or 'nothing'}), "
                f"at step {other.step} the interpreted one at {other.site} "
                f"({other.text or 'nothing'})"
            )
    return f"after {min(len(compiled.trace), len(interpreted.trace))} equal events"


def main() -> int:
    outcome = Machine().run(parse(sys.stdin.read()), trace=True)
    json.dump({"build_id": build_id(), "outcome": outcome_to_json(outcome)}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
