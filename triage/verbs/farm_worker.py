# SPDX-License-Identifier: MIT
"""`mmfarm farm worker`: a process that does the farm's work, until it is told to go."""

import os

import click

from corpus.paths import data_dir
from triage.exits import OK


@click.command()
@click.option(
    "--slots",
    metavar="N",
    type=click.IntRange(min=1, max=256),
    help="How much it does at a time.  [default: one per CPU]",
)
@click.option(
    "--queue",
    "queues",
    multiple=True,
    type=click.Choice(["fuzz", "triage", "kernel"]),
    help="Serve this queue. May be repeated.  [default: fuzz and triage; kernel runs "
    "random scenarios on this machine's kernel]",
)
@click.option("--check", is_flag=True, help="Say whether a worker could start here, and end.")
def command(slots: int | None, queues: tuple[str, ...], check: bool) -> int:
    """Take slices, verifications and minimizations from the broker and do them.

    MMFARM_DATABASE and MMFARM_BROKER (or files named by MMFARM_DATABASE_FILE and
    MMFARM_BROKER_FILE) say where the store and the broker are. Ends at once when told to
    (SIGTERM): what it had found is recorded, what it leaves is done by others.
    """
    from workers import checks, logs, service  # Celery and SQLAlchemy, which --help does not need
    from workers.schema import DEFAULT_QUEUES

    logs.set_up()
    if check:
        checks.refuse_unready(data_dir())
        return OK
    service.run_worker(
        data_dir(), slots=slots or len(os.sched_getaffinity(0)), queues=queues or DEFAULT_QUEUES
    )
    return OK
