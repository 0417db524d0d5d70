# SPDX-License-Identifier: MIT
"""`mmfarm corpus verify [DIR]`: does every scenario still do what its headers say?"""

from pathlib import Path
from typing import Final

import click

from corpus.files import PACKAGE, mm_files
from corpus.verify import verify
from simulator.run import Machine
from triage.exits import FINDING, OK, USAGE, Refused
from triage.terminal import write, write_json

UNREADABLE: Final = "text"  # the rule of a file that is no scenario at all


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(folder: str | None, as_json: bool) -> int:
    """Check every .mm file below DIR (default: the corpus that mmfarm carries).

    Each file must be canonical text, break exactly the promise its `# expect:` header names or
    none, have no dead directive, and, when it asks for a known bug, pass without that bug.
    Exit code 1 when a file does something else, 2 when one is no scenario at all.
    """
    root = Path(folder) if folder is not None else PACKAGE
    try:
        files = mm_files([root])
        problems = verify(files, Machine())
    except OSError as error:
        raise Refused(f"{error.filename or root}: {error.strerror or error}") from error
    if not files:
        raise Refused(f"{root}: no .mm files below this folder")
    bad = {problem.file for problem in problems}
    if as_json:
        write_json(
            {
                "files": len(files),
                "good": len(files) - len(bad),
                "problems": [problem.to_json() for problem in problems],
            }
        )
    else:
        for problem in problems:
            click.echo(str(problem), err=True)
        write(f"{len(files) - len(bad)} of {len(files)} scenarios do what they say")
    if any(problem.rule == UNREADABLE for problem in problems):
        return USAGE
    return FINDING if problems else OK
