# SPDX-License-Identifier: MIT
"""`mmfarm triage invalid ID WHY`: the model or its oracle is wrong."""

import click

from triage.saying import as_json, failure, say


@click.command()
@failure
@click.argument("words", nargs=-1, required=True, metavar="WHY...")
@as_json
def command(number: int, words: tuple[str, ...], as_json: bool) -> int:
    """Say that the failure ID is no finding: the model or its oracle is wrong, and WHY.

    `mmfarm triage undo ID` takes it back.
    """
    from workers.schema import INVALID

    return say(number, lambda store: store.judge(number, INVALID, " ".join(words)), as_json)
