# SPDX-License-Identifier: MIT
"""Everything a kernel developer wants to see of one failure, as a value and as text and JSON.

Contract: `explain()` runs the scenario once with a trace and returns an Explanation, or None
when it passes. Deterministic: the same scenario on the same model build gives the same bytes.
It does not promise that the culprit is the line to fix, nor that the likeness to a known bug
is more than a likeness.
"""

import difflib
import re
import shlex
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from corpus.text import dump
from simulator.build import build_id, mode
from simulator.outcome import Outcome, Violation
from simulator.scenario import Scenario
from triage import results, terminal
from triage.diagram import lay_out
from triage.fitting import WIDTH, Diagram, render
from triage.known import Likeness, looks_like
from triage.terminal import BAD, BOLD, fields
from triage.traced import traced

CONTEXT_LINES: Final = 4  # around a change of state: the VMA that a page belongs to
FREE_LOCK: Final = re.compile(r" *(\w+(?: of [a-z ]+)? \d+): free")  # simulator/dump.py
FIELD_WIDTH: Final = WIDTH - 12  # beside the names of the fields


@dataclass(frozen=True, slots=True)
class Explanation:
    """One failure: what ran, what broke, how it looks. `replay` is the command line."""

    scenario: Scenario
    outcome: Outcome
    violation: Violation
    diagram: Diagram
    known: tuple[Likeness, ...]
    replay: str

    @property
    def title(self) -> str:
        headers = dict(self.scenario.headers)
        return headers.get("title", f"{self.violation.signature}")


def explain(scenario: Scenario, file: str) -> Explanation | None:
    """Run `scenario`, which stands in `file`, and explain its violation."""
    outcome = traced(scenario)
    violation = outcome.violation
    if violation is None:
        return None
    return Explanation(
        scenario,
        outcome,
        violation,
        lay_out(scenario, outcome),
        looks_like(violation.signature),
        f"mmfarm replay {shlex.quote(file)}",
    )


def known_lines(explanation: Explanation) -> list[str]:
    """One sentence for each known bug that is in the scenario or that it looks like."""
    lines = [
        f"{like.bug.id}: {like.bug.title} ({like.bug.commit})"
        + ("" if like.exact else " [same oracle and culprit, another object]")
        for like in explanation.known
    ]
    return lines or ["none of the known bugs"]


def to_text(explanation: Explanation, style: Callable[[str, str], str] = terminal.plain) -> str:
    """The drawing, the state before and after, and what to do next; `style` is
    `terminal.paint` where colour may be used."""
    violation = explanation.violation
    outcome = explanation.outcome
    where = f"op {violation.uid}" if violation.uid else "the End"
    drawn = explanation.diagram
    parts = [style(explanation.title, BOLD), render(drawn)]
    if drawn.drawn < drawn.steps:
        parts[-1] += f"\n\n({drawn.drawn} of {drawn.steps} steps drawn)"
    title, state = state_change(explanation)
    parts.append(f"{style(title, BOLD)}\n{state}")
    pairs = [
        ("broken", style(textwrap.fill(violation.promise, FIELD_WIDTH), BAD)),
        ("signature", f"{violation.signature}"),
        ("noticed", f"in {where}, step {violation.step}"),
    ]
    if explanation.scenario.config.bugs:
        pairs.append(("asked for", "bug=" + ",".join(explanation.scenario.config.bugs)))
    pairs += [
        (
            "looks like",
            "\n".join(textwrap.fill(line, FIELD_WIDTH) for line in known_lines(explanation)),
        ),
        ("digest", f"{outcome.digest} ({mode()} model {build_id()[: results.SHORT_BUILD]})"),
        ("replay", explanation.replay),
        ("every step", f"{explanation.replay} --trace"),
    ]
    parts.append(fields(pairs))
    return "\n\n".join(parts) + "\n"


def to_json(explanation: Explanation) -> dict[str, object]:
    """The explanation as data; `rows` are the drawing's lines, `diagram` is it as text."""
    drawn = explanation.diagram
    return results.outcome_json(explanation.scenario, explanation.outcome) | {
        "title": explanation.title,
        "scenario": dump(explanation.scenario),
        "diagram": render(drawn),
        "columns": [{"cpu": c.cpu, "title": c.title} for c in drawn.columns],
        "rows": [
            {
                "step": row.step,
                "column": row.column,
                "indent": row.indent,
                "kind": row.kind,
                "text": row.text,
            }
            for row in drawn.rows
        ],
        "state_before": explanation.outcome.state_before,
        "state_after": explanation.outcome.state_after,
        "looks_like": [
            {
                "id": like.bug.id,
                "title": like.bug.title,
                "commit": like.bug.commit,
                "exact": like.exact,
            }
            for like in explanation.known
        ],
        "replay": explanation.replay,
    }


def state_change(explanation: Explanation) -> tuple[str, str]:
    """A heading, and the state before and after as one diff with the lines around each
    change; without locks that are free and not named in the drawing. There is no before where
    nobody came in between."""
    outcome = explanation.outcome
    drawn = render(explanation.diagram)
    before = _without_free_locks(outcome.state_before, drawn)
    after = _without_free_locks(outcome.state_after, drawn)
    if not before or before == after:
        title = "State before and after" if before else "State"
        return title, "\n".join(_state_line(f"  {line}") for line in after)
    lines = list(difflib.unified_diff(before, after, n=CONTEXT_LINES, lineterm=""))[2:]
    if lines[0].startswith("@@ -1"):
        del lines[0]
    return "State before (-) and after (+)", "\n".join(
        "  ..." if line.startswith("@@") else _state_line(f"{line[0]} {line[1:]}") for line in lines
    )


def _without_free_locks(state: str, drawn: str) -> list[str]:
    words = " ".join(drawn.split())  # names may stand in two lines
    return [
        line
        for line in state.splitlines()
        if not (free := FREE_LOCK.match(line)) or free[1] in words
    ]


def _state_line(line: str) -> str:
    """A line of the state, in as many lines as it takes."""
    indent = len(line) - len(line[1:].lstrip()) + 2
    return textwrap.fill(
        line, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False, drop_whitespace=True
    )
