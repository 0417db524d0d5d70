# SPDX-License-Identifier: MIT
"""`mmfarm conform run`: random scenarios on a real kernel and on the model."""

import click

from corpus.paths import data_dir
from triage import real_kernel
from triage.exits import SKIPPED
from triage.numbers import Seconds


@click.command()
@click.option(
    "--seconds",
    default=60.0,
    show_default=True,
    metavar="N",
    type=Seconds(min=0.1),
    help="How long to look.",
)
@click.option(
    "--scenarios",
    metavar="N",
    type=click.IntRange(min=1),
    help="Stop after so many scenarios.  [default: when the time is up]",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    metavar="N",
    type=click.IntRange(min=0),
    help="Which scenarios: the same seed makes the same.",
)
@click.option(
    "--interleave", is_flag=True, help="Under random interleavings, forced: with --kernel debian-V."
)
@real_kernel.option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    seconds: float,
    scenarios: int | None,
    seed: int,
    interleave: bool,
    kernel_name: str,
    as_json: bool,
) -> int:
    """Run random sequential scenarios on both sides and compare how they end; with --interleave
    several actors at once, each op held where a random directive says.

    Each disagreement is made as small as it gets and kept as a failure in the data folder, where
    `mmfarm triage list` shows it. Exit code 1 when there is one, 4 when this machine cannot
    ask that kernel.
    """
    from triage import conform, inputs, interleaved  # SQLAlchemy, which --help does not need

    request = conform.Request(
        seconds=seconds,
        scenarios=scenarios or 0,
        seed=seed,
        folder=inputs.output_folder(str(data_dir())),
    )
    if interleave:
        return interleaved.run(request, kernel_name, as_json)
    kernel = real_kernel.asked(kernel_name, as_json)
    if kernel is None:
        return SKIPPED
    return conform.run(request, kernel, as_json)
