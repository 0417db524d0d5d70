# SPDX-License-Identifier: MIT
"""`mmfarm triage redo ID`: verify and minimize again."""

import click

from triage.saying import as_json, failure, say


@click.command()
@failure
@as_json
def command(number: int, as_json: bool) -> int:
    """Have the failure ID verified and minimized again, on the model as it is now.

    `mmfarm triage undo ID` takes it back.
    """
    return say(number, lambda store: store.redo(number), as_json)
