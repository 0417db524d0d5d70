# SPDX-License-Identifier: MIT
"""A session of differential fuzzing, from the request to the report.

Contract: shows its progress on stderr and one report on stdout. What is found is stored when it
is found, so an interrupt loses nothing of it. Returns 1 with disagreements, 3 when there were
troubles (`conformance.fuzz`) and nothing else, 0 otherwise.
"""

import os
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.fuzz import Figures, Found, finding, fuzz
from conformance.kernel import RealKernel
from conformance.model import ModelKernel
from corpus.text import dump
from simulator.build import build_id, mode
from triage.exits import FINDING, INFRASTRUCTURE, OK
from triage.results import signature_json
from triage.terminal import BAD, BOLD, fields, paint, table, write, write_json
from workers.settings import database_url
from workers.store import Store

QUIET_SECONDS: Final = 10.0  # between two lines of progress


@dataclass(frozen=True, slots=True)
class Request:
    """`scenarios` 0: as many as there is time for."""

    seconds: float
    scenarios: int
    seed: int
    folder: Path


@dataclass(slots=True)
class Report:
    figures: Figures
    found: list[tuple[int, Found]]  # with the number in the store
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # of this process and of the kernel's side

    @property
    def per_cpu_second(self) -> float:
        return self.figures.scenarios / self.cpu_seconds if self.cpu_seconds else 0.0

    @property
    def success(self) -> float:
        """The part of the ops that did not fail in the kernel."""
        return self.figures.succeeded / self.figures.ops if self.figures.ops else 0.0


def run(request: Request, kernel: RealKernel, as_json: bool) -> int:
    """Fuzz, store, report; the kernel is closed then. Raises KeyboardInterrupt after the report
    of an interrupted run."""
    report = Report(Figures(), [])
    interrupt: KeyboardInterrupt | None = None
    with kernel, closing(Store.open(database_url(request.folder))) as store:
        began, cpu_began = time.monotonic(), _cpu_seconds()
        try:
            _fuzz(request, kernel, store, report)
        except KeyboardInterrupt as stopped:
            interrupt = stopped
        kernel.close()  # children's time is known when they have ended
        report.seconds = time.monotonic() - began
        report.cpu_seconds = _cpu_seconds() - cpu_began
    if as_json:
        write_json(_json(request, report))
    else:
        write(_text(report))
    if interrupt is not None:
        raise interrupt
    if report.found:
        return FINDING
    return INFRASTRUCTURE if report.figures.troubles else OK


def _fuzz(request: Request, kernel: RealKernel, store: Store, report: Report) -> None:
    said = time.monotonic()
    session = fuzz(
        ModelKernel(),
        kernel,
        report.figures,
        seed=request.seed,
        seconds=request.seconds,
        scenarios=request.scenarios,
    )
    for found in session:
        if found is not None:
            number = store.record(finding(found)).failure_id
            report.found.append((number, found))
            print(f"mmfarm: failure {number}: {found.signature}", file=sys.stderr)
        if time.monotonic() - said > QUIET_SECONDS:
            said = time.monotonic()
            print(f"mmfarm: {report.figures.scenarios:,} scenarios", file=sys.stderr)


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _text(report: Report) -> str:
    figures = report.figures
    parts = [
        f"{figures.scenarios:,} scenarios on both sides in {report.seconds:.0f} s "
        f"({report.per_cpu_second:,.0f}/s on one core, {mode()} model), "
        f"{figures.ops:,} ops, {report.success:.0%} of them succeeded in the kernel, "
        f"{figures.skipped:,} skipped"
    ]
    if report.found:
        rows = [
            (
                f"{number}  {found.signature}",
                str(figures.sightings[found.signature]),
                str(len(found.scenario.ops)),
            )
            for number, found in report.found
        ]
        parts.append(table(rows, heading=("DISAGREEMENT", "SEEN", "OPS")))
        number, found = min(report.found, key=lambda each: len(each[1].scenario.ops))
        parts.append(
            fields(
                [
                    ("explain", paint(f"mmfarm triage show {number}", BOLD)),
                    ("differs", str(found.disagreement)),
                ]
            )
        )
    else:
        parts.append("Model and kernel agree.")
    if figures.troubles:
        reason = figures.troubles[0].reason
        parts.append(
            paint(
                f"trouble: {len(figures.troubles)} scenarios, see --json; the first: {reason}", BAD
            )
        )
    return "\n\n".join(parts)


def _json(request: Request, report: Report) -> dict[str, object]:
    figures = report.figures
    return {
        "seed": request.seed,
        "scenarios": figures.scenarios,
        "skipped": figures.skipped,
        "ops": figures.ops,
        "ops_succeeded": figures.succeeded,
        "success": round(report.success, 4),
        "seconds": round(report.seconds, 3),
        "cpu_seconds": round(report.cpu_seconds, 3),
        "scenarios_per_cpu_second": round(report.per_cpu_second, 1),
        "disagreements": [
            {
                "failure": number,
                "signature": signature_json(found.signature),
                "seen": figures.sightings[found.signature],
                "scenario": dump(found.scenario),
                **found.disagreement.to_json(),
            }
            for number, found in report.found
        ],
        "troubles": [
            {"scenario": dump(trouble.scenario), "reason": trouble.reason}
            for trouble in figures.troubles
        ],
        "mode": mode(),
        "build_id": build_id(),
    }
