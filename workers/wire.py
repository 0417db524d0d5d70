# SPDX-License-Identifier: MIT
"""Outcomes as JSON: what a replaying process answers, and what the store keeps as a trace.

Contract: `outcome_from_json(outcome_to_json(x)) == x`. `outcome_from_json` raises `WireError`
for anything else, because the other side may be another version or a process that was killed.

It does not promise to be read by people or scripts: `mmfarm replay --json` is for those.
"""

from typing import Any

from simulator.outcome import Outcome, Signature, TraceEvent, Violation
from simulator.scenario import Directive


class WireError(Exception):
    """The JSON is not an outcome."""


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    violation = outcome.violation
    return {
        "violation": None
        if violation is None
        else {
            "oracle": violation.signature.oracle,
            "culprit": violation.signature.culprit,
            "object_class": violation.signature.object_class,
            "promise": violation.promise,
            "uid": violation.uid,
            "step": violation.step,
        },
        "digest": outcome.digest,
        "steps": outcome.steps,
        "results": list(outcome.results),
        "dead": [_directive_to_json(d) for d in outcome.dead],
        "recorded": [_directive_to_json(d) for d in outcome.recorded],
        "trace": [[e.step, e.actor, e.cpu, e.uid, e.site, e.calls, e.text] for e in outcome.trace],
        "state_before": outcome.state_before,
        "state_after": outcome.state_after,
    }


def outcome_from_json(data: Any) -> Outcome:
    try:
        return Outcome(
            violation=None if data["violation"] is None else _violation(data["violation"]),
            digest=str(data["digest"]),
            steps=int(data["steps"]),
            results=[int(value) for value in data["results"]],
            dead=[_directive(d) for d in data["dead"]],
            recorded=[_directive(d) for d in data["recorded"]],
            trace=[_event(e) for e in data["trace"]],
            state_before=str(data["state_before"]),
            state_after=str(data["state_after"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"not an outcome: {type(error).__name__}: {error}") from error


def _violation(data: Any) -> Violation:
    return Violation(
        signature=Signature(
            oracle=str(data["oracle"]),
            culprit=str(data["culprit"]),
            object_class=str(data["object_class"]),
        ),
        promise=str(data["promise"]),
        uid=int(data["uid"]),
        step=int(data["step"]),
    )


def _event(data: Any) -> TraceEvent:
    step, actor, cpu, uid, site, calls, text = data
    return TraceEvent(
        step=int(step),
        actor=int(actor),
        cpu=int(cpu),
        uid=int(uid),
        site=str(site),
        calls=tuple((int(number), str(function)) for number, function in calls),
        text=str(text),
    )


def _directive_to_json(directive: Directive) -> list[Any]:
    return [directive.uid, directive.site, directive.visit, directive.kind, directive.arg]


def _directive(data: Any) -> Directive:
    uid, site, visit, kind, arg = data
    return Directive(uid=int(uid), site=str(site), visit=int(visit), kind=int(kind), arg=int(arg))
