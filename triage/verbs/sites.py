# SPDX-License-Identifier: MIT
"""`mmfarm sites [FUNCTION]`: the model's sites, and where they are in a real kernel."""

import click

from triage.exits import OK, SKIPPED, Refused
from triage.real_kernel import parsed, skipped
from triage.terminal import table, write, write_json


@click.command()
@click.argument("function", default="", metavar="[FUNCTION]")
@click.option(
    "--kernel",
    "kernel_name",
    default="",
    metavar="NAME",
    help="Their addresses in this kernel, too: debian-6.12, for example.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(function: str, kernel_name: str, as_json: bool) -> int:
    """List the sites of the model, or of one FUNCTION; with --kernel by which rule they are found
    there, at which addresses, and which share of them.

    The first question about a kernel boots it and reads its debug information, if that is there
    (`mmfarm kernels fetch --debug NAME`); the answers are kept.
    """
    from conformance.forced.rules import NO_CODE
    from simulator.sites import NAMES

    names = [name for name in NAMES if name and function in ("", name.partition(":")[0])]
    if not names:
        raise Refused(f"no function {function} has sites; `mmfarm sites` lists them")
    if not kernel_name:
        if as_json:
            write_json([{"site": name, "no_code": NO_CODE.get(name, "")} for name in names])
        else:
            write(table([(name, NO_CODE.get(name, "")) for name in names]))
        return OK
    asked = parsed(kernel_name)
    if not asked.version and asked.bzimage is None:
        raise Refused("--kernel host: its code cannot be read")
    from conformance import kernels, qemu
    from conformance.debian import NoKernel
    from conformance.forced.confirm import Booted

    reason = qemu.why_not()
    if reason:
        skipped(reason, as_json)
        return SKIPPED
    try:
        image = kernels.resolve(asked)
    except NoKernel as missing:
        skipped(missing, as_json)
        return SKIPPED
    with Booted(image) as booted:
        places = booted.build.sites
        functions = booted.build.functions
    rows = [
        {
            "site": name,
            "rule": places[name].rule if name in places else "",
            "addresses": [f"{at:x}" for at in places[name].addresses] if name in places else [],
            "function": name.partition(":")[0] in functions,
            "no_code": NO_CODE.get(name, ""),
        }
        for name in names
    ]
    counted = [row for row in rows if not row["no_code"]]
    there = [row for row in counted if row["function"] or row["rule"]]
    found = [row for row in counted if row["rule"]]
    share = len(found) / len(there) if there else 0.0
    if as_json:
        write_json(
            {
                "kernel": kernel_name,
                "version": image.version,
                "debug": image.vmlinux.exists(),
                "sites": rows,
                "found": len(found),
                "of_functions_there": len(there),
                "share": round(share, 3),
            }
        )
        return OK
    write(
        table(
            [
                (
                    str(row["site"]),
                    str(row["rule"])
                    or str(row["no_code"])
                    or ("no rule finds it" if row["function"] else "no such function"),
                    " ".join(map(str, row["addresses"][:3]))
                    if isinstance(row["addresses"], list)
                    else "",
                )
                for row in rows
            ],
            heading=("SITE", "RULE", "ADDRESSES"),
        )
    )
    write(
        f"\nLinux {image.version}, {'with' if image.vmlinux.exists() else 'without'} debug "
        f"information: {len(found)} of {len(there)} sites of functions that it has ({share:.0%}); "
        f"{len(counted) - len(there)} sites are of functions that it does not have"
    )
    return OK
