# SPDX-License-Identifier: MIT
"""`mmfarm farm runs show ID`: one slice."""

import click

from triage.exits import OK, Refused
from triage.terminal import fields, write, write_json


@click.command()
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(name: str, as_json: bool) -> int:
    """Show the run R12: its order, its figures, what went wrong, what it found."""
    from triage import farm, farm_runs  # SQLAlchemy, which --help does not need

    letter, number = farm.subject(name)
    with farm.opened() as store:
        row = store.run(number) if letter == "R" else None
        found = store.failures(run_id=number) if row is not None else []
        owed = store.job_of("fuzz", number)
    if row is None:
        raise Refused(f"{name}: there is no such run; `mmfarm farm runs list` lists them")
    if as_json:
        write_json(
            farm_runs.row_json(row)
            | {
                "failures": [f"F{each.id}" for each in found],
                "waits": None if owed is None else owed.state,
            }
        )
        return OK
    lines = [
        ("run", f"R{row.id}  {row.state}, attempt {row.attempt}"),
        ("order", ", ".join(f"{key}={value}" for key, value in sorted(row.spec.items()))),
        ("figures", farm_runs.figures(row)),
        ("found", ", ".join(f"F{each.id} {each.signature}" for each in found) or "nothing"),
    ]
    if owed is not None:
        lines.append(
            (
                "owed",
                f"{owed.state} since {owed.due_at:%Y-%m-%d %H:%M:%S} UTC, lease "
                f"{owed.leases}, {owed.note or 'no trouble'}",
            )
        )
    if row.note:
        lines.append(("note", row.note))
    if row.figures is not None and row.figures.in_flight:
        lines.append(("ran then", row.figures.in_flight))
    write(fields(lines))
    return OK
