# SPDX-License-Identifier: MIT
"""`mmfarm kernels list`: the kernels that are here, and with `--all` those that Debian has."""

import click

from triage.exits import OK, SKIPPED
from triage.real_kernel import skipped
from triage.terminal import table, write, write_json


@click.command()
@click.option(
    "--all",
    "offered",
    is_flag=True,
    help="Also what Debian's suites offer; asks apt, which may fetch their lists.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(offered: bool, as_json: bool) -> int:
    """List kernels by the names that `--kernel` takes, oldest first.

    `debug` is whether debug information is here, too, by which more sites have addresses.
    """
    from conformance import own
    from conformance.debian import Debian, NoKernel

    debian = Debian()
    offers = debian.cached()
    if offered:
        there = {offer.package for offer in offers}
        try:
            offers += [offer for offer in debian.offered() if offer.package not in there]
        except NoKernel as missing:
            skipped(missing, as_json)
            return SKIPPED
    rows = [
        {
            "name": offer.name,
            "package": offer.package.name,
            "debian": offer.package.version,
            "cached": offer.cached,
            "debug": offer.cached and debian.has_debug(offer),
        }
        for offer in offers
    ]
    rows += [
        {"name": name, "package": "", "debian": "", "cached": True, "debug": True}
        for name, _ in own.built()
    ]
    if as_json:
        write_json({"folder": str(debian.folder), "kernels": rows})
        return OK
    write(
        table(
            [
                (
                    str(row["name"]),
                    "here" if row["cached"] else "",
                    "debug" if row["debug"] else "",
                    str(row["debian"]),
                    str(row["package"]),
                )
                for row in rows
            ],
            heading=("NAME", "", "", "DEBIAN", "PACKAGE"),
        )
    )
    write(
        f"\n{sum(row['cached'] is True for row in rows)} in {debian.folder}; "
        "another: mmfarm kernels fetch NAME, mmfarm kernels build own-7.2+hmm"
    )
    return OK
