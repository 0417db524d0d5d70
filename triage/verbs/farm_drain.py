# SPDX-License-Identifier: MIT
"""`mmfarm farm drain`: begin no slice."""

import click

from triage.exits import OK
from triage.terminal import write, write_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """Begin no further slice; what was found is brought to its end."""
    from triage import farm  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        store.set_farm(draining=True)
        row = store.farm()
    if as_json:
        write_json({"farm": row.farm_id, "paused": row.paused, "draining": row.draining})
    else:
        write("draining: `mmfarm farm status` shows what is left, `mmfarm farm resume` goes on")
    return OK
