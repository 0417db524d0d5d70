# SPDX-License-Identifier: MIT
"""`mmfarm farm restore FILE`: a store from a backup."""

from pathlib import Path

import click

from triage.exits import OK
from triage.terminal import write, write_json


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, as_json: bool) -> int:
    """Fill an empty store with what a backup holds, on either kind of database."""
    from triage import farm  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        counts = store.restore(Path(file))
    if as_json:
        write_json({"rows": counts})
    else:
        rows = sum(counts.values())
        write(f"{rows:,} rows restored from {file}")
    return OK
