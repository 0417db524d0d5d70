# SPDX-License-Identifier: MIT
"""`mmfarm farm down`: end the farm of this machine."""

import os
import signal
import time

import click

from corpus.paths import data_dir
from triage.exits import INFRASTRUCTURE, OK
from triage.terminal import write, write_json

DOWN_SECONDS = 60.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """End what `mmfarm farm up` has started. What runs is recorded, the rest stays owed."""
    from workers import supervisor  # SQLAlchemy, which --help does not need

    folder = data_dir()
    said = supervisor.running(folder)
    if said is not None:
        os.kill(said["pid"], signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        while supervisor.running(folder) is not None:
            if time.monotonic() > deadline:
                click.echo(f"mmfarm: the supervisor {said['pid']} does not end", err=True)
                return INFRASTRUCTURE
            time.sleep(0.1)
    if as_json:
        write_json({"was_running": said is not None})
    else:
        write("the farm is down" if said is not None else f"{folder}: no farm runs here")
    return OK
