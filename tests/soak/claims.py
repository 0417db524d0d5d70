# SPDX-License-Identifier: MIT
"""Are claims about races judged right? A case is a file of corpus/claims, whose answer stands here
and not in the file. Claims of the list that have no form yet are in the table with what the model
lacks for them.
"""

import sys
import time
from dataclasses import dataclass
from typing import Final

from corpus import claims
from corpus.files import CLAIMS
from fuzz.judgement import CONFIRMED, REFUTED, judge
from simulator import build
from simulator.run import Machine
from tests.soak import frame

NOT_MODELLED: Final = "NOT MODELLED"
MAX_SECONDS: Final = 120.0  # of CPU time, for one claim


@dataclass(frozen=True, slots=True)
class Case:
    """`number` in the list of claims; `quick`: some hundred runs decide it."""

    number: int
    name: str
    answer: str
    quick: bool = False


CASES: Final = (
    Case(1, "collect-flushes-after-unlock", CONFIRMED, quick=True),
    Case(2, "collect-as-it-is", REFUTED),
    Case(3, "collect-no-flush-before-pin-check", REFUTED),
    Case(3, "collect-looks-for-pins-first", CONFIRMED, quick=True),
    Case(4, "hole-migrates-store-goes-through", CONFIRMED, quick=True),
    Case(4, "hole-migrates-store-is-lost", REFUTED),
    Case(5, "fork-parent-vma-not-locked", CONFIRMED, quick=True),
    Case(6, "fork-as-it-is", REFUTED),
    Case(7, "fork-copies-a-pinned-page", CONFIRMED, quick=True),
    Case(8, "dontunmap-against-a-fault", REFUTED),
    Case(9, "parallel-dontneed", REFUTED),
    Case(9, "parallel-dontneed-no-nested-flush", CONFIRMED, quick=True),
    Case(10, "gup-fast-walks-a-freed-table", REFUTED),
    Case(11, "device-private-faults", REFUTED),
    Case(11, "device-private-faults-take-references", CONFIRMED),
    Case(12, "device-exclusive-tail", REFUTED),
    Case(12, "device-exclusive-tail-rmap", CONFIRMED, quick=True),
    Case(13, "collapse-with-second-vma", REFUTED),
    Case(13, "collapse-with-second-vma-allowed", CONFIRMED, quick=True),
    Case(14, "collapse-against-rmap", REFUTED),
    Case(14, "collapse-drops-anon-vma-lock-early", CONFIRMED),
    Case(22, "memcg-changes-in-migrate-vma", NOT_MODELLED, quick=True),
    Case(23, "contpte-loses-dirty", NOT_MODELLED, quick=True),
    Case(24, "vma-published-before-its-fields", NOT_MODELLED, quick=True),
    Case(25, "clean-translation-during-collect", REFUTED),
    Case(28, "migrate-waits-for-a-locked-page", REFUTED, quick=True),
    Case(29, "migrate-collects-nothing", CONFIRMED, quick=True),
    Case(31, "two-devices-hold-one-page", REFUTED, quick=True),
    Case(32, "tail-page-cannot-be-exclusive", REFUTED, quick=True),
    Case(33, "pinned-for-write-and-mapped-elsewhere", REFUTED),
)
# Claims of the list that nobody has written a form of: they are not judged. What they are about.
WITHOUT_FORM: Final = {
    15: "userfaultfd, collapse of files",
    16: "userfaultfd, collapse of files",
    17: "userfaultfd, MADV_COLLAPSE",
    18: "fsdax",
    19: "fsdax",
    20: "swap",
    21: "reclaim",
    26: "a patch of the hardware's walk",
    27: "batched unmap in reclaim",
    30: "a patch that waits for page locks",
    34: "memunmap_pages()",
    35: "fsdax, fallocate()",
    36: "truncate()",
    37: "collapse of files",
    38: "userfaultfd, MADV_COLLAPSE",
    39: "collapse of files, SEEK_HOLE",
    40: "userfaultfd, MADV_COLLAPSE",
    41: "a kernel that is not described here",
}


def measure(case: str) -> frame.Row:
    began = time.process_time()
    try:
        claim = claims.read((CLAIMS / f"{case}.claim").read_text(), case)
    except claims.NotModelled as lacks:
        return {"verdict": NOT_MODELLED, "how": "; ".join(lacks.missing), "seconds": 0.0}
    decided = judge(Machine(), claim)
    runs = sum(report.schedules + report.cut for report in decided.reports)
    if decided.verdict == CONFIRMED and decided.violation is not None:
        how = str(decided.violation.signature)
        how += ", its own schedule" if decided.as_claimed else f", schedule {runs:,}"
    elif claim.returns:
        how = "what its own schedule returns"
    elif decided.covered is None:
        how = f"every interleaving, {runs:,} schedules"
    else:
        how = f"up to {decided.covered} preemptions, {runs:,} schedules"
    return {
        "verdict": decided.verdict,
        "how": how,
        "seconds": round(time.process_time() - began, 1),
    }


def cases(rows: dict[str, frame.Row]) -> list[str]:
    """Those that take some hundred runs first: who stops early has most of the answers."""
    return [case.name for case in sorted(CASES, key=lambda case: not case.quick)]


def table(rows: dict[str, frame.Row]) -> frame.Table:
    lines: list[tuple[str, ...]] = []
    broken: list[str] = []
    for case in CASES:
        row = rows.get(case.name)
        if row is None:
            continue
        seconds = f"{row['seconds']:.1f}"
        lines.append(
            (str(case.number), case.name, case.answer, row["verdict"], row["how"], seconds)
        )
        if row["verdict"] != case.answer:
            broken.append(f"{case.name}: {row['verdict']}, {case.answer} is right")
        if row["seconds"] > MAX_SECONDS:
            broken.append(f"{case.name}: {seconds} s")
    for number, word in WITHOUT_FORM.items():
        lines.append((str(number), "", "", "no form", f"not judged; about {word}", ""))
    lines.sort(key=lambda line: int(line[0]))
    listed = {case.number for case in CASES} | set(WITHOUT_FORM)
    decided = sum(case.name in rows for case in CASES)
    return frame.Table(
        decided,
        len(CASES),
        "forms of claims",
        ("claim", "form", "right", "judged", "how", "CPU s"),
        lines,
        broken,
        [f"{len(listed) - len(WITHOUT_FORM)} of {len(listed)} claims have a form"],
    )


if __name__ == "__main__":
    options = frame.parser(__doc__).parse_args()
    plan = frame.Plan(
        "claims",
        "every claim is judged right, in under 2 minutes of CPU time",
        {"build": build.build_id()},
        cases,
        measure,
        table,
    )
    sys.exit(frame.run(plan, options))
