# SPDX-License-Identifier: MIT
"""Certificates: every single simplification of a minimized scenario, and that it fails no
more.

Contract: a `Certificate` lists, for its text, each step of `fuzz.minimizing.edits.steps` that
would make it simpler, with the verdict of one run: "clean", "invalid", or another signature.
`check_certificate` needs only the certificate and a machine: it makes the list itself, runs
every step, and reports each difference; an empty list means that the certificate holds.

`searches` says, for the steps after which the schedule was also searched anew, how many
schedules were tried in vain; checking repeats them.

It does not promise a global minimum: two steps at once may still fail.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final

from corpus import text
from fuzz.minimizing.edits import Step, apply, steps
from fuzz.minimizing.judge import SAME, Judge
from fuzz.minimizing.order import cost
from simulator import build
from simulator.run import Machine
from simulator.scenario import Scenario

# A check runs each step once; more than this many is not a minimized scenario.
MAX_CHECK_EXECUTIONS: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Tried:
    """One step, the verdict of the run after it, and the schedules searched in vain with
    the largest number of deviations among them (0, 0: no search)."""

    step: Step
    verdict: str
    searched: int = 0
    bound: int = 0


@dataclass(frozen=True, slots=True)
class Certificate:
    """`complete` is False where the budget ended before all steps had been tried."""

    text: str
    signature: str
    build_id: str
    tried: tuple[Tried, ...]
    complete: bool

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(data: str | bytes) -> "Certificate":
        """The certificate that `to_json` printed. Raises ValueError for anything else."""
        raw = json.loads(data)
        try:
            tried = tuple(
                Tried(tuple(t["step"]), t["verdict"], t["searched"], t["bound"])
                for t in raw.pop("tried")
            )
            return Certificate(**raw, tried=tried)
        except (TypeError, KeyError, AttributeError) as e:
            raise ValueError(f"not a certificate: {e}") from e


def simpler(scenario: Scenario) -> list[tuple[Step, Scenario]]:
    """Each step that makes the scenario simpler, with what it makes; also those after which
    fewer directives may do."""
    here = cost(scenario)
    return [
        (step, candidate)
        for step in dict.fromkeys(steps(scenario))  # two ways may lead to one step
        if cost(candidate := apply(scenario, step)) < here
        or (step[0] in ("move-op", "park-instead") and scenario.directives)
    ]


def check_certificate(certificate: Certificate, machine: Machine) -> list[str]:
    """What is wrong with a certificate; nothing if it holds on this build of the model."""
    problems = []
    if certificate.build_id != build.build_id():
        problems.append("made by another build of the model: minimize again")
    if not certificate.complete:
        problems.append("not complete: the budget ended first; minimize with a larger one")
    try:
        scenario = text.parse(certificate.text)
    except text.TextError as e:
        return [*problems, f"the text is no scenario: {e}"]
    violation = machine.run(scenario).violation
    if violation is None or str(violation.signature) != certificate.signature:
        return [*problems, f"the text does not fail with {certificate.signature}"]
    judge = Judge(machine, violation.signature, MAX_CHECK_EXECUTIONS)
    listed = {t.step: t for t in certificate.tried}
    for step, candidate in simpler(scenario):
        shown = " ".join(map(str, step))
        entry = listed.pop(step, None)
        if entry is None:
            problems.append(f"not tried: {shown}")
            continue
        verdict = judge.verdict(candidate)
        if verdict == SAME and cost(candidate) < cost(scenario):
            problems.append(f"still fails after: {shown}")
        elif verdict != entry.verdict:
            problems.append(f"{shown}: {verdict}, and not {entry.verdict}")
        if entry.bound and judge.reschedule(candidate, entry.bound, entry.searched) is not None:
            problems.append(f"still fails under another schedule after: {shown}")
    problems += [f"no simplification: {' '.join(map(str, step))}" for step in listed]
    return problems
