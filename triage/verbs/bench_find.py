# SPDX-License-Identifier: MIT
"""`mmfarm bench find --bug ID`: how long the fuzzer needs to find a known bug."""

import statistics

import click

from triage import bench, inputs
from triage.exits import OK
from triage.numbers import Seconds
from triage.terminal import fields, write, write_json


@click.command()
@click.option("--bug", required=True, metavar="ID", help="The known bug to look for.")
@click.option("--trials", default=5, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--seconds", default=600.0, show_default=True, help="Limit of one trial.", type=Seconds(min=1.0)
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(bug: str, trials: int, seconds: float, as_json: bool) -> int:
    """Fuzz the model with the known bug ID from an empty corpus until it is found.

    Trials differ by their seed, 1, 2, ...; one that finds nothing, or
    something that fails without the bug too, counts as the limit.
    """
    (name,) = inputs.known_bugs([bug])
    done: list[bench.Trial] = []
    for seed in range(1, trials + 1):
        trial = bench.hunt(name, seed, seconds)
        done.append(trial)
        if not as_json:
            what = trial.signature if trial.found else "not found"
            if trial.false_alarm:
                what = f"false alarm, it fails without the bug too: {trial.signature}"
            write(f"trial {seed}: {trial.seconds:8.2f} s  {trial.executions:9d} executions  {what}")
    median_seconds = statistics.median(trial.seconds for trial in done)
    median_executions = statistics.median(trial.executions for trial in done)
    found = sum(trial.found for trial in done)
    if as_json:
        write_json(
            {
                "bug": name,
                "limit_seconds": seconds,
                "trials": [trial.to_json() for trial in done],
                "found": found,
                "median_seconds": median_seconds,
                "median_executions": median_executions,
            }
        )
    else:
        write(
            fields(
                [
                    ("found", f"{found} of {trials}"),
                    ("median", f"{median_seconds:.2f} s, {median_executions:.0f} executions"),
                ]
            )
        )
    return OK
