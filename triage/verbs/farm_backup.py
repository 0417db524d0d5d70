# SPDX-License-Identifier: MIT
"""`mmfarm farm backup FILE`: the whole store in one file."""

import click

from triage.exits import OK
from triage.terminal import write, write_json


@click.command()
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, as_json: bool) -> int:
    """Write the whole store into FILE, while the farm goes on."""
    from triage import farm, inputs  # SQLAlchemy, which --help does not need

    place = inputs.output_file(file)
    with farm.opened() as store:
        counts = store.backup(place)
    if as_json:
        write_json({"rows": counts})
    else:
        rows = sum(counts.values())
        write(f"{rows:,} rows written to {file}")
    return OK
