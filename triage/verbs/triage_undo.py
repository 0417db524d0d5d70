# SPDX-License-Identifier: MIT
"""`mmfarm triage undo ID`: take back what was said last."""

import click

from triage.saying import as_json, failure, say


@click.command()
@failure
@as_json
def command(number: int, as_json: bool) -> int:
    """Take back what was said last of the failure ID and still stands."""
    return say(number, lambda store: store.undo(number), as_json)
