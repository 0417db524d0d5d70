# SPDX-License-Identifier: MIT
"""`mmfarm triage list`: the failures found so far, by signature."""

import click

from corpus.paths import data_dir
from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """List the failures in the data folder, those seen most often first."""
    from triage import failures  # loads SQLAlchemy, which --help does not need

    rows = failures.listed(data_dir())
    if as_json:
        write_json([failures.row_json(row) for row in rows])
    elif not rows:
        write(f"no failures in {data_dir()}; `mmfarm run` looks for some")
    else:
        write(table(
            [
                (str(row.id), str(row.signature), row.state, str(row.count),
                 f"{row.ops}+{row.directives}", f"{row.last_seen:%Y-%m-%d %H:%M}")
                for row in rows
            ],
            heading=("ID", "SIGNATURE", "STATE", "SEEN", "OPS+DIR", "LAST (UTC)"),
        ))
    return OK
