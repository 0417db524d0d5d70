# SPDX-License-Identifier: MIT
"""mm/migrate.c, mm/page_vma_mapped.c and the migration half of mm/rmap.c (Linux 7.2): migration
entries in and out."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import mmu_notifier
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_DEVICE_PRIVATE,
    PG_DIRTY,
    PG_LRU,
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
    VM_LOCKED,
    VM_SOFTDIRTY,
    Folio,
    Mm,
    Page,
    PageTable,
    Vma,
    add_mm_counter,
    folio_mapcount,
    is_device_private_pte,
    is_device_pte,
    is_migration_pte,
    mk_swap_pte,
    pte_kind,
    pte_mkuffd_wp,
    pte_present,
)
from simulator.mm.page_ref import folio_get, folio_put
from simulator.mm.pgtable import (
    mk_pte,
    pfn_to_page,
    pmd_addr_end,
    pmd_folio,
    pte_mkdirty,
    ptep_get,
    set_pte_at,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pte_offset_map,
    pte_offset_map_lock,
    pte_unmap,
    pte_unmap_unlock,
    ptep_clear_flush,
)
from simulator.mm.rmap import (
    RmapWalkControl,
    folio_add_anon_rmap_pte,
    folio_add_file_rmap_pte,
    folio_remove_rmap_pte,
    folio_try_share_anon_rmap_pte,
    rmap_walk,
    rmap_walk_locked,
    vma_address_end,
)
from simulator.mm.split_huge_pmd import (
    remove_migration_pmd,
    set_pmd_migration_entry,
    split_huge_pmd,
    split_huge_pmd_locked,
    thp_vma_suitable,
)
from simulator.objects import pmd_obj, pte_obj
from simulator.sched.lock import spin_lock, wait_queued
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def migration_entry_wait(k: "Kernel", mm: Mm, va: i64) -> None:
    """A fault met a migration entry: sleep until the page under migration is unlocked. The
    entry, seen under the lock, keeps the page alive."""
    table = pte_offset_map_lock(k, sites.MIGRATION_ENTRY_WAIT__LOCK, mm, va)
    if table is None:
        return
    pte = ptep_get(k, table, va)
    if not is_migration_pte(pte):
        pte_unmap_unlock(k, table)
        return
    page = pfn_to_page(k, pte >> PFN_SHIFT)
    k.sometimes(features.Z_MIGRATE_ENTRY_WAIT)
    folio = page.single if k.bug.migration_entry_wait_tail else page.folio
    if folio.lock.owner < 0 <= page.folio.lock.owner:
        k.violate(
            "livelock",
            sites.MIGRATION_ENTRY_WAIT__LOCK,
            k.class_of(page),
            f"a fault at page {va} does not wait for the folio under migration, but for a tail of "
            "it, which is never locked: it goes round until the migration is over, which may need "
            "its CPU",
        )
    softleaf_entry_wait_on_locked(k, folio, table)


def softleaf_entry_wait_on_locked(k: "Kernel", folio: Folio, table: PageTable) -> None:
    """mm/filemap.c: drop the page table lock and sleep until the folio is unlocked, once. The
    waiter is queued before the lock goes, so that the entry keeps the folio alive until then."""
    lock = folio.lock
    if lock.owner < 0:
        pte_unmap_unlock(k, table)
        return
    lock.waiters |= 1 << k.cur.id
    holder = lock.owner
    pte_unmap_unlock(k, table)
    wait_queued(k, lock, holder)


def make_migration_pte(k: "Kernel", pte: i64, page: Page, exclusive: bool) -> i64:
    """The migration entry for a present or device private entry that was taken out."""
    kind = pte_kind(pte)
    if pte & PTE_WRITE or kind == SWP_DEVICE_WRITE:
        new = mk_swap_pte(SWP_MIGRATION_WRITE, page.pfn)
    elif exclusive:
        new = mk_swap_pte(SWP_MIGRATION_READ_EXCLUSIVE, page.pfn)
    else:
        new = mk_swap_pte(SWP_MIGRATION_READ, page.pfn)
    if pte_present(pte) and not k.bug.migration_loses_young_dirty:
        new |= pte & (PTE_YOUNG | PTE_DIRTY)
    return new | pte & (PTE_SOFT_DIRTY | PTE_UFFD_WP)


def try_to_migrate(k: "Kernel", folio: Folio) -> None:
    """Replace every entry that maps the page by a migration entry, as far as pins allow."""
    rmap_walk(
        k,
        sites.TRY_TO_MIGRATE__ANON_VMA_LOCK,
        sites.TRY_TO_MIGRATE__I_MMAP_LOCK,
        folio,
        TryToMigrate(),
    )


def try_to_migrate_locked(k: "Kernel", folio: Folio) -> None:
    """Put migration entries where a large folio is mapped that is to be split (TTU_RMAP_LOCKED |
    TTU_SYNC | TTU_SPLIT_HUGE_PMD): the caller holds the anon_vma's lock."""
    rmap_walk_locked(k, folio, TryToMigrateLarge(True))


