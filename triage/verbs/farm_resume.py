# SPDX-License-Identifier: MIT
"""`mmfarm farm resume`: go on."""

import click

from triage.exits import OK
from triage.terminal import write, write_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """Go on after `mmfarm farm pause` or `mmfarm farm drain`."""
    from triage import farm  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        store.set_farm(paused=False, draining=False)
        row = store.farm()
    if as_json:
        write_json({"farm": row.farm_id, "paused": row.paused, "draining": row.draining})
    else:
        write("goes on")
    return OK
