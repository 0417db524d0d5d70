# SPDX-License-Identifier: MIT
"""`mmfarm minimize FILE [-o OUT]`: the smallest scenario with the same signature."""

from dataclasses import asdict

import click

from corpus.text import dump
from fuzz.minimize import minimize
from simulator.run import Machine
from triage import inputs, results
from triage.exits import OK
from triage.files import write_whole
from triage.terminal import write, write_json


@click.command()
@click.argument("file", type=click.Path())
@click.option("-o", "out", type=click.Path(), help="Write the scenario there, not to stdout.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, out: str | None, as_json: bool) -> int:
    """Make the failing scenario FILE as small as it gets with the same signature.

    The result goes to stdout or OUT. With --json it comes with its certificate: every single
    simplification that was tried and no longer fails. A scenario that passes is refused with
    exit code 2.
    """
    scenario = inputs.scenario(file)
    place = inputs.output_file(out) if out is not None else None
    machine = Machine()
    violation = machine.run(scenario).violation
    if violation is None:
        raise inputs.passes(file, scenario, "minimize")
    small = minimize(scenario, violation.signature, machine)
    text = dump(small.scenario)
    if place is not None:
        write_whole(place, text)
    if as_json:
        write_json(
            results.outcome_json(small.scenario, small.outcome)
            | {
                "scenario": text,
                "ops_before": len(scenario.ops),
                "ops_after": len(small.scenario.ops),
                "directives_before": len(scenario.directives),
                "directives_after": len(small.scenario.directives),
                "executions": small.executions,
                "certificate": asdict(small.certificate),
            }
        )
        return OK
    if place is None:
        write(text)
    certificate = small.certificate
    click.echo(
        f"{len(scenario.ops)} -> {len(small.scenario.ops)} ops, "
        f"{len(scenario.directives)} -> {len(small.scenario.directives)} directives, "
        f"{small.executions:,} executions; "
        + (
            f"none of {len(certificate.tried)} single simplifications fails any more"
            if certificate.complete
            else "the budget ended before every simplification was tried: minimize the result"
        ),
        err=True,
    )
    return OK
