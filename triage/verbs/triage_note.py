# SPDX-License-Identifier: MIT
"""`mmfarm triage note ID TEXT`: write something down about a failure."""

import click

from triage.saying import as_json, failure, say


@click.command()
@failure
@click.argument("words", nargs=-1, required=True, metavar="TEXT...")
@as_json
def command(number: int, words: tuple[str, ...], as_json: bool) -> int:
    """Write TEXT down about the failure ID.

    `mmfarm triage undo ID` takes it back.
    """
    return say(number, lambda store: store.note(number, " ".join(words)), as_json)
