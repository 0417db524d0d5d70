# SPDX-License-Identifier: MIT
"""`mmfarm triage next`: the failure that a person should look at next."""

import click

from triage.exits import OK
from triage.saying import as_json
from triage.terminal import write, write_json


@click.command()
@click.option("--embargoed", is_flag=True, help="Also what is under embargo.")
@as_json
def command(embargoed: bool, as_json: bool) -> int:
    """Name the failure that nobody has judged, is minimal if any is, and was seen most often."""
    from triage import failures, farm  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        row = store.next_open(embargoed=embargoed)
    if as_json:
        write_json(failures.row_json(row) if row is not None else None)
    elif row is None:
        write("nothing waits for a person")
    else:
        write(f"F{row.id}  {row.signature}: {row.promise}\nmmfarm triage show F{row.id}")
    return OK
