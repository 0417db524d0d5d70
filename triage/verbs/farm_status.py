# SPDX-License-Identifier: MIT
"""`mmfarm farm status`: the farm on one screen."""

import time

import click

from triage.exits import OK
from triage.terminal import write, write_json

REDRAW_SECONDS = 2.0


@click.command()
@click.option("--watch", is_flag=True, help="Show it again every two seconds, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(watch: bool, as_json: bool) -> int:
    """Show workers, what is owed, what was done and what needs a person."""
    from triage import farm, farm_status  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        while True:
            shown = store.figures(), store.workers()
            if as_json:
                write_json(farm_status.to_json(*shown))
            else:
                write(("\x1b[H\x1b[J" if watch else "") + farm_status.to_text(*shown))
            if not watch:
                return OK
            time.sleep(REDRAW_SECONDS)
