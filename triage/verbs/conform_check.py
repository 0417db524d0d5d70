# SPDX-License-Identifier: MIT
"""`mmfarm conform check FILE|DIR`: do scenarios go the same way in the model and in a kernel?"""

from pathlib import Path

import click

from corpus.files import mm_files
from triage import inputs, names, real_kernel
from triage.exits import FINDING, OK, SKIPPED, Refused
from triage.terminal import table, write, write_json


@click.command()
@click.argument("path", metavar="FILE|DIR", type=click.Path())
@real_kernel.option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(path: str, kernel_name: str, as_json: bool) -> int:
    """Run scenarios on a real kernel and on the model, and compare after every op.

    Both sides run with pmd_order=9 and Linux's constants, whatever the scenario's config says,
    without its known bugs, and the model as that version of Linux. A scenario that the kernel
    cannot run is skipped, with the reason. Exit code 1 when one disagrees, 4 when all were
    skipped.
    """
    from conformance.check import check
    from conformance.model import ModelKernel

    try:
        files = [path] if names.is_stored(path) else [str(f) for f in mm_files([Path(path)])]
    except OSError as error:
        raise Refused(f"{error.filename or path}: {error.strerror or error}") from error
    if not files:
        raise Refused(f"{path}: no .mm files below this folder")
    scenarios = [(file, inputs.scenario(file)) for file in files]
    asked = real_kernel.asked(kernel_name, as_json)
    if asked is None:
        return SKIPPED
    model = ModelKernel()
    with asked as kernel:
        results = [(name, check(scenario, model, kernel)) for name, scenario in scenarios]
    verdicts = [checked.verdict for _, checked in results]
    if as_json:
        write_json(
            {
                "files": [
                    {
                        "file": name,
                        "verdict": checked.verdict,
                        "reason": checked.skipped,
                        "disagreement": checked.disagreement.to_json()
                        if checked.disagreement
                        else None,
                    }
                    for name, checked in results
                ],
                "agree": verdicts.count("agrees"),
                "disagree": verdicts.count("disagrees"),
                "skipped": verdicts.count("skipped"),
            }
        )
    else:
        write(
            table(
                [
                    (checked.verdict, name, checked.skipped or str(checked.disagreement or ""))
                    for name, checked in results
                ]
            )
        )
        write(
            f"\n{verdicts.count('agrees')} agree, {verdicts.count('disagrees')} disagree, "
            f"{verdicts.count('skipped')} skipped"
        )
    if "disagrees" in verdicts:
        return FINDING
    return OK if "agrees" in verdicts else SKIPPED
