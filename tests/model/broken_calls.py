# SPDX-License-Identifier: MIT
"""Pairs about locks, progress and what calls promise: O9, O10, O20, O21."""

from typing import Final

from simulator import sites
from simulator.errno import EBUSY
from simulator.fs import proc
from simulator.kernel import fork
from simulator.mm import (
    fault,
    gup,
    madvise,
    memory,
    mmap,
    mmap_lock,
    mmu_gather,
    mprotect,
    mremap,
    pgtable_generic,
    vma_file,
    zap,
)
from simulator.mm.mm_types import VM_SOFTDIRTY, VM_WRITE, Mm, PageTable, Vma
from simulator.sched import core
from simulator.state import Kernel
from tests.model.broken import Pair, Patch

ANON: Final = "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"
TWO_TABLES: Final = "1 T0 mmap 0..16 rw private anon\n2 T0 write 3\n3 T0 write 11\n"


def keeps_folio_lock(patch: Patch) -> None:
    patch.nothing(memory, "mutex_unlock")


def takes_ptls_as_they_come(patch: Patch) -> None:
    """The second page table's lock inside the first one's, whichever those are."""

    def pagemap(k: Kernel, mm: Mm, va: int) -> int:
        first = pgtable_generic.pte_offset_map_lock(k, sites.PAGEMAP_PMD_RANGE__LOCK, mm, va)
        second = pgtable_generic.pte_offset_map_lock(k, sites.PAGEMAP_PMD_RANGE__LOCK, mm, va ^ 8)
        assert first is not None
        assert second is not None
        pgtable_generic.pte_unmap_unlock(k, second)
        pgtable_generic.pte_unmap_unlock(k, first)
        return 0

    patch.set(proc, "pagemap", pagemap)


def wakes_nobody(patch: Patch) -> None:
    patch.nothing(core, "wake")


def fault_gives_up(patch: Patch) -> None:
    patch.nothing(memory, "do_anonymous_page", 0)


def works_without_ptl(patch: Patch) -> None:
    def unlocked(k: Kernel, _site: int, mm: Mm, va: int) -> PageTable | None:
        return mm.tables[va >> k.pmd_order]

    patch.set(proc, "pte_offset_map_lock", unlocked)


def mmap_lock_inside_ptl(patch: Patch) -> None:
    def pagemap(k: Kernel, mm: Mm, va: int) -> int:
        table = pgtable_generic.pte_offset_map_lock(k, sites.PAGEMAP_PMD_RANGE__LOCK, mm, va)
        assert table is not None
        mmap_lock.mmap_read_lock(k, mm, sites.PAGEMAP_READ__LOCK)
        return 0

    patch.set(proc, "pagemap", pagemap)


def unlocks_twice(patch: Patch) -> None:
    patch.after(mmap_lock, "mmap_read_unlock", mmap_lock.mmap_read_unlock)


def leaves_gather_open(patch: Patch) -> None:
    patch.nothing(mmu_gather, "tlb_finish_mmu")


def splits_unlocked(patch: Patch) -> None:
    patch.nothing(mmap_lock, "vma_start_write")


def t0_locks_no_vma(patch: Patch) -> None:
    original = mmap_lock.vma_start_write

    def vma_start_write(k: Kernel, vma: Vma) -> None:
        if k.cur.id:
            original(k, vma)

    patch.set(mmap_lock, "vma_start_write", vma_start_write)


def gup_tells_internals(patch: Patch) -> None:
    patch.nothing(gup, "get_user_page_locked", -EBUSY)


def munmap_does_nothing(patch: Patch) -> None:
    def do_vmi_munmap(k: Kernel, mm: Mm, _start: int, _end: int, _unlock: bool) -> int:
        mmap_lock.mmap_write_unlock(k, mm)
        return 0

    patch.set(mmap, "do_vmi_munmap", do_vmi_munmap)


def mprotect_does_nothing(patch: Patch) -> None:
    def fixup(
        _k: Kernel, _tlb: object, _prev: Vma | None, vma: Vma, _start: int, _end: int, _flags: int
    ) -> Vma:
        return vma

    patch.set(mprotect, "mprotect_fixup", fixup)


def zaps_nothing(patch: Patch) -> None:
    patch.nothing(zap, "unmap_single_vma")


def fork_copies_nothing(patch: Patch) -> None:
    patch.nothing(fork, "copy_page_range", 0)


def guards_nothing(patch: Patch) -> None:
    patch.nothing(madvise, "guard_install_walk", 0)


def frees_no_guards(patch: Patch) -> None:
    patch.nothing(madvise, "madvise_guard_remove", 0)


def populates_nothing(patch: Patch) -> None:
    patch.nothing(madvise, "madvise_populate", 0)


def advises_nothing(patch: Patch) -> None:
    def update(_k: Kernel, _behavior: object, vma: Vma, _flags: int) -> Vma:
        return vma

    patch.set(madvise, "madvise_update_vma", update)


def refuses_everything(patch: Patch) -> None:
    patch.nothing(fault, "access_error", True)


def clears_no_vma(patch: Patch) -> None:
    def then(_k: Kernel, mm: Mm, _what: int) -> None:
        for vma in mm.vmas:
            vma.flags |= VM_SOFTDIRTY

    patch.after(proc, "clear_refs", then)


def shrinks_nothing(patch: Patch) -> None:
    def shrink(_k: Kernel, _mm: Mm, _vrm: mremap.VmaRemap, _drop_lock: bool) -> int:
        return 0

    patch.set(mremap, "shrink_vma", shrink)


