# SPDX-License-Identifier: MIT
"""Pairs about objects and how they hang together: O13, O14, O15, O22."""

from typing import Final

from simulator.kernel import exit as kernel_exit
from simulator.mm import (
    fault,
    madvise,
    memory,
    migrate,
    mmap_lock,
    page_alloc,
    page_ref,
    pgtable,
    rmap,
    sched_mm,
    shmem,
    shmem_file,
    swap,
    truncate,
    unmap_mapping,
    vma_file,
    zap,
)
from simulator.mm.mm_types import (
    PG_LRU,
    PTE_UFFD_WP,
    REF_CACHE,
    VM_MAYBE_GUARD,
    Folio,
    Inode,
    Mm,
    Page,
    Vma,
)
from simulator.state import Kernel
from tests.model.broken import Pair, Patch

ANON: Final = "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"
FILE: Final = "1 T0 memfd f0 8\n2 T0 mmap 0..4 rw shared f0\n3 T0 write 1\n"


def zaps_nothing(patch: Patch) -> None:
    patch.nothing(zap, "unmap_single_vma")


def drops_mm_early(patch: Patch) -> None:
    def mmdrop(k: Kernel, mm: Mm) -> None:
        mm.count = 1
        sched_mm.mmdrop(k, mm)

    patch.set(kernel_exit, "mmdrop", mmdrop)


def does_not_wait_for_readers(patch: Patch) -> None:
    patch.set(mmap_lock, "wait_for_readers", lambda k, vma, target, killable: True)


def locks_no_vma(patch: Patch) -> None:
    patch.nothing(mmap_lock, "vma_start_write")


def faults_in_another_vma(patch: Patch) -> None:
    original = memory.handle_mm_fault

    def handle_mm_fault(k: Kernel, _vma: Vma, mm: Mm, va: int, flags: int) -> int:
        return original(k, mm.vmas[0], mm, va, flags)

    patch.set(fault, "handle_mm_fault", handle_mm_fault)


def restores_nothing(patch: Patch) -> None:
    patch.nothing(migrate.RemoveMigrationPte, "rmap_one", True)


def vmas_hold_no_file(patch: Patch) -> None:
    patch.nothing(vma_file, "get_file")


def wrong_rmap_index(patch: Patch) -> None:
    def linear_page_index(vma: Vma, va: int) -> int:
        return va - vma.start

    patch.set(rmap, "linear_anon_page_index", linear_page_index)


def does_not_link_files(patch: Patch) -> None:
    patch.nothing(vma_file, "vma_link_file")


def wrong_file_index(patch: Patch) -> None:
    def linear_page_index(vma: Vma, va: int) -> int:
        return va - vma.start + vma.pgoff + 1

    patch.set(shmem, "linear_page_index", linear_page_index)


def forgets_a_slot(patch: Patch) -> None:
    original = shmem.shmem_evict_inode

    def evict(k: Kernel, inode: Inode) -> None:
        inode.i_pages.folios[1] = None
        original(k, inode)

    patch.set(shmem, "shmem_evict_inode", evict)


def truncates_nothing_behind_the_end(patch: Patch) -> None:
    patch.nothing(shmem, "shmem_undo_range")


def unmaps_once(patch: Patch) -> None:
    """Before the pages go, and not again for private copies that were made meanwhile."""
    original = unmap_mapping.unmap_mapping_range
    calls = [0]

    def once(k: Kernel, inode: Inode, start: int, end: int, even_cows: bool) -> None:
        calls[0] += 1
        if calls[0] == 1:
            original(k, inode, start, end, even_cows)

    patch.set(shmem_file, "unmap_mapping_range", once)


def truncates_what_is_mapped(patch: Patch) -> None:
    patch.nothing(truncate, "unmap_mapping_folio")
    patch.nothing(shmem_file, "unmap_mapping_range")


def cache_holds_no_reference(patch: Patch) -> None:
    def get(k: Kernel, folio: Folio, reason: int) -> None:
        if reason != REF_CACHE:
            page_ref.folio_get(k, folio, reason)

    patch.set(shmem, "folio_get", get)


def cow_in_shared_mappings(patch: Patch) -> None:
    patch.set(memory, "do_shared_fault", memory.do_cow_fault)


def guards_unannounced(patch: Patch) -> None:
    def then(_k: Kernel, _behavior: madvise.MadviseBehavior, vma: Vma) -> None:
        vma.flags &= ~VM_MAYBE_GUARD

    patch.after(madvise, "madvise_guard_install", then)


def drain_loses_pages(patch: Patch) -> None:
    def then(k: Kernel, _cpu: int) -> None:
        for page in k.frames.objects:
            page.folio.flags &= ~PG_LRU

    patch.after(swap, "drain_cpu", then)


def freed_on_lru(patch: Patch) -> None:
    def then(_k: Kernel, folio: Folio) -> None:
        folio.flags |= PG_LRU

    patch.after(page_alloc, "free_folio", then)


