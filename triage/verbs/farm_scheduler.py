# SPDX-License-Identifier: MIT
"""`mmfarm farm scheduler`: the process that sends what is owed, until it is told to go."""

import click

from corpus.paths import data_dir
from triage.exits import OK


@click.command()
def command() -> int:
    """Send what is owed, send again what did not arrive, end leases of dead workers.

    Any number may run, on any hosts: one of them works, the others wait for its end.
    """
    from workers import logs, service  # Celery and SQLAlchemy, which --help does not need

    logs.set_up()
    service.run_scheduler(data_dir())
    return OK
