# SPDX-License-Identifier: MIT
"""Mistakes in the order of the model's steps: does `mmfarm conform trace` see each?

    make soak WHAT=steps [ARGS="--kernel debian-7.2"]

Each fault is planted in a copy of the project: a lock that is dropped early or not taken, a flush
that comes late or not at all, a check that is not made again. The scenario's results stay what
they were, so that `mmfarm conform check` on this machine's kernel agrees: only the order gives it
away, on a real kernel with a breakpoint at every site.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance import kernels, qemu
from conformance.debian import NoKernel
from tests.soak import frame
from tests.soak.frame import ROOT, Plan, Row, Table
from tests.soak.mutant_tree import environment

NAME: Final = "steps"
BAR: Final = (
    "Each fault in the order of steps is seen within 5 minutes, and where user space sees none."
)
KERNEL: Final = "debian-7.2"
SECONDS: Final = 300
ROOMS: Final = ("simulator", "corpus", "fuzz", "conformance", "workers", "triage")
HEAD: Final = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n"
FAULTED: Final = "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"


@dataclass(frozen=True, slots=True)
class Fault:
    """`old` stands in the file once, and becomes `new`."""

    says: str
    file: str
    old: str
    new: str
    program: str


FAULTS: Final = {
    "freed-before-flush": Fault(
        "pages are freed before their translations are flushed",
        "simulator/mm/mmu_gather.py",
        '''    """Flush, then free what waited for it."""
    tlb_flush_mmu_tlbonly(k, tlb)
''',
        '''    """Free, then flush."""
    for page in tlb.pages:
        k.step(sites.TLB_FLUSH_MMU__FREE_BATCH, page.obj, WRITE)
    tlb_flush_mmu_tlbonly(k, tlb)
''',
        FAULTED + "3 T0 madvise 0..8 DONTNEED\n",
    ),
    "unlocked-before-flush": Fault(
        "mprotect() drops mmap_lock before it flushes",
        "simulator/mm/mprotect.py",
        "    mmu_gather.tlb_finish_mmu(k, tlb)\n    mmap_lock.mmap_write_unlock(k, mm)\n",
        "    mmap_lock.mmap_write_unlock(k, mm)\n    mmu_gather.tlb_finish_mmu(k, tlb)\n",
        FAULTED + "3 T0 mprotect 0..8 r\n",
    ),
    "fork-unlocked-before-flush": Fault(
        "fork() drops the parent's mmap_lock before it flushes",
        "simulator/kernel/fork.py",
        """    k.step(sites.DUP_MMAP__FLUSH, oldmm.obj, WRITE)
    tlb.flush_tlb_mm(k, oldmm)
    mmap_lock.mmap_write_unlock(k, oldmm)
""",
        """    mmap_lock.mmap_write_unlock(k, oldmm)
    k.step(sites.DUP_MMAP__FLUSH, oldmm.obj, WRITE)
    tlb.flush_tlb_mm(k, oldmm)
""",
        FAULTED + "3 T0 fork T1\n",
    ),
    "cow-without-flush": Fault(
        "a copy on write replaces the entry without a flush",
        "simulator/mm/memory.py",
        "        ptep_clear_flush(k, mm, table, va)\n        rmap.folio_add_new_anon_rmap(k, folio",
        "        set_pte_at(k, mm, table, va, 0)\n        rmap.folio_add_new_anon_rmap(k, folio",
        "1 T0 mmap 0..8 rw private anon\n2 T0 read 3\n3 T0 write 3\n",
    ),
    "nested-not-checked": Fault(
        "the end of a gather does not look again whether another one is pending",
        "simulator/mm/mmu_gather.py",
        "    k.step(sites.TLB_FINISH_MMU__NESTED, mm.obj, WRITE)\n",
        "",
        FAULTED + "3 T0 munmap 0..8\n",
    ),
    "prepared-without-lock": Fault(
        "anon_vma_prepare() puts the anon_vma in without page_table_lock",
        "simulator/mm/anon_vma.py",
        "    lock.spin_lock(k, sites.ANON_VMA_PREPARE__PAGE_TABLE_LOCK, mm.page_table_lock)\n",
        "    lock.spin_lock(k, sites.ANON_VMA_PREPARE__LOCK, mm.page_table_lock)\n",
        FAULTED,
    ),
}


def plant(tree: Path, fault: Fault) -> None:
    """A copy of the project with that fault. Raises ValueError where its place is gone."""
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__", "compiled")
        )
    file = tree / fault.file
    text = file.read_text()
    if text.count(fault.old) != 1:
        raise ValueError(f"{fault.file} has the place of a fault {text.count(fault.old)} times")
    file.write_text(text.replace(fault.old, fault.new))


def asked(tree: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """What a verb of the copy answers."""
    done = subprocess.run(
        [sys.executable, "-m", "triage", *arguments, "--json"],
        cwd=tree,
        env=environment(tree, "interpreted"),
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
        check=False,
    )
    if done.returncode not in (0, 1, 4):
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.strip()[-500:]}")
    said: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, said


def measure(case: str, kernel: str) -> Row:
    fault = FAULTS[case]
    with tempfile.TemporaryDirectory(prefix="mmfarm-steps-") as folder:
        tree = Path(folder)
        plant(tree, fault)
        scenario = tree / "fault.mm"
        scenario.write_text(HEAD + fault.program)
        began, cpu = time.monotonic(), cpu_seconds()
        code, said = asked(tree, "conform", "trace", str(scenario), "--kernel", kernel)
        seconds, spent = time.monotonic() - began, cpu_seconds() - cpu
        sequential, _ = asked(tree, "conform", "check", str(scenario))
    found = said["files"][0]["difference"] if "files" in said else None
    return {
        "seen": code == 1 and found is not None,
        "says": found["says"] if found else str(said),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(spent, 1),
        "sequential": {0: "agrees", 1: "disagrees", 4: "skipped"}[sequential],
    }


def cpu_seconds() -> float:
    """Of children that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


def table(rows: dict[str, Row]) -> Table:
    lines: list[tuple[str, ...]] = []
    broken: list[str] = []
    for case, fault in FAULTS.items():
        if case not in rows:
            continue
        row = rows[case]
        lines.append(
            (
                fault.says,
                row["says"],
                row["sequential"],
                str(row["seconds"]),
                str(row["cpu_seconds"]),
            )
        )
        if not row["seen"]:
            broken.append(f"{case}: not seen")
        elif row["seconds"] > SECONDS:
            broken.append(f"{case}: seen after {row['seconds']} s")
        if row["sequential"] == "disagrees":
            broken.append(f"{case}: `conform check` sees it, too")
    heading = ("fault", "conform trace says", "conform check", "s", "CPU s")
    remark = "Seconds are those of one command, with the boot of a guest."
    return Table(len(lines), len(FAULTS), "faults", heading, lines, broken, [remark])


def main() -> int:
    parser = frame.parser(__doc__)
    parser.add_argument("--kernel", default=KERNEL, metavar="NAME")
    options = parser.parse_args()
    try:
        reason = qemu.why_not()
        if reason:
            raise NoKernel(reason)
        version = kernels.resolve(kernels.parse(options.kernel)).version
    except NoKernel as missing:
        print(f"{NAME}: skipped: {missing}", file=sys.stderr)
        return frame.MISSING
    return frame.run(
        Plan(
            NAME,
            BAR,
            {"Linux": version, "sources": frame.sources("simulator", "conformance")},
            lambda _: list(FAULTS),
            lambda case: measure(case, options.kernel),
            table,
        ),
        options,
    )


if __name__ == "__main__":
    sys.exit(main())
