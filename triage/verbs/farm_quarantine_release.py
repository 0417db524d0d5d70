# SPDX-License-Identifier: MIT
"""`mmfarm farm quarantine release ID`: give a scenario free."""

import click

from triage.exits import OK, Refused
from triage.terminal import write, write_json


@click.command()
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(name: str, as_json: bool) -> int:
    """Let slices have the scenario Q12 again."""
    from triage import farm  # SQLAlchemy, which --help does not need

    letter, number = farm.subject(name)
    with farm.opened() as store:
        released = letter == "Q" and store.release(number)
    if not released:
        raise Refused(f"{name}: is not in quarantine; `mmfarm farm quarantine list` shows what is")
    if as_json:
        write_json({"id": name, "state": "released"})
    else:
        write(f"{name} is free")
    return OK