class TryToMigrate(RmapWalkControl):
    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        """try_to_migrate_one(); False: the page is pinned, or mapped no longer."""
        mm = vma.mm
        assert mm is not None
        if folio.order:
            return migrate_large(k, folio, vma, va, False)
        event = mmu_notifier.MMU_NOTIFY_CLEAR
        mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, va, va + 1, event)
        done = True
        table = page_vma_mapped_walk(k, folio.page, mm, va, sites.TRY_TO_MIGRATE_ONE__LOCK)
        if table is not None:
            done = migrate_entry(k, folio.page, mm, table, va)
            pte_unmap_unlock(k, table)
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, va + 1)
        return done and folio.page.mapcount > 0


class TryToMigrateLarge(RmapWalkControl):
    def __init__(self, split: bool) -> None:
        self.split: bool = split

    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        return migrate_large(k, folio, vma, va, self.split)


def migrate_large(k: "Kernel", folio: Folio, vma: Vma, start: i64, split: bool) -> bool:
    """try_to_migrate_one() of a large folio, which PMD and page table entries may map; False: it is
    pinned, or mapped no longer. `split`: huge entries are split, and locks taken before anything is
    looked at (PVMW_SYNC)."""
    mm = vma.mm
    assert mm is not None
    end = vma_address_end(vma, folio)
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, start, end, event)
    done = True
    va = start
    while va < end and done:
        k.step(sites.PAGE_VMA_MAPPED_WALK__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
        if mm.pmd[va >> k.pmd_order]:
            pmd_lock(k, sites.PAGE_VMA_MAPPED_WALK__PMD_LOCK, mm)
            pmd = mm.pmd[va >> k.pmd_order]
            if split and k.bug.split_huge_pmd_derefs_migration_entry:
                pmd_folio(k, pmd)  # before it was asked what the entry is
            if pmd and not is_migration_pte(pmd) and pmd >> PFN_SHIFT == folio.pfn:
                if split:
                    split_huge_pmd_locked(k, vma, va, True)
                    pmd_unlock(k, mm)
                    continue  # the folio may still be mapped, by small entries
                done = set_pmd_migration_entry(k, mm, va)
            pmd_unlock(k, mm)
            if pmd == 0:
                continue
        elif mm.tables[va >> k.pmd_order] is not None:
            stop = pmd_addr_end(k, va, end)
            done = migrate_large_ptes(k, folio, mm, va, stop)
        va = pmd_addr_end(k, va, end)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)
    return done and folio_mapcount(folio) > 0