def stray_uffd_wp(patch: Patch) -> None:
    original = pgtable.mk_pte

    def mk_pte(page: Page, prot: int) -> int:
        return original(page, prot) | PTE_UFFD_WP

    patch.set(memory, "mk_pte", mk_pte)


PAIRS: Final = (
    Pair("tables-are-empty", "rmap unmap_region anon", ANON + "3 T0 munmap 0..8\n", zaps_nothing),
    Pair(
        "mm-lives-while-loaded",
        "use-after-free mmdrop mm",
        "1 T0 fork T1\n2 T1 exit\n",
        drops_mm_early,
    ),
    Pair(
        "vma-waits-for-readers",
        "use-after-free vma_start_write vma",
        ANON + "3 T0 write 4\n4 T1 munmap 0..8\n@3 do_anonymous_page:alloc#1 -> T1\n",
        does_not_wait_for_readers,
    ),
    Pair(
        "vma-writer-excludes",
        "state vma_start_write vma",
        ANON + "3 T0 write 4\n4 T1 mprotect 0..8 r\n@3 do_anonymous_page:alloc#1 -> T1\n",
        does_not_wait_for_readers,
    ),
    Pair(
        "flags-need-write-lock",
        "kernel-assertion madvise_update_vma vma",
        ANON + "3 T0 madvise 0..8 DONTFORK\n",
        locks_no_vma,
    ),
    Pair(
        "fault-is-in-its-vma",
        "state vma_start_read vma",
        "1 T0 mmap 0..2 rw private anon\n2 T0 mmap 4..6 rw private anon\n3 T0 write 4\n",
        faults_in_another_vma,
    ),
    Pair(
        "migration-is-undone",
        "rmap migrate_vma_collect_pmd anon",
        ANON + "3 DEVICE migrate_to_device 0..8\n",
        restores_nothing,
    ),
    Pair(
        "vma-holds-file",
        "use-after-free shmem_evict_inode file",
        "1 T0 memfd f0 4\n2 T0 mmap 0..4 rw shared f0\n3 T0 mmap 8..12 rw shared f0\n"
        "4 T0 munmap 0..4\n",
        vmas_hold_no_file,
    ),
    Pair(
        "rmap-finds-anon",
        "rmap do_anonymous_page anon",
        "1 T0 mmap 8..16 rw private anon\n2 T0 write 9\n",
        wrong_rmap_index,
    ),
    Pair("rmap-finds-file", "rmap vma_link_file file", FILE, does_not_link_files),
    Pair("fault-maps-its-index", "page-cache finish_fault file", FILE, wrong_file_index),
    Pair("evict-empties", "page-cache shmem_evict_inode file", FILE, forgets_a_slot),
    Pair(
        "truncate-empties",
        "page-cache shmem_undo_range file",
        FILE + "8 T0 ftruncate f0 0\n",
        truncates_nothing_behind_the_end,
    ),
    Pair(
        "truncate-unmaps-again",
        "page-cache do_cow_fault pte",
        "1 T0 memfd f0 4\n2 T0 pwrite f0 1\n3 T0 mmap 0..4 rw private f0\n"
        "4 T1 write 1\n5 T0 ftruncate f0 1\n@4 do_cow_fault:copy_word#1 -> T0\n",
        unmaps_once,
    ),
    Pair(
        "truncate-unmaps",
        "page-cache page_cache_delete file",
        FILE + "8 T0 ftruncate f0 0\n",
        truncates_what_is_mapped,
    ),
    Pair(
        "cache-owns",
        "page-cache shmem_recalc_inode file",
        "1 T0 memfd f0 4\n2 T0 pwrite f0 1\n3 T0 pwrite f0 2\n4 T0 pread f0 1\n",
        cache_holds_no_reference,
    ),
    Pair("shared-maps-file", "state do_cow_fault anon", FILE, cow_in_shared_mappings),
    Pair(
        "entries-have-vmas",
        "rmap unmap_region anon",
        ANON + "3 T0 munmap 0..4\n4 T1 pagemap 5\n@3 vm_munmap:lock#1 -> T1\n",
        zaps_nothing,
    ),
    Pair(
        "guards-are-announced",
        "state guard_install_set_pte pte",
        ANON + "3 T0 madvise 4..8 GUARD_INSTALL\n4 T0 fork T1\n",
        guards_unannounced,
    ),
    Pair(
        "mapped-is-on-lru",
        "state do_anonymous_page anon",
        ANON + "3 T0 write 4\n",
        drain_loses_pages,
    ),
    Pair(
        "free-is-off-lru",
        "state do_anonymous_page page",
        ANON + "3 T0 munmap 3..4\n4 T0 write 5\n",
        freed_on_lru,
    ),
    Pair("uffd-wp-needs-uffd", "state do_anonymous_page pte", ANON, stray_uffd_wp),
)
