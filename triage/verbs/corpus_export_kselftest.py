# SPDX-License-Identifier: MIT
"""`mmfarm corpus export kselftest FILE|DIR -o DIR`: scenarios as selftests of the kernel."""

from pathlib import Path

import click

from corpus import disclosure
from corpus.files import mm_files
from corpus.kselftest.plan import DEFAULT_KERNEL, KERNELS, Selftest
from triage import inputs
from triage.exits import OK, SKIPPED, Refused
from triage.files import write_whole
from triage.terminal import write, write_json


@click.command()
@click.argument("path", metavar="FILE|DIR", type=click.Path())
@click.option(
    "-o", "out", metavar="DIR", required=True, type=click.Path(), help="The folder to write into."
)
@click.option(
    "--kernel",
    type=click.Choice(tuple(KERNELS)),
    default=DEFAULT_KERNEL,
    show_default=True,
    help="Whose tree the files shall fit.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(path: str, out: str, kernel: str, as_json: bool) -> int:
    """Write scenarios as C for tools/testing/selftests/mm: a file for each category.

    Each scenario becomes a test that asserts what the model answers. Where its schedule reaches
    inside of system calls, which user space cannot force, it becomes a bounded stress test. Next
    to the C files there are fragments for Makefile, run_vmtests.sh, .gitignore and config.

    Scenarios that user space cannot do are named with the reason. Exit code 4 when nothing was
    left to export.
    """
    from conformance.selftest import NotExported, selftest
    from corpus.kselftest.source import files

    try:
        sources = mm_files([Path(path)])
    except OSError as error:
        raise Refused(f"{error.filename or path}: {error.strerror or error}") from error
    if not sources:
        raise Refused(f"{path}: no .mm files below this folder")
    scenarios = [(source, inputs.scenario(str(source))) for source in sources]
    folder = inputs.output_folder(out)
    tests: list[Selftest] = []
    reasons: list[tuple[str, str]] = []
    for source, scenario in scenarios:
        if disclosure.is_of_one(scenario, source):
            reasons.append((str(source), disclosure.WHY))
            continue
        try:
            tests.append(selftest(source.stem, scenario, kernel))
        except NotExported as error:
            reasons.append((str(source), str(error)))
    made = files(tests, kernel) if tests else {}
    for name, text in made.items():
        write_whole(folder / name, text)
    if as_json:
        write_json(
            {
                "exported": len(tests),
                "files": [str(folder / name) for name in made],
                "not_exported": [{"file": file, "reason": reason} for file, reason in reasons],
                "stress": [test.name for test in tests if test.race_from is not None],
            }
        )
    else:
        for file, reason in reasons:
            click.echo(f"mmfarm: {file}: not exported: {reason}", err=True)
        write(
            "\n".join(
                [
                    *(str(folder / name) for name in made),
                    f"{len(tests)} of {len(scenarios)} scenarios exported",
                ]
            )
        )
    return OK if tests else SKIPPED
