# SPDX-License-Identifier: MIT
"""`mmfarm bench compare`: ways to search against each other, over known bugs."""

import click

from triage import inputs
from triage.exits import OK, Refused
from triage.numbers import Seconds
from triage.terminal import table, write, write_json


@click.command()
@click.option(
    "--bug", "bugs", multiple=True, metavar="ID", help="A known bug to look for. May be repeated."
)
@click.option(
    "--draw",
    default=0,
    metavar="N",
    type=click.IntRange(min=0, max=64),
    help="N known bugs of each difficulty, drawn with the seed.",
)
@click.option("--way", "ways", multiple=True, metavar="NAME", help="Only these, and `whole`.")
@click.option("--trials", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option(
    "--seconds",
    metavar="N",
    type=Seconds(min=1.0),
    help="Limit of one hunt.  [default: 60, of hard bugs 300]",
)
@click.option(
    "--plot", metavar="FILE", type=click.Path(), help="Write survival curves there, as SVG."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    bugs: tuple[str, ...],
    draw: int,
    ways: tuple[str, ...],
    trials: int,
    seed: int,
    seconds: float | None,
    plot: str | None,
    as_json: bool,
) -> int:
    """Hunt known bugs from an empty corpus in different ways: the whole system, each strategy
    alone, without feedback, and Atheris on bytes.

    `make soak WHAT=compare` does the same at full size, and goes on where it stopped.
    """
    from triage import compare

    known = list(inputs.known_bugs(bugs)) + compare.draw(draw, seed)
    if not known:
        raise Refused("name bugs with --bug ID, or draw some with --draw N")
    for name in ways:
        if name not in compare.WAYS:
            raise Refused(f"no way is called {name!r}; there are {', '.join(compare.WAYS)}")
    place = inputs.output_file(plot) if plot is not None else None
    chosen = [way for way in compare.WAYS if not ways or way in (*ways, compare.WHOLE)]
    hunts: dict[tuple[str, str, int], dict[str, object]] = {}
    for trial in range(1, trials + 1):
        for bug in dict.fromkeys(known):
            for way in chosen:
                limit = seconds or compare.limit_of(bug)
                made = compare.hunt(way, bug, seed * 1000 + trial, limit)
                hunts[way, bug, trial] = made.to_json()
                what = f"{made.executions:,} executions" if made.found else "not found"
                click.echo(f"{bug}, {way}, trial {trial}: {what}", err=True)
    lines = compare.summarize(hunts, seed)
    if place is not None:
        place.write_text(compare.survival(hunts))
    if as_json:
        write_json(
            {
                "bugs": known,
                "trials": trials,
                "seed": seed,
                "ways": [compare.to_json(line) for line in lines],
                "hunts": [
                    {"way": way, "bug": bug, "trial": trial, **row}
                    for (way, bug, trial), row in hunts.items()
                ],
            }
        )
    else:
        write(table([compare.cells(line) for line in lines], heading=compare.HEADING))
    return OK
