# SPDX-License-Identifier: MIT
"""mm/huge_memory.c (7.2), the part about one PMD entry: its split to a page table, and migration
entries in its place.

A huge entry is never just overwritten: while CPUs may hold its translation, none may load one of a
small page at the same address. So it is made not present, flushed, and only then replaced.

Not modelled: uffd-wp.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import mmu_notifier
from simulator.mm.mm_types import (
    MM_FILEPAGES,
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_DEVICE_PRIVATE,
    PG_DIRTY,
    PTE_DIRTY,
    PTE_PROTNONE,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_UFFD_WP,
    PTE_WRITE,
    PTE_YOUNG,
    REF_MAP,
    SWP_DEVICE_READ,
    SWP_DEVICE_WRITE,
    SWP_MIGRATION_READ,
    SWP_MIGRATION_READ_EXCLUSIVE,
    SWP_MIGRATION_WRITE,
    VM_SOFTDIRTY,
    Folio,
    Mm,
    Page,
    PageTable,
    Vma,
    add_mm_counter,
    is_device_private_pte,
    is_huge_zero_pmd,
    is_migration_pte,
    mk_swap_pte,
    pmd_present,
    pte_kind,
    pte_mkuffd_wp,
)
from simulator.mm.page_ref import folio_get, folio_put
from simulator.mm.pgtable import (
    fill_pte,
    folio_mk_pmd,
    keep_soft_dirty,
    mk_pte,
    pfn_to_page,
    pgtable_trans_huge_withdraw,
    pmd_populate_split,
    pmdp_huge_get_and_clear,
    pte_mkdirty,
    set_pmd_at,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pmdp_huge_clear_flush,
    pmdp_invalidate,
)
from simulator.mm.rmap import (
    folio_add_anon_rmap_pmd,
    folio_add_anon_rmap_ptes,
    folio_add_file_rmap_pmd,
    folio_remove_rmap_pmd,
    folio_try_share_anon_rmap_pte,
)
from simulator.objects import pmd_obj
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def haddr_of(k: "Kernel", va: i64) -> i64:
    """The first page that the PMD entry of `va` maps (HPAGE_PMD_MASK)."""
    return va >> k.pmd_order << k.pmd_order


def thp_vma_suitable(k: "Kernel", vma: Vma, va: i64) -> bool:
    """Whether the VMA has room for all that the PMD entry of `va` maps."""
    start = haddr_of(k, va)
    return va >= 0 and vma.start <= start and start + k.ptrs_per_pte <= vma.end


def split_huge_pmd(k: "Kernel", vma: Vma, va: i64) -> None:
    """__split_huge_pmd(): if the entry of `va` is a huge one, a page table with the same contents
    takes its place."""
    mm = vma.mm
    assert mm is not None
    start = haddr_of(k, va)
    end = start + k.ptrs_per_pte
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, start, end, event)
    pmd_lock(k, sites.SPLIT_HUGE_PMD__LOCK, mm)
    split_huge_pmd_locked(k, vma, start, False)
    pmd_unlock(k, mm)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)


def split_huge_pmd_address(k: "Kernel", vma: Vma, va: i64) -> None:
    """Split the PMD entry of `va`, if there is a huge one. Where no huge pages can be, Linux takes
    its locks in vain."""
    mm = vma.mm
    assert mm is not None
    i = va >> k.pmd_order
    if mm.pmd[i] or (k.thp and mm.tables[i] is not None):
        split_huge_pmd(k, vma, va)


def split_huge_pmd_locked(k: "Kernel", vma: Vma, start: i64, freeze: bool) -> None:
    """The PMD lock is held. `freeze` puts migration entries into the page table, as far as the
    folio is not pinned; then its reference of the mapping goes, too."""
    mm = vma.mm
    assert mm is not None
    pmd = mm.pmd[start >> k.pmd_order]
    if pmd == 0:
        return
    k.sometimes(features.Z_PMD_SPLIT)
    if vma.inode is not None:
        split_file_pmd(k, mm, vma, start)
        return
    if is_huge_zero_pmd(pmd):
        split_huge_zero_page_pmd(k, mm, vma, start)
    elif is_migration_pte(pmd):
        split_nonpresent_pmd(k, mm, start, pmd)
    elif is_device_private_pte(pmd):
        split_device_private_pmd(k, mm, vma, start, pmd, freeze)
    else:
        split_present_pmd(k, mm, vma, start, freeze)


def split_huge_zero_page_pmd(k: "Kernel", mm: Mm, vma: Vma, start: i64) -> None:
    """__split_huge_zero_page_pmd()"""
    k.step(sites.SPLIT_HUGE_ZERO_PAGE_PMD__CLEAR_FLUSH, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    old = pmdp_huge_clear_flush(k, mm, start)
    table = pgtable_trans_huge_withdraw(k, mm, start)
    entry = vm_page_prot(vma) | PTE_SPECIAL
    if old & PTE_UFFD_WP:
        entry = pte_mkuffd_wp(entry)
    for va in range(start, start + k.ptrs_per_pte):
        fill_pte(k, mm, table, va, entry)
    k.step(sites.SPLIT_HUGE_ZERO_PAGE_PMD__POPULATE, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    pmd_populate_split(k, mm, start, table)


def split_file_pmd(k: "Kernel", mm: Mm, vma: Vma, start: i64) -> None:
    """The entry of a file goes, and nothing takes its place: faults bring its pages back."""
    k.step(sites.SPLIT_FILE_PMD__CLEAR_FLUSH, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    old = mm.pmd[start >> k.pmd_order]
    if pmd_present(old) and not k.bug.split_file_pmd_none_before_flush:
        old = pmdp_invalidate(k, mm, start)  # who zaps looks without a lock
        pmdp_huge_get_and_clear(k, mm, start)
    else:
        pmdp_huge_clear_flush(k, mm, start)
    keep_soft_dirty(k, vma, old)
    folio = pfn_to_page(k, old >> PFN_SHIFT).folio
    if not is_migration_pte(old):  # which maps nothing
        if old & PTE_DIRTY:
            folio.flags |= PG_DIRTY
        folio_remove_rmap_pmd(k, folio, mm)
        folio_put(k, folio, REF_MAP)
    add_mm_counter(mm, MM_FILEPAGES, -k.ptrs_per_pte)


def split_present_pmd(k: "Kernel", mm: Mm, vma: Vma, start: i64, freeze: bool) -> None:
    """The entry maps a folio. Hardware is locked out first; then dirty and young are final."""
    k.step(sites.SPLIT_HUGE_PMD_LOCKED__INVALIDATE, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    if k.bug.tlb_huge_and_small_at_once:
        old = mm.pmd[start >> k.pmd_order]
    else:
        old = pmdp_invalidate(k, mm, start)
    page = pfn_to_page(k, old >> PFN_SHIFT)
    folio = page.folio
    if old & PTE_DIRTY:
        folio.flags |= PG_DIRTY
    exclusive = page.flags & PG_ANON_EXCLUSIVE != 0
    if freeze and exclusive and not folio_try_share_anon_rmap_pte(page):
        freeze = False
    if not freeze:
        if k.bug.thp_mapcount_nonatomic_split:
            k.step(sites.SPLIT_HUGE_PMD_LOCKED__REMOVE_RMAP, folio.obj, WRITE)
            folio_remove_rmap_pmd(k, folio, mm)
            k.step(sites.SPLIT_HUGE_PMD_LOCKED__ADD_RMAP, folio.obj, WRITE)
        map_by_ptes(k, folio, vma, start, exclusive)
    table = pgtable_trans_huge_withdraw(k, mm, start)
    if freeze:
        kind = migration_kind(old & PTE_WRITE != 0, exclusive)
        carried = PTE_YOUNG | PTE_DIRTY | PTE_SOFT_DIRTY | PTE_UFFD_WP
        fill_swap(k, mm, table, start, page, kind, old & carried)
    else:
        entry = mk_pte(page, vm_page_prot(vma) & ~PTE_WRITE)
        entry |= old & (PTE_WRITE | PTE_YOUNG | PTE_SOFT_DIRTY | PTE_UFFD_WP)
        if old & PTE_DIRTY:
            entry = pte_mkdirty(entry)
        for i in range(k.ptrs_per_pte):
            fill_pte(k, mm, table, start + i, entry + (i << PFN_SHIFT))
    finish_split(k, mm, folio, start, table, freeze)


def map_by_ptes(k: "Kernel", folio: Folio, vma: Vma, start: i64, exclusive: bool) -> None:
    """Page table entries take over from the PMD entry, whose reference becomes the first one's."""
    for _ in range(k.ptrs_per_pte - 1):
        folio_get(k, folio, REF_MAP)
    folio_add_anon_rmap_ptes(k, folio, vma, start, exclusive)


