# SPDX-License-Identifier: MIT
"""`mmfarm farm quarantine list`: what the farm has put aside for a person."""

import click

from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """List scenarios that kill slices, and work that died three times."""
    from triage import farm  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        suspects = [row for row in store.suspects() if row.state in ("suspected", "quarantined")]
        held = store.jobs("held")
    rows = [
        (
            f"Q{row.id}",
            row.state,
            f"{row.deaths} deaths, last with R{row.run_id}",
            row.note,
            f"mmfarm farm quarantine release Q{row.id}",
        )
        for row in suspects
    ] + [
        (
            farm.name_of(job.kind, job.subject),
            "held",
            f"{job.kind}, {job.attempts} attempts",
            job.note,
            f"mmfarm farm retry {farm.name_of(job.kind, job.subject)}",
        )
        for job in held
    ]
    if as_json:
        names = ("id", "state", "what", "note", "remedy")
        write_json([dict(zip(names, row, strict=True)) for row in rows])
    elif not rows:
        write("nothing is in quarantine, and no work is held")
    else:
        write(table(rows, heading=("ID", "STATE", "WHAT", "NOTE", "TO GO ON")))
    return OK
