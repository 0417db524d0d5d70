# SPDX-License-Identifier: MIT
"""`mmfarm doctor`: what this machine offers."""

from typing import Final

import click

from triage.doctor import checks
from triage.exits import OK
from triage.terminal import BAD, DIM, GOOD, paint, table, write, write_json

_SAID: Final = {True: paint("yes", GOOD), False: paint("no", BAD), None: paint("unknown", DIM)}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """Try what this machine and its kernel can do, and say what is skipped where they cannot.

    Changes nothing. Features of the kernel are tried out by a small program in C.
    """
    found = checks()
    if as_json:
        write_json([check.to_json() for check in found])
        return OK
    rows = [(check.name, _SAID[check.available], check.without) for check in found]
    write(table(rows, heading=("WHAT", "HERE", "SKIPPED WITHOUT")))
    for detail in dict.fromkeys(c.detail for c in found if not c.available and c.detail):
        click.echo(f"mmfarm: {detail}", err=True)
    return OK
