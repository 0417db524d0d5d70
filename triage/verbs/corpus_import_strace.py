# SPDX-License-Identifier: MIT
"""`mmfarm corpus import strace FILE`: what a real program did to its memory, as scenarios."""

from pathlib import Path

import click

from corpus.paths import data_dir
from corpus.recording.report import import_log, write as write_scenarios
from corpus.strace.parse import load
from simulator.run import Machine
from triage import inputs
from triage.exits import FINDING, OK, Refused
from triage.terminal import write, write_json


@click.command()
@click.argument("file", type=click.Path())
@click.option("-o", "out", metavar="DIR", type=click.Path(),
              help="The folder for the scenarios.  [default: strace/ in the corpus of the data "
                   "folder, where `mmfarm run` starts from]")
@click.option("--check", is_flag=True,
              help="Also replay the whole log and compare with what the real kernel answered.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, out: str | None, check: bool, as_json: bool) -> int:
    """Import the log FILE of `strace -f`: mm calls become scenarios.

    Calls that the model does not have yet are listed, never dropped silently. Exit code 1 when
    the model and the real kernel disagree without a known reason.
    """
    try:
        report = import_log(load(Path(file)), Machine() if check else None)
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or error}") from error
    place = out if out is not None else str(data_dir() / "corpus" / "strace")
    files = write_scenarios(report, inputs.output_folder(place))
    if as_json:
        write_json(report.to_json() | {"files": [str(path) for path in files]})
    else:
        write("\n".join(report.lines()))
        write(f"  written: {len(files)} scenarios to {place}")
    return OK if report.ok else FINDING
