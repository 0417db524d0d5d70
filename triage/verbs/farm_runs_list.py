# SPDX-License-Identifier: MIT
"""`mmfarm farm runs list`: the slices of the farm."""

import click

from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.option(
    "--state", type=click.Choice(["queued", "running", "done", "abandoned"]), help="Only those."
)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(min=1), help="The newest so many."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(state: str | None, limit: int, as_json: bool) -> int:
    """List the newest slices with what they did."""
    from triage import farm, farm_runs  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        rows = store.runs(state)[-limit:]
    if as_json:
        write_json([farm_runs.row_json(row) for row in rows])
    elif not rows:
        write("no runs; `mmfarm farm submit` orders some")
    else:
        write(table([farm_runs.line(row) for row in rows], heading=farm_runs.HEADING))
    return OK
