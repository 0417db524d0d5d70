# SPDX-License-Identifier: MIT
"""`mmfarm farm pause`: stop leasing work."""

import click

from triage.exits import OK
from triage.terminal import write, write_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """Let no worker begin anything; what runs goes on to its end."""
    from triage import farm  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        store.set_farm(paused=True)
        row = store.farm()
    if as_json:
        write_json({"farm": row.farm_id, "paused": row.paused, "draining": row.draining})
    else:
        write("paused: `mmfarm farm resume` goes on")
    return OK
