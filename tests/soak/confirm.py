# SPDX-License-Identifier: MIT
"""Races forced on a ladder of Debian's kernels: how many of so many repetitions say the same.

    make soak WHAT=confirm [ARGS="--repeat N"]

A case is one race on one kernel, which is fetched if it is not here: 20 to 50 MB each. Each
repetition is a program of its own on a guest that stays booted, or is booted again where the
kernel has cried. Times are of one repetition: by the clock, and of QEMU's CPU.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Final

from conformance import qemu
from conformance.debian import Debian
from conformance.forced.build import Build
from conformance.forced.engine import Cry, Stuck
from conformance.forced.guest import Guest
from tests.integration.forced import races
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table

NAME: Final = "confirm"
BAR: Final = "Every repetition of a race on a kernel ends in the same way, the expected one."
REPEAT: Final = 20
LADDER: Final = ("6.1.170", "6.1.192", "6.12.118", "6.18.5", "7.2.13", "7.3.4")
BUG: Final = "kernel BUG at mm/userfaultfd.c"
# What shows a race, and since which kernel of the ladder it shows another answer.
RACES: Final[dict[str, tuple[Callable[[Guest, Build], object], str, str, str]]] = {
    "fork-early-cow-torn-snapshot": (races.torn_snapshot, "(1, 2)", "", ""),
    "hugetlb-madv-dontneed-vs-fault": (
        races.hugetlb_dontneed,
        "(False, -1002)",
        "6.12.118",
        "(True, 0)",
    ),
    "uffd-mfill-racy-pmd-check": (races.uffd_mfill, BUG, "6.1.192", "-17"),
}


def expected(race: str, version: str) -> str:
    _, answer, since, mended = RACES[race]
    there = not since or LADDER.index(version) < LADDER.index(since)
    return answer if there else mended


def measure(case: str, repeat: int) -> Row:
    race, version = case.split("@")
    answers: Counter[str] = Counter()
    milliseconds: list[float] = []
    cpu: list[float] = []
    guest: Guest | None = None
    try:
        for _ in range(repeat):
            if guest is None:
                guest = Guest(Debian().kernel(version))
                build = Build(guest)
                build.code = build.bare
                guest.settle()
            began, spent = time.monotonic(), guest.cpu_seconds()
            try:
                answer = str(RACES[race][0](guest, build))
            except Cry as cry:
                answer = BUG if BUG in str(cry) else str(cry)[:200]
            except Stuck as stuck:
                answer = f"stuck: {stuck}"
            milliseconds.append(1000 * (time.monotonic() - began))
            cpu.append(1000 * (guest.cpu_seconds() - spent))
            answers[answer] += 1
            if answer != "-17" and not answer.startswith("("):
                guest.close()
                guest = None
    finally:
        if guest is not None:
            guest.close()
    return {
        "k": answers[expected(race, version)],
        "n": repeat,
        "answers": dict(answers),
        "ms": round(median(milliseconds)),
        "cpu_ms": round(median(cpu)),
    }


def table(rows: dict[str, Row]) -> Table:
    lines: list[tuple[str, ...]] = []
    broken: list[str] = []
    for case in cases(rows):
        if case not in rows:
            continue
        row = rows[case]
        race, version = case.split("@")
        there = expected(race, version) == RACES[race][1]
        lines.append(
            (
                race,
                version,
                "there" if there else "gone",
                f"{row['k']} of {row['n']}",
                str(row["ms"]),
                str(row["cpu_ms"]),
            )
        )
        if row["k"] != row["n"]:
            broken.append(f"{case}: {row['answers']}")
    return Table(
        len(lines),
        len(RACES) * len(LADDER),
        "races on kernels",
        ("race", "Linux", "", "as expected", "ms", "CPU ms"),
        lines,
        broken,
        ["Milliseconds by the clock are those of a busy machine; CPU time is QEMU's."],
    )


def cases(_: dict[str, Row]) -> list[str]:
    return [f"{race}@{version}" for version in LADDER for race in RACES]


def main() -> int:
    parser = frame.parser(__doc__)
    parser.add_argument("--repeat", type=int, default=REPEAT, metavar="N")
    options = parser.parse_args()
    reason = qemu.why_not()
    if reason:
        print(f"{NAME}: skipped: {reason}", file=sys.stderr)
        return frame.MISSING
    return frame.run(
        Plan(
            NAME,
            BAR,
            {"repetitions": options.repeat},
            cases,
            lambda case: measure(case, options.repeat),
            table,
        ),
        options,
    )


if __name__ == "__main__":
    sys.exit(main())
