# SPDX-License-Identifier: MIT
"""`mmfarm judge FILE`: a claim about a race is confirmed, refuted, or beyond the model."""

from typing import Any

import click

from corpus import claims
from corpus.text import dump
from fuzz.judgement import BUDGET, CONFIRMED, REFUTED, Aside, Judgement, judge
from simulator import build
from simulator.bugs import BY_ID
from simulator.outcome import result_name
from simulator.run import Machine
from triage import inputs, results
from triage.diagram import draw
from triage.exits import FINDING, INFRASTRUCTURE, OK, SKIPPED
from triage.terminal import fields, write, write_json
from triage.traced import traced

NOT_MODELLED = "NOT MODELLED"


@click.command()
@click.argument("file", type=click.Path())
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    default=BUDGET,
    show_default=True,
    help="Steps of the model to try.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, budget: int, as_json: bool) -> int:
    """Decide the claim in FILE: actors, ops, and who stops where while whom runs.

    CONFIRMED (exit code 1) comes with the scenario and its drawing; REFUTED (0) with the bounds up
    to which every interleaving was run; NOT MODELLED (4) names what the model lacks. Exit code 3:
    the budget ended before the claim was decided. docs/judge.md has the form of claims.
    """
    text = inputs.text(file)
    try:
        claim = claims.read(text, file)
    except claims.NotModelled as lacks:
        if as_json:
            write_json(
                {
                    "verdict": NOT_MODELLED,
                    "claim": lacks.title,
                    "missing": list(lacks.missing),
                    "build_id": build.build_id(),
                }
            )
        else:
            write(fields([("verdict", NOT_MODELLED), ("missing", "\n".join(lacks.missing))]))
        return SKIPPED
    decided = judge(Machine(), claim, budget)
    if as_json:
        write_json(document(claim, decided))
    else:
        write(shown(claim, decided))
    if decided.verdict == CONFIRMED:
        return FINDING
    return OK if decided.verdict == REFUTED else INFRASTRUCTURE


def document(claim: claims.Claim, decided: Judgement) -> dict[str, Any]:
    """The answer for programs; docs/schemas/judgement.json describes it."""
    violation = decided.violation
    return {
        "verdict": decided.verdict,
        "claim": claim.title,
        "kernel": claim.kernel,
        "changes": list(claim.changes),
        "set_aside": disclosed(decided.set_aside),
        "as_claimed": decided.as_claimed,
        "reached": decided.reached,
        "signature": results.signature_json(violation.signature) if violation else None,
        "promise": violation.promise if violation else None,
        "because": disclosed(decided.because),
        "asides": [
            {
                "signature": results.signature_json(aside.violation.signature),
                "promise": aside.violation.promise,
                "because": disclosed(aside.because),
                "scenario": dump(aside.scenario),
            }
            for aside in decided.asides
        ],
        "results": [result_name(value) for value in decided.results],
        "covered_preemptions": decided.covered,
        "explored": [report.to_json() for report in decided.reports],
        "scenario": dump(decided.scenario),
        "build_id": build.build_id(),
    }


def shown(claim: claims.Claim, decided: Judgement) -> str:
    """The answer for people: what decides first, the drawing or the bounds, then the rest."""
    rows = [("verdict", decided.verdict)]
    if claim.title:
        rows.append(("claim", claim.title))
    rows.append(("model", model(claim)))
    if not decided.reached:
        rows.append(("note", "an actor never came to the site where the claim stops it"))
    if claim.returns:
        rows += returned(claim, decided)
    elif decided.violation is not None:
        rows += [
            ("signature", str(decided.violation.signature)),
            ("promise", decided.violation.promise),
            ("schedule", which_schedule(decided)),
        ]
        rows += [("because", row_text(row)) for row in disclosed(decided.because)]
    else:
        rows.append(("covered", extent(decided.covered)))
        rows.append(
            ("schedules", f"{runs(decided):,}; no faults, current translations, no late IPI")
        )
    if decided.set_aside:
        rows.append(("without", ", ".join(disclosed(decided.set_aside))))
    for aside in decided.asides:
        rows.append(("aside", aside_text(aside)))
    if decided.verdict != CONFIRMED:
        return fields(rows)
    drawing = draw(decided.scenario, traced(decided.scenario))
    return f"{fields(rows)}\n\n{drawing}\n\n{dump(decided.scenario)}"


def model(claim: claims.Claim) -> str:
    changed = "".join(
        f", without {bug[1:]}" if bug.startswith("-") else f", with {bug}" for bug in claim.changes
    )
    return f"Linux {claim.kernel}{changed} (build {build.build_id()[: results.SHORT_BUILD]})"


def returned(claim: claims.Claim, decided: Judgement) -> list[tuple[str, str]]:
    """What ops return in the claim's own schedule, beside what the claim says."""
    lines = dump(decided.scenario.with_directives(())).splitlines()
    place = {op.uid: i for i, op in enumerate(decided.scenario.ops)}
    ops = lines[-len(place) :]
    return [
        (
            "returns",
            f"{ops[place[uid]]} = {result_name(decided.results[place[uid]])}"
            f"; the claim says {result_name(value)}",
        )
        for uid, value in claim.returns
    ]


def which_schedule(decided: Judgement) -> str:
    if decided.as_claimed:
        return "the claim's own"
    return f"another one than the claim's, found as number {runs(decided):,}"


def runs(decided: Judgement) -> int:
    return sum(report.schedules + report.cut for report in decided.reports)


def disclosed(rows: tuple[str, ...]) -> list[str]:
    """Those that may be named."""
    return [row for row in rows if not BY_ID[row].undisclosed]


def row_text(row: str) -> str:
    return f"{row}: {BY_ID[row].title}"


def aside_text(aside: Aside) -> str:
    """What breaks as well, and why it is no answer."""
    if aside.because:
        rows = [row_text(row) for row in disclosed(aside.because)]
        why = "this kernel does so" + (" by " if rows else "") + "; ".join(rows)
    else:
        why = "with or without what the claim says"
    return f"{aside.violation.promise}\n{why}"


def extent(covered: int | None) -> str:
    if covered is None:
        return "every interleaving of these ops"
    if covered < 0:
        return "nothing"
    return f"every interleaving with at most {covered} preemption{'s' if covered != 1 else ''}"
