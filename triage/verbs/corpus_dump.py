# SPDX-License-Identifier: MIT
"""`mmfarm corpus dump -o DIR`: what fuzzing gathered, as .mm files."""

import click

from triage.exits import OK
from triage.terminal import write, write_json


@click.command()
@click.option(
    "-o", "out", required=True, type=click.Path(), metavar="DIR", help="The folder to write into."
)
@click.option(
    "--since",
    default=0,
    metavar="N",
    type=click.IntRange(min=0),
    help="Only entries above the number N, which an earlier dump has named.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(out: str, since: int, as_json: bool) -> int:
    """Write the corpus of the store into DIR, a file an entry, named by its hash."""
    from triage import farm, inputs  # SQLAlchemy and the model, which --help does not need
    from triage.corpus_dump import dump

    folder = inputs.output_folder(out)
    with farm.opened() as store:
        written, last = dump(store, folder, since)
    if as_json:
        write_json({"files": written, "last": last})
    else:
        write(f"{written:,} files in {out}; `--since {last}` next time for what is new then")
    return OK
