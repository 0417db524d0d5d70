# SPDX-License-Identifier: MIT
"""Pairs about counts: O2, O3, O12, O19."""

from typing import Final

from simulator.kernel import exit as kernel_exit
from simulator.mm import (
    anon_vma,
    copy_page_range,
    gup,
    memory,
    memremap,
    mlock,
    mmap,
    mmu_gather,
    page_ref,
    rmap,
    shmem,
    zap,
)
from simulator.mm import vma as vma_tree
from simulator.mm.mm_types import (
    GUP_PIN_COUNTING_BIAS,
    PG_ANON_EXCLUSIVE,
    REF_PIN,
    REF_TEMP,
    Folio,
    Inode,
    Mm,
    Page,
    Vma,
)
from simulator.state import Kernel
from tests.model.broken import Pair, Patch

ANON: Final = "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"
FORK: Final = ANON + "3 T0 fork T1\n4 T1 write 3\n"
FILE: Final = "1 T0 memfd f0 4\n2 T0 mmap 0..4 rw shared f0\n3 T0 write 1\n"


def fork_takes_no_reference(patch: Patch) -> None:
    patch.nothing(copy_page_range, "folio_get")


def fault_puts_twice(patch: Patch) -> None:
    def put(k: Kernel, folio: Folio, reason: int) -> None:
        page_ref.folio_put(k, folio, reason)
        page_ref.folio_put(k, folio, reason)

    patch.set(memory, "folio_put", put)


def fault_puts_never(patch: Patch) -> None:
    def put(k: Kernel, folio: Folio, reason: int) -> None:
        if reason != REF_TEMP:
            page_ref.folio_put(k, folio, reason)

    patch.set(memory, "folio_put", put)


def gather_takes_no_reference(patch: Patch) -> None:
    patch.nothing(mmu_gather, "move_ref")


def pin_is_not_counted(patch: Patch) -> None:
    patch.after(gup, "folio_pin", lose_bias)


def lose_bias(_k: Kernel, folio: Folio) -> None:
    """The reference is taken, the ledger is not told."""
    folio.ledger[REF_PIN] -= GUP_PIN_COUNTING_BIAS


def never_unmapped(patch: Patch) -> None:
    patch.nothing(rmap, "folio_remove_rmap_pte")


def unmapped_twice(patch: Patch) -> None:
    original = rmap.folio_remove_rmap_pte
    patch.after(rmap, "folio_remove_rmap_pte", original)


def fork_does_not_count(patch: Patch) -> None:
    def shares(_k: Kernel, page: Page, _vma: Vma, _child: Mm) -> bool:
        page.flags &= ~PG_ANON_EXCLUSIVE
        return True

    patch.set(rmap, "folio_try_dup_anon_rmap_pte", shares)


def keeps_tables(patch: Patch) -> None:
    patch.nothing(zap, "free_pgd_range")


def keeps_anon_vmas(patch: Patch) -> None:
    patch.nothing(anon_vma, "put_anon_vma")


def keeps_vmas(patch: Patch) -> None:
    patch.nothing(vma_tree, "remove_vma")


def keeps_files(patch: Patch) -> None:
    def remove_vma(k: Kernel, vma: Vma) -> None:
        vma_tree.vm_area_free(k, vma)

    patch.set(vma_tree, "remove_vma", remove_vma)


def keeps_mms(patch: Patch) -> None:
    patch.nothing(kernel_exit, "mmdrop")


def zap_forgets_rss(patch: Patch) -> None:
    def then(_k: Kernel, tlb: mmu_gather.MmuGather, *_: object) -> None:
        tlb.mm.rss_anon += 1

    patch.after(zap, "zap_present_pte", then)


def munmap_forgets_total(patch: Patch) -> None:
    def then(_k: Kernel, mm: Mm, vms: mmap.VmaMunmap) -> None:
        mm.total_vm += vms.nr_pages

    patch.after(mmap, "vms_clear_ptes", then)


