# SPDX-License-Identifier: MIT
"""`mmfarm triage dup ID OF`: a failure is another one again."""

import click

from triage.saying import FAILURE, as_json, failure, say


@click.command()
@failure
@click.argument("of", metavar="OF", type=FAILURE)
@as_json
def command(number: int, of: int, as_json: bool) -> int:
    """Say that the failure ID is the failure OF again.

    `mmfarm triage undo ID` takes it back.
    """
    from workers.schema import DUP

    return say(number, lambda store: store.judge(number, DUP, dup_of=of), as_json)