def migrate_large_ptes(k: "Kernel", folio: Folio, mm: Mm, start: i64, end: i64) -> bool:
    """The entries of one page table that map pages of the folio; False: one of them is pinned."""
    table = pte_offset_map_lock(k, sites.TRY_TO_MIGRATE_ONE__LOCK, mm, start)
    if table is None:
        return True
    done = True
    va = start
    while va < end and done:
        pte = ptep_get(k, table, va)
        offset = (pte >> PFN_SHIFT) - folio.pfn
        maps = pte_present(pte) and not pte & PTE_SPECIAL or is_device_pte(pte)
        if maps and 0 <= offset < 1 << folio.order:
            done = migrate_entry(k, pfn_to_page(k, pte >> PFN_SHIFT), mm, table, va)
        va += 1
    pte_unmap_unlock(k, table)
    return done


def page_vma_mapped_walk(k: "Kernel", page: Page, mm: Mm, va: i64, site: i64) -> PageTable | None:
    """mm/page_vma_mapped.c without PVMW_SYNC: the locked page table if `va` maps the page. It looks
    before it locks, so it passes by an entry that somebody has taken out for a moment, and a page
    whose entry is gone may still count as mapped."""
    i = va & (k.ptrs_per_pte - 1)
    while True:
        k.step(sites.PAGE_VMA_MAPPED_WALK__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
        if mm.tables[va >> k.pmd_order] is None:
            return None
        table = pte_offset_map(k, mm, va)
        if table is None:
            continue
        k.step(sites.MAP_PTE__READ, pte_obj(mm.id, va), READ)
        k.watch.table_read(k, table)
        pte = table.pte[i]
        if not pte_present(pte) and not is_device_pte(pte):
            pte_unmap(k)
            return None
        spin_lock(k, site, table.ptl)
        if mm.tables[va >> k.pmd_order] is table:
            break
        pte_unmap_unlock(k, table)
    pte = table.pte[i]
    if (pte_present(pte) or is_device_pte(pte)) and pte >> PFN_SHIFT == page.pfn:
        return table
    pte_unmap_unlock(k, table)
    return None


def migrate_entry(k: "Kernel", page: Page, mm: Mm, table: PageTable, va: i64) -> bool:
    """try_to_migrate_one() at an entry that maps the page."""
    folio = page.folio
    exclusive = page.flags & PG_ANON_EXCLUSIVE != 0
    k.step(sites.TRY_TO_MIGRATE_ONE__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
    pte = ptep_clear_flush(k, mm, table, va)
    if pte_present(pte) and pte & PTE_DIRTY and not k.bug.migration_loses_young_dirty:
        folio.flags |= PG_DIRTY
    if exclusive and not folio_try_share_anon_rmap_pte(page):
        set_pte_at(k, mm, table, va, pte)
        return False
    k.step(sites.TRY_TO_MIGRATE_ONE__SET_ENTRY, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, make_migration_pte(k, pte, page, exclusive))
    k.step(sites.TRY_TO_MIGRATE_ONE__REMOVE_RMAP, page.obj, WRITE)
    folio_remove_rmap_pte(k, page, mm)
    folio_put(k, folio, REF_MAP)
    return True


class SplitMigrationPmd(RmapWalkControl):
    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        mm = vma.mm
        assert mm is not None
        pmd = mm.pmd[va >> k.pmd_order]
        if is_migration_pte(pmd) and pmd >> PFN_SHIFT == folio.pfn:
            split_huge_pmd(k, vma, va)
        return True


def split_migration_pmds(k: "Kernel", folio: Folio) -> None:
    """Split the PMD migration entries of a folio wherever they stand."""
    rmap_walk(
        k,
        sites.TRY_TO_MIGRATE__ANON_VMA_LOCK,
        sites.TRY_TO_MIGRATE__I_MMAP_LOCK,
        folio,
        SplitMigrationPmd(),
    )


def remove_migration_ptes(k: "Kernel", src: Folio, dst: Folio) -> None:
    """Map `dst` wherever a migration entry of `src` stands."""
    rmap_walk(
        k,
        sites.REMOVE_MIGRATION_PTES__ANON_VMA_LOCK,
        sites.REMOVE_MIGRATION_PTES__I_MMAP_LOCK,
        dst,
        RemoveMigrationPte(src, False),
    )
    k.watch.migration_ptes_removed(k, src.page)


def remove_migration_ptes_locked(k: "Kernel", src: Folio, dst: Folio, zeroes: bool) -> None:
    """The same with the anon_vma's lock held (TTU_RMAP_LOCKED); `zeroes`: what holds nothing but
    zeroes gives way to the shared zero page (TTU_USE_SHARED_ZEROPAGE)."""
    rmap_walk_locked(k, dst, RemoveMigrationPte(src, zeroes))
    k.watch.migration_ptes_removed(k, src.page)


class RemoveMigrationPte(RmapWalkControl):
    def __init__(self, src: Folio, zeroes: bool) -> None:
        self.src: Folio = src
        self.zeroes: bool = zeroes

    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        """remove_migration_pte()"""
        mm = vma.mm
        assert mm is not None
        if folio.order:
            restore_large(k, self.src, folio, vma, va)
            return True
        table = pte_offset_map_lock(k, sites.REMOVE_MIGRATION_PTE__LOCK, mm, va)
        if table is None:
            return True
        old = ptep_get(k, table, va)
        if is_migration_pte(old) and old >> PFN_SHIFT == self.src.pfn:
            kind = pte_kind(old)
            if self.zeroes and map_unused_to_zeropage(k, mm, vma, table, va, folio.page, old):
                pte_unmap_unlock(k, table)
                return True
            folio_get(k, folio, REF_MAP)
            add_rmap(k, folio.page, vma, va, kind)
            k.step(sites.REMOVE_MIGRATION_PTE__SET_PTE, pte_obj(mm.id, va), WRITE)
            set_pte_at(k, mm, table, va, restored_pte(k, old, kind, folio.page, vma))
        pte_unmap_unlock(k, table)
        return True


def add_rmap(k: "Kernel", page: Page, vma: Vma, va: i64, kind: i64) -> None:
    """A page is about to be mapped where a migration entry of this kind stands."""
    mm = vma.mm
    assert mm is not None
    if page.folio.inode is None:
        folio_add_anon_rmap_pte(k, page, vma, va, kind != SWP_MIGRATION_READ)
    else:
        folio_add_file_rmap_pte(k, page, mm)


def restore_large(k: "Kernel", src: Folio, dst: Folio, vma: Vma, start: i64) -> None:
    """remove_migration_pte() of a large folio: PMD and page table entries of migration."""
    mm = vma.mm
    assert mm is not None
    end = vma_address_end(vma, dst)
    va = start
    while va < end:
        stop = pmd_addr_end(k, va, end)
        k.step(sites.PAGE_VMA_MAPPED_WALK__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
        if mm.pmd[va >> k.pmd_order]:
            pmd_lock(k, sites.REMOVE_MIGRATION_PTE__PMD_LOCK, mm)
            pmd = mm.pmd[va >> k.pmd_order]
            ours = is_migration_pte(pmd) and pmd >> PFN_SHIFT == src.pfn
            if k.bug.pvmw_device_private_pmd and is_device_private_pte(pmd):
                ours = True
            if ours:
                remove_migration_pmd(k, vma, va, dst)
            pmd_unlock(k, mm)
            if pmd == 0:
                continue
        elif mm.tables[va >> k.pmd_order] is not None:
            restore_large_ptes(k, src, dst, vma, va, stop)
        elif thp_vma_suitable(k, vma, va):  # PVMW_SYNC: wait for who moves the entry to behind us
            pmd_lock(k, sites.REMOVE_MIGRATION_PTE__PMD_LOCK, mm)
            pmd_unlock(k, mm)
        va = stop


def restore_large_ptes(k: "Kernel", src: Folio, dst: Folio, vma: Vma, start: i64, end: i64) -> None:
    mm = vma.mm
    assert mm is not None
    table = pte_offset_map_lock(k, sites.REMOVE_MIGRATION_PTE__LOCK, mm, start)
    if table is None:
        return
    for va in range(start, end):
        old = ptep_get(k, table, va)
        offset = (old >> PFN_SHIFT) - src.pfn
        if is_migration_pte(old) and 0 <= offset < 1 << dst.order:
            page = pfn_to_page(k, dst.pfn + offset)
            kind = pte_kind(old)
            folio_get(k, dst, REF_MAP)
            add_rmap(k, page, vma, va, kind)
            k.step(sites.REMOVE_MIGRATION_PTE__SET_PTE, pte_obj(mm.id, va), WRITE)
            set_pte_at(k, mm, table, va, restored_pte(k, old, kind, page, vma))
    pte_unmap_unlock(k, table)


def map_unused_to_zeropage(
    k: "Kernel", mm: Mm, vma: Vma, table: PageTable, va: i64, page: Page, old: i64
) -> bool:
    """try_to_map_unused_to_zeropage(): a page of zeroes that nobody has stored to is not worth its
    memory. The entry has been a migration entry since no CPU can store to it."""
    words = page.words
    if vma.flags & VM_LOCKED or words[0] or words[1] or words[2] or words[3]:
        return False
    k.step(sites.TRY_TO_MAP_UNUSED_TO_ZEROPAGE__SET_PTE, pte_obj(mm.id, va), WRITE)
    pte = (vm_page_prot(vma) & ~PTE_WRITE) | PTE_SPECIAL
    if not k.bug.thp_split_zero_subpage_loses_bits:
        pte |= old & PTE_SOFT_DIRTY
        if old & PTE_UFFD_WP:
            pte = pte_mkuffd_wp(pte)
    k.watch.page_cleaned(k, mm, va)
    set_pte_at(k, mm, table, va, pte)
    add_mm_counter(mm, MM_ANONPAGES, -1)
    return True


def restored_pte(k: "Kernel", old: i64, kind: i64, dst: Page, vma: Vma) -> i64:
    """The entry that replaces a migration entry."""
    folio = dst.folio
    if folio.flags & PG_DEVICE_PRIVATE:
        swp = SWP_DEVICE_WRITE if kind == SWP_MIGRATION_WRITE else SWP_DEVICE_READ
        return mk_swap_pte(swp, dst.pfn) | old & (PTE_SOFT_DIRTY | PTE_UFFD_WP)
    pte = mk_pte(dst, vm_page_prot(vma)) | old & PTE_YOUNG
    if folio.flags & PG_DIRTY and old & PTE_DIRTY:
        pte = pte_mkdirty(pte)
        k.sometimes(features.Z_MIGRATE_DIRTY_CARRIED)
    if not old & PTE_SOFT_DIRTY:
        pte &= ~PTE_SOFT_DIRTY
    else:
        pte |= PTE_SOFT_DIRTY
    if kind == SWP_MIGRATION_WRITE and not pte & PTE_PROTNONE:
        tracked = not pte & PTE_SOFT_DIRTY and not vma.flags & VM_SOFTDIRTY
        if not tracked or k.bug.migration_restores_writable:
            pte |= PTE_WRITE
    elif old & PTE_UFFD_WP:
        pte = pte_mkuffd_wp(pte)
    return pte


def folio_migrate_mapping(k: "Kernel", page: Page, new: Page, extra: i64) -> bool:
    """Give the new page the old one's identity; fails when anybody holds a reference that
    the caller does not know."""
    if page.folio.ref != 1 + extra:
        return False
    for i in range(1 << page.folio.order):
        tail = pfn_to_page(k, page.pfn + i)
        tail.migrated = True
        pfn_to_page(k, new.pfn + i).logical = tail.logical
    new.folio.index = page.folio.index
    new.folio.anon_vma = page.folio.anon_vma
    new.folio.anon_vma_gen = page.folio.anon_vma_gen
    new.folio.flags |= page.folio.flags & ~(PG_DEVICE_PRIVATE | PG_LRU)
    return True
