# SPDX-License-Identifier: MIT
"""`mmfarm triage reopen ID`: nobody has judged it."""

import click

from triage.saying import as_json, failure, say


@click.command()
@failure
@click.argument("words", nargs=-1, metavar="[WHY...]")
@as_json
def command(number: int, words: tuple[str, ...], as_json: bool) -> int:
    """Take the verdict off the failure ID.

    `mmfarm triage undo ID` takes it back.
    """
    from workers.schema import UNJUDGED

    return say(number, lambda store: store.judge(number, UNJUDGED, " ".join(words)), as_json)
