# SPDX-License-Identifier: MIT
"""`mmfarm triage label ID NAME`: give a failure a label."""

import click

from triage.saying import as_json, failure, say


@click.command()
@failure
@click.argument("name", metavar="NAME")
@click.option("--remove", is_flag=True, help="Take the label away.")
@as_json
def command(number: int, name: str, remove: bool, as_json: bool) -> int:
    """Give the failure ID the label NAME. What is labelled embargo is in no list and no export.

    `mmfarm triage undo ID` takes it back.
    """
    return say(number, lambda store: store.label(number, name, on=not remove), as_json)
