# SPDX-License-Identifier: MIT
"""`mmfarm kernels of FILE`: which versions of Linux have a finding."""

import click

from triage import inputs, names
from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.argument("file", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, as_json: bool) -> int:
    """Run the failing scenario FILE on the model of every version, and show what real kernels
    have said of it when `mmfarm confirm F12` asked them.

    `-`: the locks of this version are not modelled, and the scenario has a schedule.
    """
    from simulator.run import Machine  # the model, which --help does not need
    from triage import stored, versions

    scenario = inputs.scenario(file)
    violation = Machine().run(scenario).violation
    if violation is None:
        raise inputs.passes(file, scenario, "this table")
    confirmed = stored.confirmations(file) if names.is_stored(file) else []
    rows = versions.table(scenario, violation.signature, confirmed)
    if as_json:
        write_json(
            {
                "signature": str(violation.signature),
                "versions": [
                    {
                        "version": row.version,
                        "model": row.model,
                        "confirm": [
                            {
                                "kernel": each.kernel,
                                "version": each.version,
                                "verdict": each.verdict,
                                "same": each.same,
                                "tried": each.tried,
                                "why": each.why,
                                "at": each.at.isoformat(),
                            }
                            for each in row.confirmed
                        ],
                    }
                    for row in rows
                ],
            }
        )
        return OK
    write(
        table(
            [
                (
                    row.version,
                    row.model,
                    ", ".join(f"{e.verdict} on {e.version}" for e in row.confirmed) or "not asked",
                )
                for row in rows
            ],
            heading=("LINUX", "MODEL", "CONFIRM"),
        )
    )
    if any(row.model == versions.NOT_MODELLED for row in rows):
        write("\n-  this version's locks are not modelled, and the scenario has a schedule")
    return OK
