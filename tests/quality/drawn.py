# SPDX-License-Identifier: MIT
"""Drawings of known bugs, and what a witness has to say of them; as JSON, for the tests.

`python -m tests.quality.drawn`, with the interpreted model, for only it can be watched from
outside. One process for all: loading the model costs more than the runs.
"""

import difflib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final

from corpus.files import KNOWN_BUGS
from corpus.text import load
from simulator.outcome import Outcome, Signature, result_name
from simulator.run import Machine
from simulator.scenario import Scenario
from simulator.sched import core
from simulator.sites import BY_NAME
from simulator.state import Kernel
from tests.quality.facts import FACTS
from tests.quality.witness import Witness, witnessed
from triage.diagram import lay_out, op_texts
from triage.fitting import Diagram, Row, render

MOST_OTHERS: Final = 5  # failures of a race that are looked at
TIMES: Final = re.compile(r" \((\d+) times\)$")
CALLED: Final = re.compile(r"(\w+)\(\)(?:: (.*))?")
COMES_IN: Final = re.compile(r"\[(\w+) comes in; to come: (.*)\]")


@dataclass(frozen=True)
class Line:
    """A drawn line: by whom, inside of which function, and what."""

    actor: str
    function: str
    text: str


@dataclass(frozen=True)
class Drawn:
    """The drawing of one bug, and what is wrong with it."""

    text: str
    lines: list[Line]
    promise: str
    complaints: list[str]
    others: int  # failures that the same race has, too
    unlike: list[str]  # what is drawn otherwise of the race when one of those is shown


def lines_of(diagram: Diagram) -> list[Line]:
    """Each row with the function that it stands below."""
    lines = []
    open_calls: dict[int, list[Row]] = {}
    for row in diagram.rows:
        title = diagram.columns[row.column].title
        actor = title.partition("(")[2].rstrip(")").split()[0].rstrip(",")
        stack = open_calls.setdefault(row.column, [])
        while stack and stack[-1].indent >= row.indent:
            stack.pop()
        called = CALLED.fullmatch(row.text) if row.kind in ("call", "step") else None
        function = stack[-1].text.removesuffix("()") if stack else ""
        text = row.text
        if called:
            function, text = called[1], called[2] or ""
            if row.kind == "call":
                stack.append(row)
        lines.append(Line(actor, function, text))
    return lines


def held_against(
    scenario: Scenario, outcome: Outcome, diagram: Diagram, witness: Witness
) -> list[str]:
    """Drawn lines that the witness has not seen told, at that step, in that function."""
    wrong = []
    texts = op_texts(scenario)
    told: dict[str, int] = {}
    for _, text in witness.told:
        told[re.sub(r"\d+", "#", text)] = told.get(re.sub(r"\d+", "#", text), 0) + 1
    for row, line in zip(diagram.rows, lines_of(diagram), strict=True):
        text = TIMES.sub("", line.text)
        came_in = COMES_IN.fullmatch(text)
        if row.kind == "violation":
            assert outcome.violation is not None
            right = outcome.violation.signature.oracle in text
        elif row.kind == "op":
            right = _op_is_so(row, texts, witness) or _more_rounds(text, told)
        elif came_in:
            right = (row.step, f"-> {came_in[1]}") in witness.told and any(
                site.partition(":")[2].replace("_", " ") == came_in[2] for site in BY_NAME
            )
        else:
            right = not text or (row.step, text) in witness.told
        if line.function and row.kind != "violation":
            right = right and (row.step, line.function) in witness.functions
        if not right:
            wrong.append(f"drawn and not so: {row.text}")
    return wrong


def _op_is_so(row: Row, texts: dict[int, str], witness: Witness) -> bool:
    """An op that began, with what it returned; or that it returned."""
    text = re.sub(r"^\w+: ", "", row.text)
    if text in texts.values() or text == "goes on":
        return True
    if text.startswith("returns "):
        return any(str(result_name(r)) == text[8:] for r in witness.results.values())
    return any(
        text == f"{op} = {result_name(witness.results[uid])}"
        for uid, op in texts.items()
        if uid in witness.results
    )


def _more_rounds(text: str, told: dict[str, int]) -> bool:
    """So many rounds are left out of what was told more often than that."""
    found = re.fullmatch(r"\.\.\. (?:one round|(\d+) rounds) more like this", text)
    return found is not None and max(told.values()) > int(found[1] or 1)


@contextmanager
def passing_over(signatures: set[str]) -> Iterator[None]:
    """While it lasts, runs do not end with these failures: what else comes of the same race?"""
    fail = core.fail

    def other_fail(k: Kernel, oracle: str, culprit: int, cls: str, promise: str) -> None:
        if str(Signature(oracle, core.blamed(k, culprit), cls)) not in signatures:
            fail(k, oracle, culprit, cls, promise)

    core.fail = other_fail
    try:
        yield
    finally:
        core.fail = fail


def drawn_otherwise(
    scenario: Scenario, outcome: Outcome, diagram: Diagram
) -> tuple[int, list[str]]:
    """How many other failures the race of a drawing has, and what of it, up to where its own is
    noticed, is drawn otherwise when one of those is shown."""
    assert outcome.violation is not None
    if not scenario.directives:
        return 0, []
    seen = {str(outcome.violation.signature)}
    unlike: list[str] = []
    while len(seen) <= MOST_OTHERS:
        with passing_over(seen):
            try:
                other = Machine().run(scenario, trace=True)
            except Exception:  # the model has gone on where it never goes
                break
        if other.violation is None:
            break
        seen.add(str(other.violation.signature))
        before, after = (
            [row.text for row in each.rows if row.step < outcome.violation.step]
            for each in (diagram, lay_out(scenario, other))
        )
        if before != after:
            unlike += [str(other.violation.signature), *difflib.unified_diff(before, after)]
    return len(seen) - 1, unlike


def drawn(scenario: Scenario) -> Drawn:
    outcome, witness = witnessed(scenario)
    assert outcome.violation is not None
    diagram = lay_out(scenario, outcome)
    complaints = witness.complaints + held_against(scenario, outcome, diagram, witness)
    return Drawn(
        render(diagram),
        lines_of(diagram),
        outcome.violation.promise,
        complaints,
        *drawn_otherwise(scenario, outcome, diagram),
    )


def main() -> int:
    known = {fact.bug: asdict(drawn(load(KNOWN_BUGS / f"{fact.bug}.mm"))) for fact in FACTS}
    json.dump(known, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
