# SPDX-License-Identifier: MIT
"""`mmfarm mail FILE`: a finding as the mail that the kernel's documents ask for."""

import sys

import click

from triage import inputs, names
from triage.exits import OK, Refused
from triage.terminal import write, write_json


@click.command()
@click.argument("file", type=click.Path())
@click.option(
    "--fixes",
    default="",
    metavar="COMMIT",
    help='The commit that brought it, if you know: 0123456789ab ("subject").',
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, fixes: str, as_json: bool) -> int:
    """Write a mail about the failing scenario FILE, or the failure F12: plain text, one screen,
    the exact versions and conditions, what real kernels have said, and the reproducer. Read it
    before you send it; stderr says whom to ask for its recipients."""
    from corpus import disclosure  # and the model, which --help does not need
    from corpus.paths import data_dir
    from triage import failures, mail, stored
    from triage.closer import look
    from triage.explain import explain

    if fixes and not mail.FIXES.fullmatch(fixes):
        raise Refused('--fixes: at least 12 digits and the subject: 0123456789ab ("mm: subject")')
    scenario = inputs.scenario(file)
    certificate, kernels = None, []
    found = names.parsed(file) if names.is_stored(file) else None
    if found is not None and found[0] == names.FAILURE:
        detail = failures.detail(data_dir(), found[1])
        failures.exportable(detail)
        certificate, kernels = detail.certificate, stored.confirmations(file)
    explanation = explain(scenario, file)
    if explanation is None:
        raise inputs.passes(file, scenario, "mail")
    if disclosure.shows_one(scenario, explanation.violation.signature):
        raise Refused(f"{file}: not written: {disclosure.WHY}; tell them in private first")
    closer = look(scenario, explanation.outcome, certificate)
    text = mail.compose(explanation, closer, kernels, fixes)
    to = mail.recipients(explanation)
    if as_json:
        write_json({"mail": text, "recipients": to})
        return OK
    write(text)
    print(f"mmfarm: to whom, in a tree of Linux: {to}", file=sys.stderr)
    return OK
