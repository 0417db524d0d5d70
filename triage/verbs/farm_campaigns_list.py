# SPDX-License-Identifier: MIT
"""`mmfarm farm campaigns list`: what the farm fuzzes by itself, and what is left there."""

import click

from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """List the campaigns: their shares, what they did, how likely something new is.

    NEW is how many features the next slice is expected to show that none before has shown, LEFT
    how many more slices like these would show in the long run, with a 95 % interval (a lower bound
    of what there is). A canary shows its trials instead.
    """
    from triage import farm, farm_campaigns  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        rows = store.campaigns()
        estimates = store.estimates()
        trials = {row.id: store.trials(row.id, farm_campaigns.TRIALS) for row in rows}
        once, seen = store.discovery()
    shown = [(row, estimates.get(farm_campaigns.model(row)), trials[row.id]) for row in rows]
    if as_json:
        write_json(
            {
                "campaigns": [farm_campaigns.row_json(*each) for each in shown],
                "failures_seen_once": once,
                "sightings": seen,
            }
        )
    elif not rows:
        write("no campaigns; `mmfarm farm campaigns add mended` begins one")
    else:
        write(table([farm_campaigns.line(*each) for each in shown], heading=farm_campaigns.HEADING))
        if seen:
            write(
                f"\nOf {seen:,} sightings of failures {once:,} were of one that nothing else has "
                f"shown: the next is of a new failure with a chance of about {once / seen:.1%}."
            )
    return OK
