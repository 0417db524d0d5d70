# SPDX-License-Identifier: MIT
"""`mmfarm farm campaigns set`: another share, an end, or on again."""

import click

from triage.exits import OK, Refused
from triage.terminal import write, write_json


@click.command()
@click.argument("name")
@click.option(
    "--weight",
    metavar="W",
    type=click.FloatRange(min=0, min_open=True),
    help="Its share of the slots, from the next slice on.",
)
@click.option("--state", type=click.Choice(["active", "ended"]), help="End it, or go on with it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(name: str, weight: float | None, state: str | None, as_json: bool) -> int:
    """Change the campaign NAME while it runs."""
    from triage import farm, farm_campaigns  # SQLAlchemy, which --help does not need
    from workers.campaigns import CampaignError

    if weight is None and state is None:
        raise Refused("nothing to change: name --weight or --state")
    with farm.opened() as store:
        try:
            row = store.change_campaign(name, weight=weight, state=state)
        except CampaignError as error:
            raise Refused(str(error)) from error
    if as_json:
        write_json(farm_campaigns.row_json(row, None, []))
    else:
        write(f"{name}: {row.state}, weight {row.weight:g}")
    return OK
