# SPDX-License-Identifier: MIT
"""`mmfarm corpus import strace FILE`: what a real program did to its memory, as scenarios."""

import click

from corpus.strace.parse import load
from triage.imports import recording


@click.command()
@click.argument("file", type=click.Path())
@click.option(
    "-o",
    "out",
    metavar="DIR",
    type=click.Path(),
    help="The folder for the scenarios.  [default: strace/ in the corpus of the data "
    "folder, where `mmfarm run` starts from]",
)
@click.option(
    "--check",
    is_flag=True,
    help="Also replay the whole log and compare with what the real kernel answered.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, out: str | None, check: bool, as_json: bool) -> int:
    """Import the log FILE of `strace -f`: mm calls become scenarios.

    Calls that the model does not have yet are listed, never dropped silently. Exit code 1 when
    the model and the real kernel disagree without a known reason.
    """
    return recording(load, file, out, check, as_json)
