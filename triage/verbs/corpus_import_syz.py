# SPDX-License-Identifier: MIT
"""`mmfarm corpus import syz FILE|DIR`: programs that syzkaller made, as scenarios."""

from collections import Counter
from pathlib import Path

import click

from corpus.recording.report import Writer, scenario_name
from corpus.syz.report import import_programs
from triage import inputs
from triage.exits import OK, USAGE, Refused
from triage.imports import folder
from triage.terminal import write, write_json


@click.command()
@click.argument("source", metavar="FILE|DIR", type=click.Path())
@click.option(
    "-o",
    "out",
    metavar="DIR",
    type=click.Path(),
    help="The folder for the scenarios.  [default: syz/ in the corpus of the data "
    "folder, where `mmfarm run` starts from]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(source: str, out: str | None, as_json: bool) -> int:
    """Import a syzkaller program in text form, or all files below a folder.

    Memory calls become ops, data that the executor stores becomes stores, async calls go to
    other threads. What the model does not have is listed, never dropped silently. Exit code 2
    when a file or a line of it is no syzkaller program; everything else is imported.
    """
    try:
        programs = import_programs(Path(source))
    except OSError as error:
        raise Refused(f"{error.filename or source}: {error.strerror or error}") from error
    place = folder(out, "syz")
    names = Counter(scenario_name(Path(report.log)) for report in programs.reports)
    for report in programs.reports:
        name = scenario_name(Path(report.log))
        if names[name] > 1:
            raise Refused(
                f"{source}: {names[name]} files whose scenarios would be called "
                f"{name}, such as {report.log}: rename them or import one by one"
            )
    target = inputs.output_folder(place)
    files: list[Path] = []
    for report in programs.reports:
        writer = Writer(Path(report.log), target)
        for scenario in report.scenarios:
            writer(scenario)
        files += writer.files
    for problem in programs.problems:
        click.echo(f"mmfarm: {problem}", err=True)
    if as_json:
        write_json(programs.to_json() | {"files": [str(path) for path in files]})
    else:
        write("\n".join(programs.lines()))
        write(f"  written: {len(files)} scenarios to {place}")
    return USAGE if programs.problems else OK
