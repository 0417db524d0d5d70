# SPDX-License-Identifier: MIT
"""A session of random scenarios under random interleavings, from the request to the report.

Contract: as `triage.conform`, on a kernel whose CPUs are held (`conformance.forced.interleave`).
Returns 1 with disagreements, 4 where there is no such kernel, 0 otherwise.
"""

import sys
from contextlib import closing

from conformance import kernels, qemu
from conformance.debian import Image, NoKernel
from conformance.forced.confirm import Booted
from conformance.forced.interleave import Disagreed, Figures, finding, interleave
from conformance.model import ModelKernel
from corpus.text import dump
from triage.conform import Request
from triage.exits import FINDING, OK, SKIPPED, Refused
from triage.real_kernel import parsed, skipped
from triage.terminal import table, write, write_json
from workers.settings import database_url
from workers.store import Store


def run(request: Request, kernel_name: str, as_json: bool) -> int:
    """Fuzz, store, report."""
    name = parsed(kernel_name)
    if name.is_host:
        raise Refused("--interleave needs a kernel to hold: --kernel debian-6.12, for example")
    try:
        image = _image(name)
    except NoKernel as missing:
        skipped(missing, as_json)
        return SKIPPED
    figures = Figures()
    found: list[tuple[int, Disagreed]] = []
    with Booted(image) as booted, closing(Store.open(database_url(request.folder))) as store:
        session = interleave(
            booted,
            ModelKernel(),
            figures,
            seed=request.seed,
            seconds=request.seconds,
            scenarios=request.scenarios,
        )
        for each in session:
            if each is not None:
                number = store.record(finding(each)).failure_id
                found.append((number, each))
                print(f"mmfarm: failure {number}: {each.otherwise}", file=sys.stderr)
    if as_json:
        write_json(_json(figures, found))
    else:
        write(_text(figures, found))
    return FINDING if found else OK


def _image(name: kernels.Name) -> Image:
    reason = qemu.why_not()
    if reason:
        raise NoKernel(reason)
    return kernels.resolve(name)


def _text(figures: Figures, found: list[tuple[int, Disagreed]]) -> str:
    rate = figures.counted / figures.cpu_seconds if figures.cpu_seconds else 0.0
    parts = [
        f"{figures.counted:,} scenarios in which somebody was held while another actor ran "
        f"({rate:.1f} a second of the guest's CPU), at {len(figures.sites)} sites; "
        f"{figures.waits:,} waits as predicted; {sum(figures.refused.values()):,} refused, "
        f"{sum(figures.stuck.values()):,} stuck, {figures.not_again:,} differed once only"
    ]
    for counter, word in ((figures.refused, "REFUSED"), (figures.stuck, "STUCK")):
        if counter:
            parts.append(table([(k, str(n)) for k, n in counter.most_common()], (word, "")))
    if found:
        parts.append(table([(str(n), d.otherwise) for n, d in found], ("FAILURE", "DIFFERS")))
    elif figures.counted:
        parts.append("Model and kernel agree.")
    return "\n\n".join(parts)


def _json(figures: Figures, found: list[tuple[int, Disagreed]]) -> dict[str, object]:
    return {
        "tried": figures.tried,
        "counted": figures.counted,
        "agreed": figures.agreed,
        "refused": dict(figures.refused),
        "stuck": dict(figures.stuck),
        "differed_once": figures.not_again,
        "sites": dict(figures.sites),
        "waits": figures.waits,
        "guest_cpu_seconds": round(figures.cpu_seconds, 2),
        "disagreements": [
            {
                "failure": number,
                "otherwise": each.otherwise,
                "cry": each.cry,
                "scenario": dump(each.scenario),
            }
            for number, each in found
        ],
    }
