# SPDX-License-Identifier: MIT
"""The order of steps of the collection's scenarios, on real kernels and in the model.

    make soak WHAT=trace [ARGS="--kernel debian-7.2 --every N"]

A case is one scenario on one kernel; `--every` takes each N-th only. Those that user space cannot
run are cases, too, and counted by reason. A kernel that is not here is fetched, with its debug
information.
"""

import re
import sys
from collections import Counter
from typing import Final

from conformance import kernels, qemu
from conformance.debian import Debian, NoKernel
from conformance.forced import departures
from conformance.forced.confirm import Booted
from conformance.forced.trace import AGREES, DIFFERS, SKIPPED, follow
from conformance.model import ModelKernel
from corpus.files import SCENARIOS, mm_files
from corpus.text import load
from simulator.build import build_id
from tests.soak import frame
from tests.soak.frame import ROOT, Plan, Row, Table

NAME: Final = "trace"
BAR: Final = (
    "No op takes its steps in another order than the model's, but for the listed departures."
)
KERNELS: Final = ("debian-7.2", "debian-7.3", "debian-6.12")
_NUMBER: Final = re.compile(r"\b[0-9]+\b")


class Guests:
    """One kernel at a time."""

    def __init__(self) -> None:
        self._name = ""
        self._booted: Booted | None = None

    def of(self, name: str) -> Booted:
        if self._booted is None or name != self._name:
            self.close()
            image = kernels.resolve(kernels.parse(name))
            if name.startswith("debian-"):
                Debian().debug(image.version)
            self._name, self._booted = name, Booted(image)
        return self._booted

    def close(self) -> None:
        if self._booted is not None:
            self._booted.close()
            self._booted = None


def measure(case: str, guests: Guests, model: ModelKernel) -> Row:
    name, _, file = case.partition(" ")
    booted = guests.of(name)
    followed = follow(booted, load(ROOT / file), model)
    row = followed.to_json()
    found = followed.difference
    return {
        "version": booted.image.version,
        "verdict": row["verdict"],
        "why": row["why"],
        "forced": row["forced"],
        "ops": row["ops"],
        "steps": row["steps"],
        "sites": sorted(followed.sites),
        "differs": "" if found is None else str(found),
    }


def table(rows: dict[str, Row], cases: list[str]) -> Table:
    lines: list[tuple[str, ...]] = []
    skips: Counter[str] = Counter()
    broken: list[str] = []
    for name in dict.fromkeys(case.partition(" ")[0] for case in cases):
        ours = {case: rows[case] for case in cases if case in rows and case.startswith(f"{name} ")}
        if not ours:
            continue
        verdicts = Counter(row["verdict"] for row in ours.values())
        same = [row for row in ours.values() if row["verdict"] == AGREES]
        lines.append(
            (
                next(iter(ours.values()))["version"],
                str(len(ours)),
                str(verdicts[AGREES]),
                str(sum(row["forced"] for row in same)),
                str(verdicts[DIFFERS]),
                str(verdicts[SKIPPED]),
                f"{sum(row['ops'] for row in ours.values()):,}",
                f"{sum(row['steps'] for row in ours.values()):,}",
                str(len({site for row in ours.values() for site in row["sites"]})),
            )
        )
        skips.update(_NUMBER.sub("N", row["why"])[:90] for row in ours.values() if row["why"])
        broken += [f"{case}: {row['differs']}" for case, row in ours.items() if row["differs"]]
    remarks = [
        f"{departures.count()} departures are listed in conformance/forced/departures.py.",
        "Skipped, by reason: " + "; ".join(f"{why} ({n})" for why, n in skips.most_common()) + ".",
    ]
    heading = ("Linux", "scenarios", "agree", "of them under directives", "differ", "skipped")
    done = sum(case in rows for case in cases)
    return Table(
        done,
        len(cases),
        "scenarios on kernels",
        (*heading, "ops", "steps", "sites"),
        lines,
        broken,
        remarks,
    )


def main() -> int:
    parser = frame.parser(__doc__)
    parser.add_argument("--kernel", action="append", metavar="NAME", help="instead of all three")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th scenario")
    options = parser.parse_args()
    reason = qemu.why_not()
    if reason:
        print(f"{NAME}: skipped: {reason}", file=sys.stderr)
        return frame.MISSING
    files = [str(file.relative_to(ROOT)) for file in mm_files([SCENARIOS])][:: options.every]
    cases = [f"{name} {file}" for file in files for name in options.kernel or KERNELS]
    cases.sort(key=lambda case: (options.kernel or KERNELS).index(case.partition(" ")[0]))
    guests, model = Guests(), ModelKernel()
    try:
        return frame.run(
            Plan(
                NAME,
                BAR,
                {"model": build_id()[:12], "rules": frame.sources("conformance/forced")},
                lambda _: cases,
                lambda case: measure(case, guests, model),
                lambda rows: table(rows, cases),
            ),
            options,
        )
    except NoKernel as missing:
        print(f"{NAME}: skipped: {missing}", file=sys.stderr)
        return frame.MISSING
    finally:
        guests.close()


if __name__ == "__main__":
    sys.exit(main())
