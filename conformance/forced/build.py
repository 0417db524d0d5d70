# SPDX-License-Identifier: MIT
"""What is known of one build of the kernel: its symbols, its code, the addresses of sites.

Contract: a `Build` is made from a booted Guest. Symbols are asked of the guest once and kept
beside its image; code is read out of the guest's memory, for that is the code that runs; debug
information is read when it is there and a rule needs it.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from conformance.debian import Image
from conformance.forced import sitemap
from conformance.forced.code import Code, Symbols
from conformance.forced.dwarf import Scope, scopes
from conformance.forced.guest import Guest
from conformance.forced.rules import RULES
from conformance.forced.sitemap import Place
from simulator.sites import NAMES

# The source files that the model is written after.
FILES: Final = (
    "mm/memory.c",
    "mm/mmap.c",
    "mm/vma.c",
    "mm/vma_exec.c",
    "mm/mmap_lock.c",
    "mm/mprotect.c",
    "mm/mremap.c",
    "mm/madvise.c",
    "mm/rmap.c",
    "mm/gup.c",
    "mm/mmu_gather.c",
    "mm/pt_reclaim.c",
    "mm/huge_memory.c",
    "mm/khugepaged.c",
    "mm/hugetlb.c",
    "mm/shmem.c",
    "mm/filemap.c",
    "mm/userfaultfd.c",
    "mm/migrate.c",
    "mm/migrate_device.c",
    "mm/mmu_notifier.c",
    "mm/hmm.c",
    "mm/memremap.c",
    "mm/pgtable-generic.c",
    "mm/page_vma_mapped.c",
    "mm/pagewalk.c",
    "mm/swap.c",
    "mm/swap_state.c",
    "mm/swapfile.c",
    "mm/vmscan.c",
    "mm/ksm.c",
    "mm/mlock.c",
    "mm/mincore.c",
    "mm/util.c",
    "mm/mempolicy.c",
    "mm/truncate.c",
    "mm/oom_kill.c",
    "kernel/fork.c",
    "kernel/exit.c",
    "kernel/sched/core.c",
    "fs/proc/task_mmu.c",
    "fs/userfaultfd.c",
    "fs/pipe.c",
    "fs/splice.c",
    "mm/fault.c",
    "mm/tlb.c",
    "mm/pgtable.c",
    "mm/folio-compat.c",
    "mm/page_alloc.c",
)
_SYMBOLS: Final = "symbols.gz"


def _rules_digest(image: Image) -> str:
    """Of all that the places of sites depend on beside the build itself."""
    what = (NAMES, sorted(RULES.items()), FILES, image.vmlinux.exists())
    return hashlib.sha256(repr(what).encode()).hexdigest()[:16]


class Build:
    """The build that runs in a guest."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self.symbols = Symbols(self._kallsyms())
        # Without inlined functions: enough for rules of symbols and calls.
        self.bare = Code(self.symbols, guest.text)

    @cached_property
    def code(self) -> Code:
        """With inlined functions, where there is debug information."""
        image = self._guest.image
        found: list[Scope] = []
        if image.vmlinux.exists():
            found = list(scopes(image.vmlinux, FILES))
        return Code(self.symbols, self._guest.text, found)

    def place(self, *rules: str) -> Place | None:
        """Where the first of these rules that finds anything puts a site."""
        return sitemap.place(self.code, rules)

    def site(self, name: str) -> Place | None:
        """Where a site of the model is. All of them are looked up at once, and kept."""
        return self.sites.get(name)

    @cached_property
    def functions(self) -> frozenset[str]:
        """Of the functions that sites are named after, those that are in this build, inlined or
        not."""
        file = self._guest.image.folder / f"functions-{_rules_digest(self._guest.image)}.json"
        if not file.exists():
            names = {name.partition(":")[0] for name in NAMES if name}
            file.write_text(json.dumps(sorted(filter(self.code.has, names))))
        return frozenset(json.loads(file.read_text()))

    @cached_property
    def sites(self) -> Mapping[str, Place]:
        """Every site that this build has."""
        file = self._guest.image.folder / f"sites-{_rules_digest(self._guest.image)}.json"
        if file.exists():
            return {
                name: Place(rule, tuple(addresses))
                for name, (rule, addresses) in json.loads(file.read_text()).items()
            }
        found: dict[str, Place] = {}
        for name, rules in RULES.items():
            place = self.place(*rules)
            if place is not None:
                found[name] = place
        part = file.with_suffix(".part")
        part.write_text(json.dumps({n: [p.rule, p.addresses] for n, p in found.items()}))
        part.rename(file)
        return found

    def symbol(self, name: str) -> int:
        """The address of a function that has a symbol, or 0."""
        ranges = self.symbols.ranges(name)
        return ranges[0][0] if ranges else 0

    def _kallsyms(self) -> str:
        file = self._guest.image.folder / _SYMBOLS
        if not file.exists():
            _, symbols = self._guest.symbols()
            part = file.with_suffix(".part")
            part.write_bytes(gzip.compress(symbols.encode(), 1))
            part.rename(file)
            return symbols
        return gzip.decompress(file.read_bytes()).decode()
