# SPDX-License-Identifier: MIT
"""`mmfarm corpus import perf FILE`: what a real program did to its memory, as scenarios."""

import click

from corpus.perf.parse import load
from triage.imports import recording


@click.command()
@click.argument("file", type=click.Path())
@click.option(
    "-o",
    "out",
    metavar="DIR",
    type=click.Path(),
    help="The folder for the scenarios.  [default: perf/ in the corpus of the data "
    "folder, where `mmfarm run` starts from]",
)
@click.option(
    "--check",
    is_flag=True,
    help="Also replay the whole log and compare with what the real kernel answered.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, out: str | None, check: bool, as_json: bool) -> int:
    """Import the text FILE of `perf trace -F all --syscalls -o FILE`.

    Memory calls become ops, as of strace. Page faults show touches, which strace does not: they
    become loads and stores, as far as the text tells them apart. What the model does not have
    is listed, never dropped silently. Exit code 1 when the model and the real kernel disagree
    without a known reason.
    """
    return recording(load, file, out, check, as_json)
