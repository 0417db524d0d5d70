# SPDX-License-Identifier: MIT
"""False lines, planted in each kind of line that a drawing has, and whether the witness complains.

`python -m tests.quality.lies`, with the interpreted model: as JSON the kinds of lines, and by lie
how many lines it changed and how many complaints there were.
"""

import json
import re
import sys
from typing import Final

from corpus.files import PACKAGE
from corpus.text import load
from tests.quality.witness import CHECKS, witnessed

STALE = "known-bugs/migratevma-copy-before-flush.mm"
PTL = "known-bugs/migratevma-tlb-flush-after-ptl.mm"
DEVICE = "known-bugs/device-private-fault-no-ref.mm"
MOVE = "known-bugs/mremap-move-pmd-no-rmap-lock.mm"
SWITCHING = "known-bugs/shootdown-skips-switching-cpu.mm"
STACK = "known-bugs/expand-stack-vs-munmap-downgrade.mm"
SOFT = "known-bugs/softdirty-clear-no-flush.mm"
PINNED = "known-bugs/clear-refs-wrprotect-pinned.mm"
WAITING = "scenarios/migration/second-fault-waits.mm"
IPI = "scenarios/gup_test/pin-fast-and-munmap.mm"
REMOTE = "scenarios/gup_test/forced-access-hole.mm"
GROWS = "scenarios/mmap/growsdown-above-growsdown.mm"
HIDDEN = "known-bugs/collapsefile-uffd-check-vs-register-race.mm"
AWAITED = "scenarios/khugepaged/files-ask-userfaultfd.mm"
ZAPPED = "known-bugs/madv-dontneed-parallel-flush-miss.mm"

