# SPDX-License-Identifier: MIT
"""`mmfarm triage undup ID`: a failure stands for itself."""

import click

from triage.saying import as_json, failure, say


@click.command()
@failure
@as_json
def command(number: int, as_json: bool) -> int:
    """Say that the failure ID stands for itself: no dup, and of no family of one cause.

    `mmfarm triage undo ID` takes it back.
    """
    return say(number, lambda store: store.undup(number), as_json)
