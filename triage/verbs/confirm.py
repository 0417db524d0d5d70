# SPDX-License-Identifier: MIT
"""`mmfarm confirm FILE`: does a real kernel do what the model says of this interleaving?"""

import sys
from typing import TYPE_CHECKING, Final

import click

from triage import inputs
from triage.exits import FINDING, INFRASTRUCTURE, OK, SKIPPED, Refused
from triage.names import is_stored
from triage.real_kernel import parsed, skipped
from triage.terminal import BAD, BOLD, GOOD, paint, table, write, write_json

if TYPE_CHECKING:
    from conformance.forced.confirm import Confirmed
    from conformance.kernels import Name
    from simulator.scenario import Scenario

DEFAULT: Final = "debian-7.2"
REPEAT: Final = 5


@click.command()
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "--kernel",
    "names",
    multiple=True,
    metavar="NAME",
    help=f"debian-6.12, debian-6.1.170, file:BZIMAGE[:VMLINUX]; may be given again.  "
    f"[default: {DEFAULT}]",
)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="All kernels that `mmfarm kernels list` has here: present since, fixed in.",
)
@click.option(
    "--repeat",
    default=REPEAT,
    show_default=True,
    metavar="N",
    type=click.IntRange(1, 1000),
    help="How often on each.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, names: tuple[str, ...], every: bool, repeat: int, as_json: bool) -> int:
    """Force the interleaving of the scenario FILE on unmodified kernels in QEMU.

    Each kernel gets a verdict: SAME, it does what the model says, and what is broken shows;
    DIFFERENT, with what differed first; REFUSED, a directive has no address there or what is
    broken does not show; STUCK. Exit code 1 when one is SAME, else 3 when one is STUCK, else 0
    when one is DIFFERENT, and 4 when all were REFUSED or there is no kernel.
    """
    from conformance.debian import Debian

    scenario = inputs.scenario(file)
    if every and names:
        raise Refused("--all and --kernel exclude each other")
    asked = [parsed(name) for name in names or (DEFAULT,)]
    if every:
        versions = dict.fromkeys(offer.version for offer in Debian().cached())
        asked = [parsed(f"debian-{version}") for version in versions]
    if any(name.is_host for name in asked):
        raise Refused("--kernel host: no CPU of this machine's own kernel can be held")
    results, missing = _confirmed(scenario, asked, repeat)
    if not results:
        skipped("; ".join(missing) or "no kernel is here: mmfarm kernels fetch NAME", as_json)
        return SKIPPED
    if is_stored(file):
        _keep(file, results)
    if as_json:
        write_json(
            {
                "file": file,
                "kernels": [each.to_json() for each in results],
                "missing": missing,
                "range": present(results),
            }
        )
    else:
        write(_text(results))
        for reason in missing:
            print(f"mmfarm: skipped: {reason}", file=sys.stderr)
    verdicts = {each.verdict for each in results}
    for verdict, code in (("SAME", FINDING), ("STUCK", INFRASTRUCTURE), ("DIFFERENT", OK)):
        if verdict in verdicts:
            return code
    return SKIPPED


def _keep(file: str, results: "list[Confirmed]") -> None:
    """Write down what was said of a failure, for `mmfarm kernels of`."""
    from datetime import UTC, datetime

    from triage import stored
    from workers.records import ConfirmationRow

    now = datetime.now(UTC)
    stored.confirmed(
        file,
        [
            ConfirmationRow(0, "", e.kernel, e.version, e.verdict, e.k, e.n, e.why, now)
            for e in results
        ],
    )


def _confirmed(
    scenario: "Scenario", names: "list[Name]", repeat: int
) -> "tuple[list[Confirmed], list[str]]":
    """The verdicts, and why a kernel has none."""
    from conformance import kernels, qemu
    from conformance.debian import NoKernel
    from conformance.forced.confirm import Booted, confirm
    from conformance.model import ModelKernel

    reason = qemu.why_not()
    if reason:
        return [], [reason]
    model = ModelKernel()
    results: list[Confirmed] = []
    missing: list[str] = []
    for name in names:
        try:
            image = kernels.resolve(name)
        except NoKernel as error:
            missing.append(f"{name.text}: {error}")
            continue
        with Booted(image) as booted:
            results.append(confirm(name.text, scenario, booted, model, repeat))
        print(f"mmfarm: {name.text}: {results[-1].verdict}", file=sys.stderr)
    return results, missing


def present(results: "list[Confirmed]") -> str:
    """What the verdicts of several kernels, oldest first, say together."""
    shown = [each for each in results if each.verdict == "SAME"]
    if not shown or len(results) < 2:
        return ""
    last = max(i for i, each in enumerate(results) if each.verdict == "SAME")
    gone = next((e.version for e in results[last + 1 :] if e.verdict == "DIFFERENT"), "")
    text = f"present in {shown[0].version}"
    if shown[-1] is not shown[0]:
        text += f" to {shown[-1].version}"
    return f"{text}, gone in {gone}" if gone else text


def _text(results: "list[Confirmed]") -> str:
    colours = {"SAME": BAD, "DIFFERENT": GOOD, "STUCK": BOLD, "REFUSED": BOLD}
    rows = []
    for each in results:
        times = sorted(each.milliseconds)
        rows.append(
            (
                each.kernel,
                each.version,
                paint(each.verdict, colours[each.verdict]),
                f"{each.k} of {each.n}",
                f"{times[len(times) // 2]} ms" if times else "",
                each.why + (" (as the mended model says)" if each.mended else ""),
            )
        )
    parts = [table(rows, heading=("KERNEL", "LINUX", "VERDICT", "", "", "WHY"))]
    parts += [f"{each.kernel} says:\n{each.cry}" for each in results if each.cry]
    parts += [present(results)] if present(results) else []
    return "\n\n".join(parts)
