# SPDX-License-Identifier: MIT
"""`mmfarm explain FILE`: the race in columns per CPU, and what it broke."""

import click

from triage import inputs
from triage.closer import look, to_pairs
from triage.exits import OK
from triage.explain import explain, to_json, to_text
from triage.terminal import fields, paint, write, write_json


@click.command()
@click.argument("file", type=click.Path())
@click.option(
    "--closer",
    is_flag=True,
    help="Also how wide the window is, what passes beside it, why each part is needed.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, closer: bool, as_json: bool) -> int:
    """Draw the failing scenario FILE as a kernel developer would.

    One column per CPU, time downward; then the state before and after, the broken promise, the
    historical bug it looks like, and the command that replays it. A scenario that passes is
    refused with exit code 2.
    """
    scenario = inputs.scenario(file)
    explanation = explain(scenario, file)
    if explanation is None:
        raise inputs.passes(file, scenario, "explain")
    looked = look(scenario, explanation.outcome, None) if closer else None
    if as_json:
        more = {"closer": looked.to_json()} if looked is not None else {}
        write_json(to_json(explanation) | more)
    else:
        write(to_text(explanation, paint))
        if looked is not None:
            write(fields(to_pairs(looked, explanation.violation.signature)))
    return OK
