# SPDX-License-Identifier: MIT
"""One run of one scenario, as JSON and as text.

Contract: the JSON keys `outcome`, `signature`, `digest`, `steps`, `results` are relied upon by
scripts and do not change; `results[i]` belongs to the i-th op of the file and is a number, or
the name of an errno or signal.
"""

from typing import Final

from corpus.text import print_directive
from simulator.build import build_id, mode
from simulator.outcome import Outcome, Signature, result_name
from simulator.scenario import ACTOR_NAMES, Scenario
from triage.diagram import op_texts
from triage.steps import steps_of
from triage.terminal import BAD, BOLD, GOOD, fields, paint, table

SHORT_BUILD: Final = 12  # hex digits of a build id that people see; the JSON has all 64


def signature_json(signature: Signature) -> dict[str, str]:
    return {
        "oracle": signature.oracle,
        "culprit": signature.culprit,
        "object_class": signature.object_class,
    }


def outcome_json(scenario: Scenario, outcome: Outcome) -> dict[str, object]:
    """Everything that scripts may want to know about a run."""
    violation = outcome.violation
    return {
        "outcome": outcome.kind,
        "signature": signature_json(violation.signature) if violation else None,
        "promise": violation.promise if violation else None,
        "uid": violation.uid if violation else None,
        "violation_step": violation.step if violation else None,
        "digest": outcome.digest,
        "steps": outcome.steps,
        "results": [result_name(value) for value in outcome.results],
        "dead": directive_lines(outcome),
        "mode": mode(),
        "build_id": build_id(),
    }


def trace_json(outcome: Outcome) -> list[dict[str, object]]:
    return [
        {
            "step": e.step,
            "actor": ACTOR_NAMES[e.actor],
            "cpu": e.cpu,
            "uid": e.uid,
            "site": e.site,
            "calls": [function for _, function in e.calls],
            "text": e.text,
        }
        for e in outcome.trace
    ]


def directive_lines(outcome: Outcome) -> list[str]:
    """The dead directives as they stand in the text."""
    return [print_directive(directive) for directive in outcome.dead]


def outcome_text(scenario: Scenario, outcome: Outcome) -> str:
    """The ops with their results, then what came of the run."""
    texts = op_texts(scenario)
    rows = [
        (str(op.uid).rjust(4), ACTOR_NAMES[op.actor], texts[op.uid], str(result_name(value)))
        for op, value in zip(scenario.ops, outcome.results, strict=True)
    ]
    violation = outcome.violation
    if violation is None:
        lines = [("outcome", paint("clean", GOOD))]
    else:
        where = f"op {violation.uid}" if violation.uid else "the End"
        lines = [
            ("outcome", paint("violation", BAD)),
            ("signature", paint(str(violation.signature), BOLD)),
            ("promise", violation.promise),
            ("noticed", f"in {where}, step {violation.step}"),
        ]
    lines.append(("steps", str(outcome.steps)))
    lines.append(("digest", f"{outcome.digest} ({mode()} model {build_id()[:SHORT_BUILD]})"))
    lines.extend(("dead", line) for line in directive_lines(outcome))
    return f"{table(rows)}\n\n{fields(lines)}" if rows else fields(lines)


def trace_text(outcome: Outcome) -> str:
    """Every step: CPU, actor, op, the site indented by call depth, and what it touches."""
    rows = [
        (
            str(s.step).rjust(6),
            f"CPU{s.cpu}",
            ACTOR_NAMES[s.actor],
            f"op {s.uid}" if s.uid else "End",
            f"{'  ' * max(len(s.calls) - 1, 0)}{s.function}:{s.label.replace(' ', '_')}",
            ("write " if s.writes else "read ") + s.thing if s.thing else "",
            "; ".join([note.text for note in s.notes] + [f"-> {s.to}"] * bool(s.to)),
        )
        for s in steps_of(outcome.trace)
    ]
    return table(rows)