def migration_kind(write: bool, exclusive: bool) -> i64:
    """SWP_* of the migration entry for an entry that was taken out."""
    if write:
        return SWP_MIGRATION_WRITE
    return SWP_MIGRATION_READ_EXCLUSIVE if exclusive else SWP_MIGRATION_READ


def fill_swap(
    k: "Kernel", mm: Mm, table: PageTable, start: i64, page: Page, kind: i64, bits: i64
) -> None:
    """Fill the page table with entries of one kind for the folio's pages."""
    entry = mk_swap_pte(kind, page.pfn) | bits
    for i in range(k.ptrs_per_pte):
        fill_pte(k, mm, table, start + i, entry + (i << PFN_SHIFT))


def finish_split(
    k: "Kernel", mm: Mm, folio: Folio, start: i64, table: PageTable, freeze: bool
) -> None:
    """The PMD entry maps the folio no longer, and the page table shows."""
    if freeze or not k.bug.thp_mapcount_nonatomic_split:
        k.step(sites.SPLIT_HUGE_PMD_LOCKED__REMOVE_RMAP, folio.obj, WRITE)
        folio_remove_rmap_pmd(k, folio, mm)
    mm.splitting = folio
    if freeze:
        folio_put(k, folio, REF_MAP)
    k.step(sites.SPLIT_HUGE_PMD_LOCKED__POPULATE, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    pmd_populate_split(k, mm, start, table)
    mm.splitting = None


def split_nonpresent_pmd(k: "Kernel", mm: Mm, start: i64, pmd: i64) -> None:
    """A migration entry becomes as many of them; they map nothing, so that there is no rmap."""
    table = pgtable_trans_huge_withdraw(k, mm, start)
    for i in range(k.ptrs_per_pte):
        fill_pte(k, mm, table, start + i, pmd + (i << PFN_SHIFT))
    k.step(sites.SPLIT_HUGE_PMD_LOCKED__POPULATE, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    pmd_populate_split(k, mm, start, table)


def split_device_private_pmd(
    k: "Kernel", mm: Mm, vma: Vma, start: i64, pmd: i64, freeze: bool
) -> None:
    """An entry of device memory becomes as many of them, or of migration."""
    page = pfn_to_page(k, pmd >> PFN_SHIFT)
    folio = page.folio
    write = pte_kind(pmd) == SWP_DEVICE_WRITE
    exclusive = page.flags & PG_ANON_EXCLUSIVE != 0
    if freeze and exclusive and not folio_try_share_anon_rmap_pte(page):
        freeze = False
    if not freeze:
        map_by_ptes(k, folio, vma, start, exclusive)
    table = pgtable_trans_huge_withdraw(k, mm, start)
    kind: i64 = SWP_DEVICE_WRITE if write else SWP_DEVICE_READ
    if freeze:
        kind = migration_kind(write, exclusive)
    fill_swap(k, mm, table, start, page, kind, pmd & (PTE_SOFT_DIRTY | PTE_UFFD_WP))
    finish_split(k, mm, folio, start, table, freeze)


def split_huge_pmd_if_needed(k: "Kernel", vma: Vma, va: i64) -> None:
    """A VMA is about to begin or end at `va`: no huge page may lie across."""
    if va & (k.ptrs_per_pte - 1) == 0:
        return
    start = haddr_of(k, va)
    if vma.start <= start and start + k.ptrs_per_pte <= vma.end:
        split_huge_pmd_address(k, vma, va)


def vma_adjust_trans_huge(k: "Kernel", vma: Vma, start: i64, end: i64, nxt: Vma | None) -> None:
    """`vma` is about to become [start, end), and `nxt` to begin at `end`."""
    split_huge_pmd_if_needed(k, vma, start)
    split_huge_pmd_if_needed(k, vma, end)
    if nxt is not None:
        split_huge_pmd_if_needed(k, nxt, end)


# --- migration ---------------------------------------------------------------------------------


def set_pmd_migration_entry(k: "Kernel", mm: Mm, start: i64) -> bool:
    """Replace the huge entry by a migration entry; the PMD lock is held. False: the folio is
    pinned, and the entry is what it was."""
    obj = pmd_obj(mm.id, start >> k.pmd_order)
    k.step(sites.SET_PMD_MIGRATION_ENTRY__CLEAR, obj, WRITE)
    present = pmd_present(mm.pmd[start >> k.pmd_order])
    if present:
        old = pmdp_invalidate(k, mm, start)
        write = old & PTE_WRITE != 0
    else:  # never none: who zaps looks without a lock
        old = mm.pmd[start >> k.pmd_order]
        if k.bug.device_pmd_none_while_migrating:
            old = pmdp_huge_get_and_clear(k, mm, start)
        write = pte_kind(old) == SWP_DEVICE_WRITE
    page = pfn_to_page(k, old >> PFN_SHIFT)
    folio = page.folio
    exclusive = page.flags & PG_ANON_EXCLUSIVE != 0
    if exclusive and not folio_try_share_anon_rmap_pte(page):
        set_pmd_at(k, mm, start, old)
        return False
    entry = mk_swap_pte(migration_kind(write, exclusive), page.pfn)
    entry |= old & (PTE_SOFT_DIRTY | PTE_UFFD_WP)
    if present:
        entry |= old & (PTE_YOUNG | PTE_DIRTY)
        if old & PTE_DIRTY:
            folio.flags |= PG_DIRTY
    k.step(sites.SET_PMD_MIGRATION_ENTRY__SET_ENTRY, obj, WRITE)
    set_pmd_at(k, mm, start, entry)
    k.step(sites.SET_PMD_MIGRATION_ENTRY__REMOVE_RMAP, folio.obj, WRITE)
    folio_remove_rmap_pmd(k, folio, mm)
    folio_put(k, folio, REF_MAP)
    return True


def remove_migration_pmd(k: "Kernel", vma: Vma, start: i64, folio: Folio) -> None:
    """Map `folio` where the migration entry stands; the PMD lock is held."""
    mm = vma.mm
    assert mm is not None
    old = mm.pmd[start >> k.pmd_order]
    kind = pte_kind(old)
    folio_get(k, folio, REF_MAP)
    entry = folio_mk_pmd(folio.page, vm_page_prot(vma)) | old & (PTE_SOFT_DIRTY | PTE_YOUNG)
    if kind == SWP_MIGRATION_WRITE and not entry & PTE_PROTNONE:
        tracked = not old & PTE_SOFT_DIRTY and not vma.flags & VM_SOFTDIRTY
        if not tracked or k.bug.migration_restores_writable:
            entry |= PTE_WRITE
    elif old & PTE_UFFD_WP:
        entry = pte_mkuffd_wp(entry)
    if folio.flags & PG_DIRTY and old & PTE_DIRTY:
        entry = pte_mkdirty(entry)
    if folio.flags & PG_DEVICE_PRIVATE:
        # Stores of the device are not tracked by soft-dirty bits, and it may map the page by now.
        device: i64 = SWP_DEVICE_WRITE if kind == SWP_MIGRATION_WRITE else SWP_DEVICE_READ
        entry = mk_swap_pte(device, folio.pfn) | old & (PTE_SOFT_DIRTY | PTE_UFFD_WP)
    if folio.inode is None:
        folio_add_anon_rmap_pmd(k, folio, vma, start, kind != SWP_MIGRATION_READ)
    else:
        folio_add_file_rmap_pmd(k, folio, mm)
    k.step(sites.REMOVE_MIGRATION_PMD__SET_PMD, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    set_pmd_at(k, mm, start, entry)
