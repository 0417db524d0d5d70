# SPDX-License-Identifier: MIT
"""`mmfarm farm submit`: order slices of fuzzing from the farm."""

import math

import click

from triage.exits import OK
from triage.numbers import Seconds
from triage.terminal import write, write_json


@click.command()
@click.option(
    "--seconds",
    default=60.0,
    show_default=True,
    metavar="N",
    type=Seconds(min=1.0, max=86400.0),
    help="How long to fuzz, in all.",
)
@click.option(
    "--bug",
    "bugs",
    multiple=True,
    metavar="ID",
    help="Give the model this known bug again. May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(seconds: float, bugs: tuple[str, ...], as_json: bool) -> int:
    """Order N seconds of fuzzing, in slices that any worker may do.

    Returns at once: the order stands in the store, whether a broker or a worker runs or not.
    """
    from triage import farm, inputs  # the model and SQLAlchemy, which --help does not need
    from workers import jobs
    from workers.schema import QUEUE_FUZZ

    known = inputs.known_bugs(bugs)
    parts = math.ceil(seconds / jobs.MAX_SLICE_SECONDS)
    with farm.opened() as store:
        runs = [
            store.create_run(
                jobs.slice_spec(seconds=round(seconds / parts, 3), bugs=known), QUEUE_FUZZ
            )
            for _ in range(parts)
        ]
    names = [f"R{run}" for run in runs]
    if as_json:
        write_json({"runs": names})
    else:
        write(f"ordered {', '.join(names)}; `mmfarm farm status` shows what becomes of them")
    return OK
