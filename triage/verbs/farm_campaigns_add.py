# SPDX-License-Identifier: MIT
"""`mmfarm farm campaigns add`: have the farm fuzz a model by itself."""

import click

from simulator.kernels import VERSIONS
from triage.exits import OK, Refused
from triage.numbers import Seconds
from triage.terminal import write, write_json


@click.command()
@click.argument("name")
@click.option(
    "--bug",
    "bugs",
    multiple=True,
    metavar="ID",
    help="Give the model this known bug again. May be repeated.",
)
@click.option(
    "--kernel",
    default="",
    metavar="V",
    type=click.Choice(["", *VERSIONS]),
    help="The model of Linux V as it was shipped.  [default: the mended model]",
)
@click.option(
    "--canary",
    is_flag=True,
    help="The bug has to be found, again and again: an alarm "
    "if it is not, and no finding if it is.",
)
@click.option(
    "--real-kernel",
    is_flag=True,
    help="Ask the kernels of workers that serve the queue `kernel`, too.",
)
@click.option(
    "--weight",
    default=1.0,
    show_default=True,
    metavar="W",
    type=click.FloatRange(min=0, min_open=True),
    help="Its share of the slots.",
)
@click.option(
    "--slice-seconds",
    default=60.0,
    show_default=True,
    metavar="N",
    type=Seconds(min=1.0, max=120.0),
    help="How long one slice takes.",
)
@click.option("--no-canaries", is_flag=True, help="Without those that begin with the first one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    name: str,
    bugs: tuple[str, ...],
    kernel: str,
    canary: bool,
    real_kernel: bool,
    weight: float,
    slice_seconds: float,
    no_canaries: bool,
    as_json: bool,
) -> int:
    """Begin the campaign NAME: the farm keeps its slots busy with it, until it is ended.

    Several share the slots by their weights. With the first one begin three canaries: known bugs
    that the farm has to find all the time, at a twentieth of its time.
    """
    from triage import farm, inputs  # the model and SQLAlchemy, which --help does not need
    from workers.campaigns import CampaignError
    from workers.schema import CANARY, FUZZING, KERNEL

    known = inputs.known_bugs(bugs)
    if canary and (not known or real_kernel):
        raise Refused("--canary: name the bug that has to be found with --bug")
    if real_kernel and (known or kernel):
        raise Refused("--real-kernel: that kernel is as it is: without --bug and --kernel")
    kind = CANARY if canary else KERNEL if real_kernel else FUZZING
    with farm.opened() as store:
        try:
            begun = store.add_campaign(
                name,
                kind=kind,
                bugs=known,
                kernel=kernel,
                weight=weight,
                slice_seconds=slice_seconds,
                canaries=not (no_canaries or canary),
            )
        except CampaignError as error:
            raise Refused(str(error)) from error
    if as_json:
        write_json({"begun": begun})
    else:
        write(f"begun: {', '.join(begun)}; `mmfarm farm campaigns list` shows how they do")
    return OK
