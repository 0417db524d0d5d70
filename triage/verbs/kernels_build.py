# SPDX-License-Identifier: MIT
"""`mmfarm kernels build NAME...`: make kernels of our own from Debian's source."""

import click

from triage.exits import OK, SKIPPED, Refused
from triage.real_kernel import parsed, skipped
from triage.terminal import write, write_json


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--jobs",
    default=2,
    show_default=True,
    metavar="N",
    type=click.IntRange(1, 64),
    help="Compilers at a time, each with at most 4 GiB; all of them are niced.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(names: tuple[str, ...], jobs: int, as_json: bool) -> int:
    """Build kernels once, and keep them: own-7.2+hmm has device memory and its test driver,
    own-7.2+kasan also what makes a kernel complain by itself (KASAN, lockdep, page table checks).

    The source is Debian's newest linux-source of that version, 150 MB to download; the build takes
    some minutes and 3 GB, of which 300 MB are kept. Exit code 4 where a tool or the source is
    missing.
    """
    from conformance import own
    from conformance.debian import NoKernel

    asked = [parsed(name) for name in names]
    for name in asked:
        if not name.flavour:
            forms = ", ".join(f"own-7.2+{each}" for each in own.FLAVOURS)
            raise Refused(f"{name.text} is no kernel of ours: they are named like {forms}")
    built = []
    try:
        for name in asked:
            image = own.build(name.version, name.flavour, jobs=jobs)
            full = f"own-{image.version}+{name.flavour}"
            built.append({"name": full, "folder": str(image.folder)})
    except NoKernel as missing:
        skipped(missing, as_json)
        return SKIPPED
    if as_json:
        write_json(built)
    else:
        for each in built:
            write(f"{each['name']}  {each['folder']}")
    return OK
