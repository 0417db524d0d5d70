# SPDX-License-Identifier: MIT
"""`mmfarm triage export ID -o DIR`: one failure as files that can be sent."""

import click

from corpus.paths import data_dir
from triage.exits import OK
from triage.saying import failure
from triage.terminal import write, write_json


@click.command()
@failure
@click.option("-o", "out", required=True, type=click.Path(), help="The folder to write into.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(number: int, out: str, as_json: bool) -> int:
    """Write the failure ID as .mm, text, JSON, HTML and SVG into the folder DIR."""
    from triage import failures, inputs  # SQLAlchemy and the model, which --help does not need
    from triage.export import export

    found = failures.detail(data_dir(), number)
    failures.exportable(found)
    folder = inputs.output_folder(out)
    scenario = failures.best_scenario(found)
    paths = export(scenario, failures.file_stem(found), folder)
    if as_json:
        write_json({"files": [str(path) for path in paths]})
    else:
        write("\n".join(str(path) for path in paths))
        if len(paths) == 1 and not failures.is_disagreement(found.failure):
            click.echo("mmfarm: it passes on this model, so there is only the scenario", err=True)
    return OK
