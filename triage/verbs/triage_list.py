# SPDX-License-Identifier: MIT
"""`mmfarm triage list`: the failures found so far, by signature."""

import click

from corpus.paths import data_dir
from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(min=1),
    help="Those seen most often, so many.",
)
@click.option(
    "--canaries",
    is_flag=True,
    help="What canaries have shown, which is nobody's find, and nothing else.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(limit: int, canaries: bool, as_json: bool) -> int:
    """List the failures in the data folder, those seen most often first."""
    from triage import failures  # loads SQLAlchemy, which --help does not need

    rows, more = failures.listed(data_dir(), limit, canaries=canaries)
    if as_json:
        write_json([failures.row_json(row) for row in rows])
    elif not rows:
        write(f"no failures in {data_dir()}; `mmfarm run` looks for some")
    else:
        write(
            table(
                [
                    (
                        str(row.id),
                        str(row.signature),
                        row.state,
                        str(row.count),
                        f"{row.ops}+{row.directives}",
                        f"{row.last_seen:%Y-%m-%d %H:%M}",
                    )
                    for row in rows
                ],
                heading=("ID", "SIGNATURE", "STATE", "SEEN", "OPS+DIR", "LAST (UTC)"),
            )
        )
        if more:
            write(f"\nand {more:,} more: `--limit {len(rows) + more}` lists all")
    return OK
