# SPDX-License-Identifier: MIT
"""`mmfarm bugs list`: the historical bugs that `config bug=ID` brings back."""

import click

from simulator.bugs import BUGS
from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.option(
    "--departures",
    is_flag=True,
    help="Only what Linux does to this day and the model does not, with the reason.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(departures: bool, as_json: bool) -> int:
    """List the known bugs: id, how hard to find, the oracles that see it, what it was.

    A bug that is found `never` is a negative control: asked for, it must stay silent. Departures
    are in the list, too: the model does them as they should be, `kernel=7.2` as Linux does.
    """
    public = [bug for bug in BUGS if not bug.undisclosed]
    shown = [bug for bug in public if bug.departure or not departures]
    if as_json:
        write_json(
            [
                {
                    "id": bug.id,
                    "title": bug.title,
                    "commit": bug.commit,
                    "oracles": list(bug.oracles),
                    "difficulty": bug.difficulty,
                    "negative_control": bug.control,
                    "culprits": list(bug.culprits),
                    "versions": [list(each) for each in bug.versions],
                    "departure": bug.departure,
                }
                for bug in shown
            ]
        )
        return OK
    if departures:
        for bug in sorted(shown, key=lambda bug: bug.id):
            versions = ", ".join(
                f"{first} and later" if not without else f"{first} to before {without}"
                for first, without in bug.versions
            )
            write(
                f"{bug.id}  ({versions})\n    {bug.title}\n    {bug.departure}\n    {bug.commit}\n"
            )
        return OK
    rows = [
        (bug.id, "never" if bug.control else bug.difficulty, ",".join(bug.oracles), bug.title)
        for bug in sorted(shown, key=lambda bug: bug.id)
    ]
    write(table(rows, heading=("ID", "FOUND", "ORACLES", "WHAT")))
    return OK
