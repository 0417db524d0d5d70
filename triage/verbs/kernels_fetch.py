# SPDX-License-Identifier: MIT
"""`mmfarm kernels fetch NAME...`: download kernels of Debian."""

import click

from triage.exits import OK, SKIPPED, Refused
from triage.real_kernel import parsed, skipped
from triage.terminal import write, write_json


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--debug", is_flag=True, help="Their debug information, too: some 350 MB each, 400 MB on disk."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(names: tuple[str, ...], debug: bool, as_json: bool) -> int:
    """Download kernels by the names that `--kernel` takes: debian-6.12 is the newest that
    Debian has of 6.12, debian-6.12.118 exactly that one.

    Packages of all suites are asked for with a configuration of its own; nothing is installed.
    Exit code 4 when one is not to be had.
    """
    from conformance import kernels
    from conformance.debian import Debian, NoKernel

    asked = [parsed(name) for name in names]
    for name in asked:
        if not name.version or name.flavour:
            raise Refused(f"{name.text} is not Debian's: nothing to fetch")
    fetched = []
    try:
        for name in asked:
            image = kernels.resolve(name)
            if debug:
                Debian().debug(image.version)
            fetched.append({"name": f"debian-{image.version}", "folder": str(image.folder)})
    except NoKernel as missing:
        skipped(missing, as_json)
        return SKIPPED
    if as_json:
        write_json(fetched)
    else:
        for each in fetched:
            write(f"{each['name']}  {each['folder']}")
    return OK
