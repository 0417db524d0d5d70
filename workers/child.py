# SPDX-License-Identifier: MIT
"""`python -m workers.child`: runs the model on one scenario, in a process of its own.

Contract: reads one JSON request from stdin, writes BEGUN in a line of its own before the model
runs and one JSON answer after it, exits 0. Any other end is the model's fault after BEGUN, and
that of the infrastructure before. It knows no store and no broker, and puts limits on itself before
it parses the scenario; `workers.isolated` is the only caller.

    {"do": "replay", "text"}                 -> {"build_id", "outcome"}
    {"do": "minimize", "text", "signature"}  -> {"build_id", "text", "certificate", "side_finds"}
        and before it, in lines of their own, {"best": finding}: ever simpler scenarios
    {"do": "alone", "text"}                  -> {"build_id"}

Each request also says its `supervisor`, without whom there is nobody to answer, and how many
`cpu_seconds` it may take.
"""

import ctypes
import json
import math
import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from corpus.text import dump, parse
from fuzz.confine import confine, limit_cpu
from fuzz.findings import Finding
from simulator.build import build_id, mode
from simulator.outcome import Signature
from simulator.run import Machine
from simulator.scenario import Scenario
from workers.records import CUT_OFF
from workers.wire import outcome_to_json

BEGUN: Final = "begun"
TELL_SECONDS: Final = 1.0  # of minimizing that may be lost
CPU_SECONDS: Final = 300  # until the request says how many: above all of `workers.isolated`
RSS_LIMIT_MIB: Final = 1024  # as much as a slice gets by default
# The interpreted model does about that much less in the minimizer's time.
INTERPRETED_SLOWDOWN: Final = 20
# A livelock takes 100,000 steps and more, all the same; what counts is how a run ended. Replay
# the scenario for more.
MAX_TRACE_EVENTS: Final = 10_000
PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def main() -> int:
    confine(cpu_seconds=CPU_SECONDS, rss_limit_mib=RSS_LIMIT_MIB)
    request = json.load(sys.stdin)
    # Nobody would read the answer of a child whose supervisor was killed.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != request["supervisor"]:
        return 3
    limit_cpu(int(request["cpu_seconds"]))
    work = {"replay": _replay, "minimize": _minimize, "alone": _alone}[request["do"]]
    parse(request["text"])  # a text that is none is not the model's fault
    print(BEGUN, flush=True)
    answer = work(request)
    answer["build_id"] = build_id()
    json.dump(answer, sys.stdout)
    return 0


def _replay(request: dict[str, Any]) -> dict[str, Any]:
    outcome = Machine().run(parse(request["text"]), trace=True)
    del outcome.trace[:-MAX_TRACE_EVENTS]
    return {"outcome": outcome_to_json(outcome)}


def _alone(request: dict[str, Any]) -> dict[str, Any]:
    Machine().run(parse(request["text"]))
    return {}


def _minimize(request: dict[str, Any]) -> dict[str, Any]:
    # Late: a replay should not pay for loading the minimizer.
    from fuzz.minimize import DEFAULT_BUDGET, minimize

    scenario = parse(request["text"])
    scenario = replace(
        scenario, headers=tuple(h for h in scenario.headers if h[0] in ("expect", "origin"))
    )
    budget = DEFAULT_BUDGET if mode() == "compiled" else DEFAULT_BUDGET // INTERPRETED_SLOWDOWN
    machine = Machine()
    witness = Machine()  # the other one is in the middle of something
    last_told = -math.inf

    def improved(best: Scenario) -> None:
        nonlocal last_told
        if time.monotonic() - last_told >= TELL_SECONDS:
            last_told = time.monotonic()
            print(json.dumps({"best": _finding(witness, best, CUT_OFF).to_json()}), flush=True)

    small = minimize(scenario, Signature(**request["signature"]), machine, budget, improved)
    side_finds, lost = _told(machine, small.side_finds)
    return {
        "text": dump(small.scenario),
        "certificate": json.loads(small.certificate.to_json()),
        "side_finds": side_finds,
        "lost": lost,
    }


def _told(machine: Machine, sides: Iterable[Scenario]) -> tuple[list[str], list[str]]:
    """Side finds as the farm takes them, and what is wrong with those that it could not: they must
    not take the result with them."""
    told, lost = [], []
    for side in sides:
        try:
            told.append(_finding(machine, side).to_json())
        except Exception as error:
            lost.append(f"side find lost: {type(error).__name__}: {error}")
    return told, lost


def _finding(machine: Machine, scenario: Scenario, origin: str = "minimize") -> Finding:
    """What a scenario shows that the minimizer has just seen fail."""
    outcome = machine.run(scenario)
    violation = outcome.violation
    if violation is None:
        raise RuntimeError(f"a side find of the minimizer does not fail:\n{dump(scenario)}")
    signature = violation.signature
    return Finding(
        oracle=signature.oracle,
        culprit=signature.culprit,
        object_class=signature.object_class,
        promise=violation.promise,
        text=dump(scenario),
        digest=outcome.digest,
        build_id=build_id(),
        steps=outcome.steps,
        origin=origin,
    )


if __name__ == "__main__":
    sys.exit(main())
