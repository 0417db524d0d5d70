# SPDX-License-Identifier: MIT
"""`mmfarm triage fixed-in ID WHAT`: a failure is fixed."""

import click

from triage.saying import as_json, failure, say


@click.command()
@failure
@click.argument("words", nargs=-1, required=True, metavar="WHAT...")
@as_json
def command(number: int, words: tuple[str, ...], as_json: bool) -> int:
    """Say what the failure ID is fixed in: a version, a commit, a patch.

    When a newer model shows it again, it opens by itself.

    `mmfarm triage undo ID` takes it back.
    """
    from workers.schema import FIXED

    return say(number, lambda store: store.judge(number, FIXED, " ".join(words)), as_json)
