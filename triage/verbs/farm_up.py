# SPDX-License-Identifier: MIT
"""`mmfarm farm up`: a whole farm on this machine."""

import os
import subprocess
import sys
import time

import click

from corpus.paths import data_dir
from triage.exits import INFRASTRUCTURE, OK, Refused
from triage.terminal import fields, write, write_json

READY_SECONDS = 90.0


@click.command()
@click.option(
    "--slots",
    metavar="N",
    type=click.IntRange(min=1, max=256),
    help="How much it does at a time.  [default: one per CPU]",
)
@click.option("--foreground", is_flag=True, help="Stay, and end the farm when interrupted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(slots: int | None, foreground: bool, as_json: bool) -> int:
    """Start a broker, a scheduler and a worker here, and say where they are.

    The broker is the system's Redis or Valkey server, started with a password of its own, unless
    MMFARM_BROKER names another one. What ends is started again; `mmfarm farm down` ends it all.
    """
    from triage import farm  # SQLAlchemy, which --help does not need
    from workers import logs, supervisor

    folder = data_dir()
    number = slots or len(os.sched_getaffinity(0))
    if supervisor.running(folder) is not None:
        raise Refused(f"{folder}: its farm runs already; `mmfarm farm status` shows it")
    with farm.opened():  # a store that cannot be used is refused here, not in a log
        pass
    if foreground:
        logs.set_up()
        supervisor.supervise(folder, number)
        return OK
    place = folder / supervisor.FOLDER
    place.mkdir(exist_ok=True)
    with (place / "supervisor.log").open("ab") as out:
        child = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "triage",
                "farm",
                "up",
                "--foreground",
                "--slots",
                str(number),
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    deadline = time.monotonic() + READY_SECONDS
    with farm.opened() as store:
        while not store.workers() or supervisor.running(folder) is None:
            if child.poll() is not None or time.monotonic() > deadline:
                click.echo(f"mmfarm: the farm did not start; {place}/*.log say why", err=True)
                return INFRASTRUCTURE
            time.sleep(0.2)
    said = supervisor.running(folder)
    assert said is not None
    if as_json:
        write_json(said)
    else:
        write(
            fields(
                [
                    ("data", said["data"]),
                    ("broker", said["broker"]),
                    ("supervisor", f"pid {said['pid']}, log {place / 'supervisor.log'}"),
                    *(
                        (part["name"], f"pid {part['pid']}, log {part['log']}")
                        for part in said["parts"]
                    ),
                    ("next", "mmfarm farm submit; mmfarm farm status --watch; mmfarm farm down"),
                ]
            )
        )
    return OK
