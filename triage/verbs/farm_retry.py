# SPDX-License-Identifier: MIT
"""`mmfarm farm retry ID`: do held work again."""

import click

from triage.exits import OK, Refused
from triage.terminal import write, write_json


@click.command()
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(name: str, as_json: bool) -> int:
    """Try again what was held after it had died three times: a run R12, a failure F12."""
    from triage import farm  # SQLAlchemy, which --help does not need

    letter, number = farm.subject(name)
    with farm.opened() as store:
        again = [kind for kind in farm.KINDS.get(letter, ()) if store.retry(kind, number)]
    if not again:
        raise Refused(f"{name}: no work is held; `mmfarm farm quarantine list` shows what is")
    if as_json:
        write_json({"id": name, "retried": again})
    else:
        write(f"{name}: {', '.join(again)} is owed again")
    return OK