# Kind of the line that is told, scenario, what is true, what is told instead.
LIES: Final = (
    ("clears", PTL, r"clears pte 3, was rw", "clears pte 3, was ro"),
    ("clears", PTL, r"sets pte 3: .*", "clears pte 3, was rw dirty soft-dirty, frame 1"),
    ("clears", ZAPPED, r"clears pte 3,", "clears pte 4,"),
    ("sets", SOFT, r"sets pte 3: ro dirty", "sets pte 3: rw dirty"),
    ("sets", SOFT, r"clears pte 3, was .*", "sets pte 3: ro dirty, frame 1"),
    ("sets", PTL, r"entry of frame 1", "entry of frame 2"),
    ("becomes", DEVICE, r"becomes rw soft-dirty, frame 1", "becomes ro soft-dirty, frame 1"),
    ("becomes", DEVICE, r"migration-write entry (.*) becomes", r"migration-read entry \1 becomes"),
    ("pte", DEVICE, r"pte 3 is a device-write entry", "pte 3 is a device-read entry"),
    ("pte", DEVICE, r"pte 3 is .* of device page 0", "pte 3 is none"),
    ("pmd", SOFT, r"stores .*", "pmd 0 is none"),
    ("takes", PTL, r"takes ptl 0", "takes page_table_lock 0"),
    ("takes", STACK, r"takes mmap_lock 0 for read", "takes mmap_lock 0 for write"),
    ("takes", PTL, r"sets pte .*", "takes ptl 0"),  # which it has had for a while
    ("releases", PTL, r"sets pte .*", "releases ptl 0"),  # which it still has
    ("releases", PTL, r"nothing to flush", "releases ptl 0"),  # which it has not
    ("trylock", WAITING, r"does not get (.*): (T\d) has it", r"does not get \1: DEVICE has it"),
    ("trylock", PTL, r"takes ptl 0", "does not get ptl 0: made to fail"),
    ("waits", MOVE, r"held up by DEVICE", "held up by T0"),
    ("waits", MOVE, r"waits for anon_vma_lock 0", "waits for mmap_lock 0"),
    ("waits", PTL, r"takes ptl 0", "waits for ptl 0, held up by T0"),
    ("waits for IPIs", IPI, r"held up by T(\d)", "held up by T7"),
    ("waits for IPIs", SOFT, r"takes ptl 0", "waits until its IPIs are handled"),
    ("flushes", MOVE, r"CPU1 flushes mm1", "CPU0 flushes mm1"),
    ("flushes", MOVE, r"flushes mm0: pages 11..12", "flushes mm0: pages 12..13"),
    ("flushes", MOVE, r"flushes mm1: all", "flushes mm1: pages 8..9"),
    ("flushes", STALE, r"sets pte 3: .*", "CPU0 flushes mm0: all"),  # and it may yet store
    ("IPI", MOVE, r"^IPI to CPU0", "IPI to CPU1"),
    ("IPI", SWITCHING, r"no IPI to CPU0", "IPI to CPU0"),
    ("no IPI", MOVE, r"^IPI to CPU0", "no IPI to CPU0"),
    ("accesses", DEVICE, r"loads 1", "loads 2"),
    ("accesses", DEVICE, r"loads 1 from page 3, frame 1", "loads 1 from page 3, frame 2"),
    ("accesses", STALE, r"stores 2", "stores 3"),
    ("accesses", STALE, r"that op 2 brought", "that op 1 brought"),
    ("accesses", STALE, r" through the stale .*", ""),
    ("accesses", SOFT, r"(stores .*)", r"\1 through the stale translation that op 2 brought"),
    ("references", DEVICE, r"(\d) in all", "9 in all"),
    ("references", DEVICE, r"^reference on device page 0", "reference on frame 1"),
    ("references", PTL, r"mapping, (\d) left", "mapping, 0 left"),
    ("references", PTL, r"^reference on (.*) in all", r"drops a reference on \1 left"),
    ("flush deferred", PTL, r"clears pte .*", "flush deferred"),  # no mmu_gather knows of it
    ("nothing to flush", ZAPPED, r"flush deferred", "nothing to flush"),
    ("fault", DEVICE, r"page fault at 3", "page fault at 4"),
    ("fault", SOFT, r"stores .*", "page fault at 3"),
    ("downgrade", STACK, r"takes mmap_lock 0 for write", "mmap_lock 0 downgraded to read"),
    ("table moved", MOVE, r"page 8 to 24", "page 8 to 16"),
    ("pin", PINNED, r"p0 holds page 3", "p0 holds page 4"),
    ("remote store", REMOTE, r"^stores (\d+) (.*) through the k", r"stores 9 \2 through the k"),
    ("anon_vma", PINNED, r"takes ptl 0", "frees anon_vma 0"),
    ("stack", GROWS, r"grows down to page (\d)", r"grows down to page 1\1"),
    ("holes hidden", HIDDEN, r"hide 7 holes", "hide 8 holes"),
    (
        "awaited",
        AWAITED,
        r"waits for missing pages of vma 8\.\.9",
        "waits for missing pages of vma 0..8",
    ),
    ("not awaited", HIDDEN, r"waits in 2 mappings", "waits in 1 mappings"),
    (
        "not awaited",
        AWAITED,
        r"userfaultfd waits for .*",
        "no userfaultfd waits in 2 mappings of pages 0..8 of file 0",
    ),
    ("comes in", PTL, r"-> T1", "-> T0"),
    ("no such line", PTL, r"nothing to flush", "does what it likes"),
)


def told(scenario: str, pattern: str, instead: str) -> tuple[int, int]:
    """How many lines the lie changed, and how many complaints there were."""
    changed = 0

    def lie(text: str) -> str:
        nonlocal changed
        false = re.sub(pattern, instead, text)
        changed += false != text
        return false

    _, witness = witnessed(load(PACKAGE / scenario), lie)
    return changed, len(witness.complaints)


def main() -> int:
    answers = [
        (kind, pattern, instead, *told(scenario, pattern, instead))
        for kind, scenario, pattern, instead in LIES
    ]
    json.dump({"kinds": sorted(CHECKS), "lies": answers}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
