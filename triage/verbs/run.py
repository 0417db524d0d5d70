# SPDX-License-Identifier: MIT
"""`mmfarm run`: fuzz on this machine, then say what was found and what explains it."""

import os

import click

from corpus.paths import data_dir
from triage.numbers import Seconds


@click.command()
@click.option(
    "--seconds",
    default=60.0,
    show_default=True,
    metavar="N",
    type=Seconds(min=1.0),
    help="How long to fuzz.",
)
@click.option(
    "--bug",
    "bugs",
    multiple=True,
    metavar="ID",
    help="Give the model this known bug again. May be repeated.",
)
@click.option(
    "--focus",
    multiple=True,
    metavar="FUNC,...",
    help="Aim at these functions of the kernel (docs/focus.md). May be repeated.",
)
@click.option(
    "--focus-oracle",
    metavar="NAME",
    help="Aim at the functions that tell this oracle what it judges.",
)
@click.option(
    "--seed-corpus",
    metavar="DIR|none",
    type=click.Path(),
    help="Start from the .mm files below DIR, or from nothing, instead of mmfarm's own.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(),
    help="Keep everything of this run in DIR, not in the data folder.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1, max=256),
    help="How many processes fuzz at a time.  [default: one per CPU]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    seconds: float,
    bugs: tuple[str, ...],
    focus: tuple[str, ...],
    focus_oracle: str | None,
    seed_corpus: str | None,
    out: str | None,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Fuzz the model of Linux mm for N seconds and minimize what is found.

    Exit code 1 with findings, 0 without, 4 when nothing of a bug or focus that was asked for was
    reached. Failures, corpus and statistics stay in the data folder ($MMFARM_DATA, default
    ~/.local/share/mmfarm), from which the next run goes on.
    """
    from triage import inputs  # the model, which --help does not need

    known = inputs.known_bugs(bugs)
    aim = inputs.focus(focus, focus_oracle)
    seeds = inputs.seed_corpus(seed_corpus)
    folder = inputs.output_folder(out if out is not None else str(data_dir()))

    from triage import local  # SQLAlchemy, which a refused request does not wait for

    return local.run(
        local.Request(
            seconds=seconds,
            bugs=known,
            seed_corpus=seeds,
            folder=folder,
            own_folder=out is not None,
            focus=aim,
            jobs=jobs or len(os.sched_getaffinity(0)),
        ),
        as_json,
    )
