# SPDX-License-Identifier: MIT
"""`mmfarm bugs list`: the historical bugs that `config bug=ID` brings back."""

import click

from simulator.bugs import BUGS
from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """List the known bugs: id, how hard to find, the oracles that see it, what it was.

    A bug that is found `never` is a negative control: asked for, it must stay silent.
    """
    if as_json:
        write_json([
            {
                "id": bug.id, "title": bug.title, "commit": bug.commit,
                "oracles": list(bug.oracles), "difficulty": bug.difficulty,
                "negative_control": bug.control,
            }
            for bug in BUGS
        ])
        return OK
    rows = [
        (bug.id, "never" if bug.control else bug.difficulty, ",".join(bug.oracles), bug.title)
        for bug in sorted(BUGS, key=lambda bug: bug.id)
    ]
    write(table(rows, heading=("ID", "FOUND", "ORACLES", "WHAT")))
    return OK
