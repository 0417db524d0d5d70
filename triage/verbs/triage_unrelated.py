# SPDX-License-Identifier: MIT
"""`mmfarm triage unrelated ID`: true, and not to be reported again."""

import click

from triage.saying import as_json, failure, say


@click.command()
@failure
@click.argument("words", nargs=-1, metavar="[WHY...]")
@as_json
def command(number: int, words: tuple[str, ...], as_json: bool) -> int:
    """Say that nobody here wants to hear of the failure ID again.

    `mmfarm triage undo ID` takes it back.
    """
    from workers.schema import UNRELATED

    return say(number, lambda store: store.judge(number, UNRELATED, " ".join(words)), as_json)
