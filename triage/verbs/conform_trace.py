# SPDX-License-Identifier: MIT
"""`mmfarm conform trace [FILE|DIR]`: does a real kernel take the model's steps in that order?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from corpus.files import SCENARIOS, mm_files
from triage import inputs
from triage.exits import FINDING, OK, SKIPPED, Refused
from triage.real_kernel import parsed, skipped
from triage.terminal import table, write, write_json

if TYPE_CHECKING:
    from conformance.forced.trace import Followed

DEFAULT: Final = "debian-7.2"


@click.command()
@click.argument("path", metavar="[FILE|DIR]", type=click.Path(), default=str(SCENARIOS))
@click.option(
    "--kernel",
    "kernel_name",
    default=DEFAULT,
    metavar="NAME",
    show_default=True,
    help="One that is booted in QEMU: debian-6.12, own-7.2+hmm.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(path: str, kernel_name: str, as_json: bool) -> int:
    """Compare the order of steps: with a breakpoint at every site of a real kernel, the sites that
    each op of the scenarios comes to are those that the model's op comes to.

    Without FILE|DIR it is the whole collection. What the two do otherwise on purpose is a short
    table with reasons (conformance/forced/departures.py). Exit code 1 when an op differs, 4 when
    all scenarios were skipped or there is no such kernel.
    """
    from conformance import kernels, qemu
    from conformance.debian import NoKernel
    from conformance.forced.confirm import Booted
    from conformance.forced.trace import AGREES, DIFFERS, follow
    from conformance.model import ModelKernel

    name = parsed(kernel_name)
    if name.is_host:
        raise Refused("--kernel host: no CPU of this machine's own kernel can be held")
    try:
        files = mm_files([Path(path)])
    except OSError as error:
        raise Refused(f"{error.filename or path}: {error.strerror or error}") from error
    if not files:
        raise Refused(f"{path}: no .mm files below this folder")
    scenarios = [(str(file), inputs.scenario(str(file))) for file in files]
    reason = qemu.why_not()
    try:
        if reason:
            raise NoKernel(reason)
        image = kernels.resolve(name)
    except NoKernel as missing:
        skipped(missing, as_json)
        return SKIPPED
    model = ModelKernel()
    results: list[tuple[str, Followed]] = []
    with Booted(image) as booted:
        for file, scenario in scenarios:
            results.append((file, follow(booted, scenario, model)))
            if results[-1][1].verdict == DIFFERS:
                print(f"mmfarm: {file}: {results[-1][1].difference}", file=sys.stderr)
    verdicts = [followed.verdict for _, followed in results]
    if as_json:
        write_json({"kernel": kernel_name, "version": image.version, **_json(results)})
    else:
        write(_text(results))
    if DIFFERS in verdicts:
        return FINDING
    return OK if AGREES in verdicts else SKIPPED


def _json(results: "list[tuple[str, Followed]]") -> dict[str, object]:
    return {
        "files": [{"file": file, **followed.to_json()} for file, followed in results],
        "ops": sum(followed.ops for _, followed in results),
        "steps": sum(followed.steps for _, followed in results),
        "sites": sorted({site for _, followed in results for site in followed.sites}),
    }


def _text(results: "list[tuple[str, Followed]]") -> str:
    rows = [
        (followed.verdict, file, str(followed.difference or followed.why))
        for file, followed in results
    ]
    parts = [table(rows)]
    for file, followed in results:
        if followed.difference is not None:
            model, kernel = followed.difference.around()
            parts.append(
                f"{file}, op {followed.difference.uid}, around step "
                f"{followed.difference.step + 1}:\n"
                f"  model   {' '.join(model)}\n  kernel  {' '.join(kernel)}"
            )
    verdicts = [followed.verdict for _, followed in results]
    sites = {site for _, followed in results for site in followed.sites}
    parts.append(
        f"{verdicts.count('agrees')} agree, {verdicts.count('differs')} differ, "
        f"{verdicts.count('skipped')} skipped; "
        f"{sum(followed.ops for _, followed in results):,} ops with "
        f"{sum(followed.steps for _, followed in results):,} steps at {len(sites)} sites are the "
        "same on both sides"
    )
    return "\n\n".join(parts)
