# SPDX-License-Identifier: MIT
"""`mmfarm bundle FILE -o FILE`: a failing scenario and all about it in one file."""

import json

import click

from triage import inputs, names
from triage.exits import OK
from triage.terminal import write


@click.command()
@click.argument("file", type=click.Path())
@click.option("-o", "out", required=True, type=click.Path(), help="The file to write.")
def command(file: str, out: str) -> int:
    """Write the failing scenario FILE, what it breaks, its drawing, its certificate and what
    real kernels have said into one file, which `mmfarm replay` and every other verb take on
    another machine."""
    from corpus import disclosure
    from corpus.paths import data_dir  # and the model, which --help does not need
    from triage import bundle, failures, stored
    from triage.exits import Refused
    from triage.explain import explain
    from triage.files import write_whole

    scenario = inputs.scenario(file)
    target = inputs.output_file(out)
    certificate = None
    kernels: list[dict[str, object]] = []
    if names.is_stored(file):
        kernels = [
            {"version": e.version, "verdict": e.verdict, "same": e.same, "tried": e.tried}
            for e in stored.confirmations(file)
        ]
        found = names.parsed(file)
        if found is not None and found[0] == names.FAILURE:
            detail = failures.detail(data_dir(), found[1])
            failures.exportable(detail)
            certificate = detail.certificate
    explanation = explain(scenario, out)
    if explanation is None:
        raise inputs.passes(file, scenario, "bundle")
    if disclosure.shows_one(scenario, explanation.violation.signature):
        raise Refused(f"{file}: not exported: {disclosure.WHY}")
    document = bundle.make(explanation, file, certificate, kernels)
    write_whole(target, json.dumps(document, indent=1, sort_keys=True) + "\n")
    write(f"{out}: {explanation.violation.signature}\n{explanation.replay}")
    return OK
