# SPDX-License-Identifier: MIT
"""`mmfarm farm doctor`: whether the services of a farm could start here."""

from dataclasses import asdict

import click

from corpus.paths import data_dir
from triage.exits import INFRASTRUCTURE, OK
from triage.terminal import BAD, GOOD, fields, paint, write, write_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """Check store, broker, data folder, model and engine; exit 3 if one is not ready."""
    from workers import checks  # SQLAlchemy and Redis, which --help does not need

    found = list(checks.checks(data_dir()))
    if as_json:
        write_json([asdict(check) for check in found])
    else:
        write(
            fields(
                [
                    (
                        check.name,
                        f"{paint('ok', GOOD) if check.ok else paint('NOT READY', BAD)}  "
                        f"{check.detail}",
                    )
                    for check in found
                ]
            )
        )
    return OK if all(check.ok for check in found) else INFRASTRUCTURE
