# SPDX-License-Identifier: MIT
"""`mmfarm replay FILE`: run one scenario exactly as its text says."""

import click

from simulator.run import Machine
from triage import inputs, results
from triage.bundle import compared
from triage.exits import FINDING, INFRASTRUCTURE, OK
from triage.terminal import fields, write, write_json
from triage.traced import traced


@click.command()
@click.argument("file", type=click.Path())
@click.option("--trace", is_flag=True, help="Also print every step.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, trace: bool, as_json: bool) -> int:
    """Run the scenario FILE under exactly its schedule.

    Exit code 1 when a promise of Linux mm was broken, 0 when not. The same file on the same
    model build always gives the same digest. Of a bundle it says whether all came as it says.
    """
    scenario = inputs.scenario(file)
    outcome = traced(scenario) if trace else Machine().run(scenario)
    bundle = inputs.bundled(file)
    agrees, said = compared(bundle, outcome) if bundle is not None else (True, "")
    if as_json:
        document = results.outcome_json(scenario, outcome)
        if trace:
            document["trace"] = results.trace_json(outcome)
        if bundle is not None:
            document["bundle"] = {"agrees": agrees, "said": said}
        write_json(document)
    else:
        if trace:
            write(results.trace_text(outcome))
            write("")
        write(results.outcome_text(scenario, outcome))
        if said:
            write(fields([("bundle", said)]))
    if not agrees:
        return INFRASTRUCTURE
    return FINDING if outcome.violation else OK