def locks_without_pages(patch: Patch) -> None:
    patch.nothing(gup, "mm_populate", 0)


def maps_read_only(patch: Patch) -> None:
    def then(_k: Kernel, vma: Vma) -> None:
        vma.flags &= ~VM_WRITE

    patch.after(vma_file, "vma_link_file", then)


PAIRS: Final = (
    Pair(
        "fault-unlocks-folio",
        "deadlock shmem_alloc_folio folio_lock",
        "1 T0 memfd f0 4\n2 T0 mmap 0..4 rw shared f0\n3 T0 write 1\n4 T1 read 1\n",
        keeps_folio_lock,
    ),
    Pair(
        "ptl-order",
        "deadlock pagemap_pmd_range ptl",
        TWO_TABLES + "4 T0 pagemap 3\n5 T1 pagemap 11\n@4 pagemap_pmd_range:lock#2 -> T1\n",
        takes_ptls_as_they_come,
    ),
    Pair(
        "unlock-wakes",
        "deadlock vm_munmap mmap_lock",
        ANON + "3 T0 munmap 0..4\n4 T1 munmap 4..8\n@3 vma_iter_clear:tree#1 -> T1\n",
        wakes_nobody,
    ),
    # Woken up, it still is where it went to sleep, and not in the switch back to it.
    Pair(
        "sleeper-is-at-its-lock",
        "kernel-assertion vm_munmap vma",
        "config pmd_order=3 frames=64 cpus=1\n" + ANON + "3 T1 munmap 4..8\n4 T0 munmap 0..4\n"
        "@3 vma_iter_clear:tree#1 -> T0\n",
        t0_locks_no_vma,
    ),
    Pair("fault-gets-on", "livelock do_user_addr_fault mm", ANON, fault_gives_up),
    Pair(
        "entries-need-ptl",
        "kernel-assertion clear_soft_dirty pte",
        ANON + "3 T0 clear_refs soft-dirty\n",
        works_without_ptl,
    ),
    Pair(
        "lock-order",
        "kernel-assertion pagemap_pmd_range lock",
        ANON + "3 T0 pagemap 3\n",
        mmap_lock_inside_ptl,
    ),
    Pair("unlock-once", "kernel-assertion anon_vma_prepare mmap_lock", ANON, unlocks_twice),
    Pair(
        "gather-is-finished",
        "kernel-assertion tlb_gather_mmu task",
        ANON + "3 T0 madvise 5..6 DONTNEED\n",
        leaves_gather_open,
    ),
    Pair(
        "vma-needs-write-lock",
        "kernel-assertion vm_munmap vma",
        ANON + "3 T0 munmap 0..8\n",
        splits_unlocked,
    ),
    Pair(
        "pin-retries",
        "contract pin_user_pages errno",
        ANON + "3 T0 pin p0 3 w\n",
        gup_tells_internals,
    ),
    Pair(
        "munmap-unmaps", "contract vm_munmap vma", ANON + "3 T0 munmap 0..8\n", munmap_does_nothing
    ),
    Pair("munmap-zaps", "rmap unmap_region anon", ANON + "3 T0 munmap 2..6\n", zaps_nothing),
    Pair(
        "mprotect-protects",
        "contract mprotect_fixup vma",
        ANON + "3 T0 mprotect 2..6 r\n",
        mprotect_does_nothing,
    ),
    Pair(
        "dontneed-zaps",
        "contract zap_pte_range pte",
        ANON + "3 T0 madvise 0..8 DONTNEED\n",
        zaps_nothing,
    ),
    Pair(
        "fork-copies",
        "contract copy_pmd_range anon",
        ANON + "3 T0 fork T1\n4 T1 read 3\n",
        fork_copies_nothing,
    ),
    Pair(
        "guard-guards",
        "contract guard_install_pte_entry pte",
        ANON + "3 T0 madvise 4..8 GUARD_INSTALL\n",
        guards_nothing,
    ),
    Pair(
        "guard-goes",
        "contract guard_remove_pte_entry pte",
        ANON + "3 T0 madvise 4..8 GUARD_INSTALL\n4 T0 madvise 4..6 GUARD_REMOVE\n",
        frees_no_guards,
    ),
    Pair(
        "populate-populates",
        "contract get_user_pages pte",
        ANON + "3 T0 madvise 0..8 POPULATE_WRITE\n",
        populates_nothing,
    ),
    Pair(
        "advice-is-taken",
        "contract madvise_update_vma vma",
        ANON + "3 T0 madvise 2..6 DONTFORK\n4 T0 fork T1\n",
        advises_nothing,
    ),
    Pair("access-is-allowed", "contract do_user_addr_fault vma", ANON, refuses_everything),
    Pair(
        "clear-refs-clears",
        "contract clear_refs_write vma",
        ANON + "3 T0 clear_refs soft-dirty\n",
        clears_no_vma,
    ),
    Pair(
        "mremap-shrinks",
        "contract do_mremap vma",
        ANON + "3 T0 mremap 0..8 to 0..4\n",
        shrinks_nothing,
    ),
    Pair(
        "mlock-prefaults",
        "contract get_user_pages pte",
        ANON + "3 T0 mlock 0..2\n",
        locks_without_pages,
    ),
    Pair("mmap-gives-rights", "contract vm_mmap_pgoff vma", ANON, maps_read_only),
)
