# SPDX-License-Identifier: MIT
"""`mmfarm judge FILE`: a claim about a race is confirmed, refuted, or beyond the model."""

from typing import Any

import click

from corpus import claims
from corpus.text import dump
from fuzz.judgement import BUDGET, CONFIRMED, REFUTED, Judgement, judge
from simulator import build
from simulator.run import Machine
from triage import inputs, results
from triage.diagram import draw
from triage.exits import FINDING, INFRASTRUCTURE, OK, SKIPPED
from triage.terminal import fields, write, write_json
from triage.traced import traced


@click.command()
@click.argument("file", type=click.Path())
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    default=BUDGET,
    show_default=True,
    help="Schedules to try.",
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
            write_json({"verdict": "NOT MODELLED", "missing": list(lacks.missing)})
        else:
            write(fields([("verdict", "NOT MODELLED"), ("missing", "\n".join(lacks.missing))]))
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
        "as_claimed": decided.as_claimed,
        "reached": decided.reached,
        "signature": results.signature_json(violation.signature) if violation else None,
        "promise": violation.promise if violation else None,
        "covered_preemptions": decided.covered,
        "explored": [report.to_json() for report in decided.reports],
        "scenario": dump(decided.scenario),
        "build_id": build.build_id(),
    }


def shown(claim: claims.Claim, decided: Judgement) -> str:
    rows = [("verdict", decided.verdict)]
    if claim.title:
        rows.append(("claim", claim.title))
    if not decided.reached:
        rows.append(("note", "an actor never came to the site where the claim stops it"))
    runs = sum(report.schedules + report.cut for report in decided.reports)
    if decided.violation is not None:
        rows += [
            ("signature", str(decided.violation.signature)),
            ("promise", decided.violation.promise),
            (
                "schedule",
                "the claim's own"
                if decided.as_claimed
                else f"another one than the claim's, found as number {runs:,}",
            ),
        ]
        drawing = draw(decided.scenario, traced(decided.scenario))
        return f"{fields(rows)}\n\n{drawing}\n\n{dump(decided.scenario)}"
    rows.append(("covered", extent(decided.covered)))
    rows.append(("schedules", f"{runs:,}; no faults, current translations, IPIs at once"))
    rows.append(("model", build.build_id()[: results.SHORT_BUILD]))
    return fields(rows)


def extent(covered: int | None) -> str:
    if covered is None:
        return "every interleaving of these ops"
    if covered < 0:
        return "nothing"
    return f"every interleaving with at most {covered} preemption{'s' if covered != 1 else ''}"
