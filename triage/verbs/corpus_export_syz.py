# SPDX-License-Identifier: MIT
"""`mmfarm corpus export syz FILE|DIR`: scenarios as syzkaller programs."""

from pathlib import Path
from typing import Final

import click

from corpus import disclosure
from corpus.files import mm_files
from corpus.syz.export import export
from triage import inputs
from triage.exits import OK, SKIPPED, Refused
from triage.terminal import write

_SUFFIX: Final = ".syz"


@click.command()
@click.argument("source", metavar="FILE|DIR", type=click.Path())
@click.option(
    "-o",
    "out",
    metavar="DIR",
    type=click.Path(),
    help="The folder for the programs, one a scenario.  [default: stdout, for a FILE]",
)
def command(source: str, out: str | None) -> int:
    """Write a scenario, or every .mm file below a folder, as a syzkaller program.

    What syzkaller's language cannot say, such as the schedule or kernel threads, stands in
    comments. The programs run with syz-execprog or syz-prog2c.
    """
    try:
        files = mm_files([Path(source)])
    except OSError as error:
        raise Refused(str(error)) from error
    if not files:
        raise Refused(f"{source}: no .mm files below this folder")
    if out is None and Path(source).is_dir():
        raise Refused(f"{source}: a folder: name one for the programs with -o DIR")
    programs = []
    for file in files:
        scenario = inputs.scenario(str(file))
        if disclosure.is_of_one(scenario, file):
            click.echo(f"mmfarm: {file}: not exported: {disclosure.WHY}", err=True)
            continue
        programs.append((file, export(scenario)))
    if not programs:
        return SKIPPED
    if out is None:
        write(programs[0][1].rstrip("\n"))
        return OK
    target = inputs.output_folder(out)
    root = Path(source) if Path(source).is_dir() else Path(source).parent
    for file, text in programs:
        place = (target / file.relative_to(root)).with_suffix(_SUFFIX)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    write(f"written: {len(programs)} programs to {out}")
    return OK