def mlock_forgets_to_count(patch: Patch) -> None:
    def then(_k: Kernel, vma: Vma, start: int, end: int, _flags: int, _merged: bool) -> None:
        assert vma.mm is not None
        vma.mm.locked_vm -= end - start

    patch.after(mlock, "mlock_vma_pages_range", then)


def keeps_device_pages(patch: Patch) -> None:
    patch.nothing(memremap, "free_zone_device_folio")


def insert_forgets_nrpages(patch: Patch) -> None:
    def then(_k: Kernel, inode: Inode, _index: int) -> None:
        inode.nrpages -= 1

    patch.after(shmem, "shmem_alloc_and_add_folio", then)


PAIRS: Final = (
    Pair(
        "fork-gets",
        "refcount copy_present_pte anon",
        FORK.replace("4 T1 write 3", "4 T1 read 3"),
        fork_takes_no_reference,
    ),
    Pair("fault-puts-once", "refcount finish_fault file", FILE, fault_puts_twice),
    Pair(
        "gather-owns",
        "refcount tlb_flush_mmu anon",
        ANON + "3 T0 munmap 0..8\n",
        gather_takes_no_reference,
    ),
    Pair(
        "zap-unmaps",
        "refcount zap_present_folio_ptes anon",
        ANON + "3 T0 madvise 0..8 DONTNEED\n",
        never_unmapped,
    ),
    Pair(
        "zap-unmaps-once",
        "mapcount zap_present_folio_ptes anon",
        ANON + "3 T0 munmap 0..8\n",
        unmapped_twice,
    ),
    Pair(
        "fork-counts",
        "mapcount copy_present_pte anon",
        ANON + "3 T0 fork T1\n4 T1 read 3\n",
        fork_does_not_count,
    ),
    Pair("cow-puts", "leak wp_can_reuse_anon_folio anon", FORK, fault_puts_never),
    Pair("tables-go", "leak exit_mmap page-table", ANON + "3 T0 munmap 0..8\n", keeps_tables),
    Pair(
        "anon-vmas-go",
        "leak unlink_anon_vmas anon_vma",
        ANON + "3 T0 munmap 0..8\n",
        keeps_anon_vmas,
    ),
    Pair("vmas-go", "leak vma_start_write vma", ANON + "3 T0 munmap 0..8\n", keeps_vmas),
    Pair(
        "device-pages-go",
        "leak exit_mmap page",
        ANON + "3 DEVICE migrate_to_device 0..8\n",
        keeps_device_pages,
    ),
    Pair(
        "files-go",
        "leak shmem_evict_inode file",
        "1 T0 mmap 0..8 rw shared anon\n2 T0 write 3\n3 T0 munmap 0..8\n",
        keeps_files,
    ),
    Pair("mms-go", "leak mmdrop mm", ANON + "3 T0 fork T1\n4 T1 exit\n", keeps_mms),
    Pair(
        "pin-counts",
        "refcount unpin_user_page anon",
        ANON + "3 T0 pin p0 3 w\n4 T0 unpin p0\n",
        pin_is_not_counted,
    ),
    Pair(
        "zap-counts-rss",
        "accounting zap_pte_range mm",
        ANON + "3 T0 madvise 0..8 DONTNEED\n",
        zap_forgets_rss,
    ),
    Pair(
        "munmap-counts-total",
        "accounting tlb_finish_mmu mm",
        ANON + "3 T0 munmap 0..2\n",
        munmap_forgets_total,
    ),
    Pair(
        "mlock-counts",
        "accounting mlock_fixup mm",
        ANON + "3 T0 mlock 0..2\n",
        mlock_forgets_to_count,
    ),
    Pair(
        "insert-counts-pages",
        "accounting shmem_add_to_page_cache file",
        FILE,
        insert_forgets_nrpages,
    ),
)
