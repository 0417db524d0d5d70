# SPDX-License-Identifier: MIT
"""`mmfarm why ID`: what the farm decided by itself, and why."""

import click

from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(name: str, as_json: bool) -> int:
    """List the decisions about a run R12, a failure F12, a scenario Q12, in order."""
    from triage import farm  # SQLAlchemy, which --help does not need

    letter, number = farm.subject(name)
    with farm.opened() as store:
        rows = store.decisions(f"{letter}{number}")
    if as_json:
        write_json(
            [{"at": row.at.isoformat(), "code": row.code, "detail": row.detail} for row in rows]
        )
    elif not rows:
        write(f"nothing was decided about {name}: it went the ordinary way")
    else:
        write(
            table(
                [(f"{row.at:%Y-%m-%d %H:%M:%S}", row.code, row.detail) for row in rows],
                heading=("AT (UTC)", "CODE", "WHY"),
            )
        )
    return OK
