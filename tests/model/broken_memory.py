# SPDX-License-Identifier: MIT
"""Pairs about translations and data: O1, O4, O5, O11, O16, O17, O18."""

from typing import Final

from simulator import sites
from simulator.drivers import dmirror
from simulator.mm import copy_page_range, gup, memory, mmu_gather, mprotect, page_alloc, rmap, tlb
from simulator.mm.mm_types import PTE_DIRTY, PTE_PRESENT, PTE_WRITE, Folio, Mm, Page, Vma
from simulator.state import Kernel
from tests.model.broken import Pair, Patch

ANON: Final = "1 T0 mmap 0..8 rw private anon\n2 T0 write 3.2\n"


def no_flush_queued(patch: Patch) -> None:
    patch.nothing(mmu_gather, "tlb_remove_tlb_entry")


def no_flush(patch: Patch) -> None:
    patch.nothing(tlb, "flush_tlb_mm_range")


def fork_keeps_exclusive(patch: Patch) -> None:
    def shares(_k: Kernel, page: Page, _vma: Vma, _child: Mm) -> bool:
        page.mapcount += 1
        return True

    patch.set(rmap, "folio_try_dup_anon_rmap_pte", shares)


def fork_keeps_writable(patch: Patch) -> None:
    patch.nothing(copy_page_range, "ptep_set_wrprotect")


def copies_one_word(patch: Patch) -> None:
    def copy(_k: Kernel, _site: int, dst: Page, src: Page) -> None:
        dst.words[0] = src.words[0]

    patch.set(memory, "copy_words", copy)


def does_not_zero(patch: Patch) -> None:
    original = page_alloc.folio_alloc

    def folio_alloc(k: Kernel, site: int, _zero: bool) -> Folio | None:
        return original(k, site, False)

    patch.set(page_alloc, "folio_alloc", folio_alloc)


def does_not_zero_copies(patch: Patch) -> None:
    original = page_alloc.folio_alloc

    def folio_alloc(k: Kernel, site: int, zero: bool) -> Folio | None:
        return original(k, site, zero and site != sites.WP_PAGE_COPY__ALLOC)

    patch.set(page_alloc, "folio_alloc", folio_alloc)


def device_is_not_told(patch: Patch) -> None:
    patch.nothing(dmirror.Dmirror, "invalidate")


def dirty_is_not_soft_dirty(patch: Patch) -> None:
    def pte_mkdirty(pte: int) -> int:
        return pte | PTE_DIRTY

    patch.set(memory, "pte_mkdirty", pte_mkdirty)


def fork_shares_pinned(patch: Patch) -> None:
    patch.nothing(rmap, "folio_needs_cow_for_dma", False)


def pins_shared(patch: Patch) -> None:
    patch.nothing(gup, "gup_must_unshare", False)


def everything_is_writable(patch: Patch) -> None:
    patch.nothing(memory, "vm_page_prot", PTE_PRESENT | PTE_WRITE)


def no_cow_of_files(patch: Patch) -> None:
    patch.set(memory, "do_cow_fault", memory.do_shared_fault)


def mprotect_leaves_entries(patch: Patch) -> None:
    patch.nothing(mprotect, "change_protection")


def fork_does_not_flush(patch: Patch) -> None:
    patch.nothing(tlb, "flush_tlb_mm")


PAIRS: Final = (
    Pair(
        "munmap-flushes",
        "stale-tlb zap_pte_range anon",
        ANON + "3 T1 munmap 2..6\n",
        no_flush_queued,
    ),
    Pair(
        "mprotect-flushes",
        "stale-tlb change_pte_range anon",
        ANON + "3 T1 mprotect 0..8 r\n",
        no_flush_queued,
    ),
    Pair("mremap-flushes", "stale-tlb move_ptes anon", ANON + "3 T1 mremap 0..4 to 32\n", no_flush),
    Pair(
        "fork-flushes",
        "stale-tlb copy_present_pte anon",
        ANON + "3 T0 fork T2\n4 T1 write 3\n",
        fork_does_not_flush,
    ),
    Pair(
        "fork-shares-exclusive",
        "anon-exclusive copy_present_pte anon",
        ANON + "3 T0 fork T1\n",
        fork_keeps_exclusive,
    ),
    Pair(
        "fork-write-protects",
        "anon-exclusive copy_present_pte anon",
        ANON + "3 T0 fork T1\n",
        fork_keeps_writable,
    ),
    Pair(
        "cow-copies-all",
        "memory-value wp_page_copy anon",
        ANON + "3 T0 fork T1\n4 T1 write 3\n",
        copies_one_word,
    ),
    Pair(
        "new-page-is-zero",
        "memory-value do_anonymous_page anon",
        ANON + "3 T0 madvise 0..8 DONTNEED\n4 T0 write 3\n",
        does_not_zero,
    ),
    Pair(
        "zero-page-cow-is-zero",
        "memory-value wp_page_copy anon",
        ANON + "3 T0 munmap 3..4\n4 T0 read 4\n5 T0 write 4\n",
        does_not_zero_copies,
    ),
    Pair(
        "device-loses-unmapped",
        "secondary-mmu zap_pte_range anon",
        ANON + "3 DEVICE device_read 3\n4 T0 munmap 0..8\n",
        device_is_not_told,
    ),
    Pair(
        "device-loses-write",
        "secondary-mmu change_pte_range anon",
        ANON + "3 DEVICE device_write 3\n4 T0 mprotect 0..8 r\n",
        device_is_not_told,
    ),
    Pair(
        "device-loses-cow",
        "secondary-mmu copy_present_pte anon",
        ANON + "3 DEVICE device_write 3\n4 T0 fork T1\n",
        device_is_not_told,
    ),
    Pair(
        "store-is-soft-dirty",
        "soft-dirty wp_page_reuse anon",
        ANON + "3 T0 clear_refs soft-dirty\n4 T0 write 3\n5 T0 pagemap 3\n",
        dirty_is_not_soft_dirty,
    ),
    Pair(
        "fork-copies-pinned",
        "pin copy_present_pte anon",
        ANON + "3 T0 pin p0 3 w\n4 T0 fork T1\n5 T0 write 3\n6 T0 dma_read p0\n",
        fork_shares_pinned,
    ),
    Pair(
        "pin-unshares",
        "pin follow_page_pte anon",
        ANON + "3 T0 fork T1\n4 T0 pin p0 3 r\n5 T0 write 3\n",
        pins_shared,
    ),
    Pair(
        "zero-page-read-only",
        "permission do_anonymous_page zero-page",
        ANON + "3 T0 read 4\n4 T0 write 4\n",
        everything_is_writable,
    ),
    Pair(
        "read-only-vma",
        "permission do_anonymous_page zero-page",
        "1 T0 mmap 0..8 r private anon\n2 T0 read 3\n3 T0 write 3\n",
        everything_is_writable,
    ),
    Pair(
        "private-file-is-copied",
        "permission finish_fault file",
        "1 T0 memfd f0 4\n2 T0 mmap 0..4 rw private f0\n3 T0 write 1\n4 T0 pread f0 1\n",
        no_cow_of_files,
    ),
    Pair(
        "mprotect-changes-entries",
        "permission mprotect_fixup pte",
        ANON + "3 T0 mprotect 0..8 r\n4 T0 write 3\n",
        mprotect_leaves_entries,
    ),
)
