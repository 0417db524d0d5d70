# SPDX-License-Identifier: MIT
"""`mmfarm farm quarantine show ID`: a scenario that killed slices."""

import click

from triage.exits import OK, Refused
from triage.terminal import fields, write, write_json


@click.command()
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(name: str, as_json: bool) -> int:
    """Show the scenario Q12 with its text, which `mmfarm replay -` takes."""
    from triage import farm  # SQLAlchemy, which --help does not need

    letter, number = farm.subject(name)
    with farm.opened() as store:
        rows = [row for row in store.suspects() if letter == "Q" and row.id == number]
    if not rows:
        raise Refused(f"{name}: there is none; `mmfarm farm quarantine list` lists them")
    (row,) = rows
    if as_json:
        write_json(
            {
                "id": f"Q{row.id}",
                "state": row.state,
                "deaths": row.deaths,
                "note": row.note,
                "run": f"R{row.run_id}",
                "text": row.text,
                "first_seen": row.first_seen.isoformat(),
                "last_seen": row.last_seen.isoformat(),
            }
        )
    else:
        write(
            fields(
                [
                    ("scenario", f"Q{row.id}  {row.state}"),
                    ("deaths", f"{row.deaths}, last with R{row.run_id}: {row.note}"),
                ]
            )
            + f"\n\n{row.text}"
        )
    return OK
