# SPDX-License-Identifier: MIT
"""mm/migrate_device.c (7.2): migrate_vma_setup(), _pages(), _finalize().

Between setup and pages the driver copies the data; between pages and finalize it maps the
new pages on the device. Best effort: a page that cannot be locked or is pinned stays.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EINVAL
from simulator.mm import mmu_notifier, swap, swapfile, tlb
from simulator.mm.anon_vma import anon_vma_prepare, get_anon_vma, put_anon_vma
from simulator.mm.memremap import DevPagemap
from simulator.mm.migrate import (
    folio_migrate_mapping,
    make_migration_pte,
    remove_migration_ptes,
    split_migration_pmds,
    try_to_migrate,
)
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_DEVICE_PRIVATE,
    PG_DIRTY,
    PG_LRU,
    PG_SWAPCACHE,
    PG_UPTODATE,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_UFFD_WP,
    PTE_WRITE,
    REF_ISOLATED,
    REF_MAP,
    REF_OWNER,
    REF_TEMP,
    SWP_DEVICE_READ,
    SWP_DEVICE_WRITE,
    VM_UFFD_MISSING,
    VM_WRITE,
    AnonVma,
    Folio,
    Mm,
    Page,
    PageTable,
    Vma,
    add_mm_counter,
    folio_mapcount,
    is_device_private_pte,
    is_huge_zero_pmd,
    mk_swap_pte,
    pmd_present,
    pte_kind,
    pte_present,
)
from simulator.mm.page_ref import folio_get, folio_put, folio_try_get, move_ref
from simulator.mm.pgtable import (
    mk_pte,
    pfn_to_page,
    pgtable_trans_huge_deposit,
    pmd_addr_end,
    pmd_index,
    pmd_is_huge,
    pmd_none,
    pmd_table,
    pte_dirty,
    pte_free,
    pte_mkdirty,
    ptep_get,
    ptep_get_and_clear,
    set_pmd_at,
    set_pte_at,
    vm_normal_page,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pmdp_invalidate,
    pte_alloc,
    pte_alloc_one,
    pte_offset_map_lock,
    pte_unmap_unlock,
    ptep_clear_flush,
)
from simulator.mm.rmap import (
    folio_add_new_anon_rmap,
    folio_add_new_anon_rmap_pmd,
    folio_remove_rmap_pte,
    folio_try_share_anon_rmap_pte,
)
from simulator.mm.split_folio import folio_split_unmapped, split_folio
from simulator.mm.split_huge_pmd import (
    set_pmd_migration_entry,
    split_huge_pmd_address,
    thp_vma_suitable,
)
from simulator.objects import pmd_obj, pte_obj
from simulator.sched.lock import folio_trylock, mutex_lock, mutex_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

SELECT_SYSTEM: Final = 1
SELECT_DEVICE_PRIVATE: Final = 2
SELECT_COMPOUND: Final = 4  # the driver can do with huge pages as a whole


class MigratePfns:
    """`src[i]`/`dst[i]` are the pages, `migrate[i]`, `write[i]` and `compound[i]` the flags
    MIGRATE_PFN_MIGRATE, MIGRATE_PFN_WRITE and MIGRATE_PFN_COMPOUND of src, `dst_compound[i]` the
    last one of dst: then what follows as far as the huge page goes is empty."""

    def __init__(self, fault_page: Page | None) -> None:
        self.fault_page: Page | None = fault_page
        self.src: list[Page | None] = []
        self.dst: list[Page | None] = []
        self.migrate: list[bool] = []
        self.write: list[bool] = []
        self.compound: list[bool] = []
        self.dst_compound: list[bool] = []
        self.anon_vmas: list[AnonVma] = []  # that are kept until the end

    def add(self, page: Page | None, migrate: bool, write: bool, compound: bool = False) -> None:
        self.src.append(page)
        self.dst.append(None)
        self.migrate.append(migrate)
        self.write.append(write)
        self.compound.append(compound)
        self.dst_compound.append(False)


class MigrateVma(MigratePfns):
    """struct migrate_vma."""

    def __init__(
        self,
        vma: Vma,
        mm: Mm,
        start: i64,
        end: i64,
        select: i64,
        pgmap_owner: DevPagemap,
        fault_page: Page | None,
    ) -> None:
        super().__init__(fault_page)
        self.vma: Vma = vma
        self.mm: Mm = mm
        self.start: i64 = start
        self.end: i64 = end
        self.select: i64 = select
        self.pgmap_owner: DevPagemap = pgmap_owner
        self.flush_owed: bool = False  # bug migratevma-copy-before-flush
        self.unmapped: bool = False  # entries before a split were taken out, and are not flushed


def migrate_vma_setup(k: "Kernel", args: MigrateVma) -> i64:
    """Collect, lock, isolate and unmap the pages of the range; 0 or -EINVAL."""
    vma = args.vma
    if args.start >= args.end or args.start < vma.start or args.end > vma.end:
        return -EINVAL
    migrate_vma_collect(k, args)
    for page in args.src:
        if page is not None:
            migrate_device_unmap(k, args)
            break
    return 0


def migrate_vma_collect(k: "Kernel", args: MigrateVma) -> None:
    mm = args.mm
    mmu_notifier.mmu_notifier_invalidate_range_start(
        k, mm, args.start, args.end, mmu_notifier.MMU_NOTIFY_MIGRATE, args.pgmap_owner
    )
    va = args.start
    while va < args.end:
        stop = pmd_addr_end(k, va, args.end)
        k.step(sites.MIGRATE_VMA_COLLECT_PMD__PMD, pmd_obj(mm.id, pmd_index(k, va)), READ)
        migrate_vma_collect_pmd(k, args, va, stop)
        va = stop
        if len(args.src) != va - args.start:
            k.violate(
                "kernel-assertion",
                sites.MIGRATE_VMA_COLLECT_PMD__LOCK,
                "anon",
                f"migrate_vma_collect() has {len(args.src)} entries for pages {args.start} to {va}",
            )
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, args.start, args.end)


def skip(args: MigrateVma, start: i64, end: i64) -> None:
    """migrate_vma_collect_skip(): these pages stay where they are."""
    for _ in range(start, end):
        args.add(None, False, False)


def hole(k: "Kernel", args: MigrateVma, start: i64, end: i64) -> None:
    """migrate_vma_collect_hole(): nothing is there. Anonymous memory may get new pages, or one huge
    one."""
    if args.vma.inode is None and as_a_whole(k, args, start, end):
        args.add(None, True, False, True)
        skip(args, start + 1, end)
        return
    for _ in range(start, end):
        args.add(None, args.vma.inode is None, False)


def as_a_whole(k: "Kernel", args: MigrateVma, start: i64, end: i64) -> bool:
    """Whether [start, end) is what a PMD entry maps, and the driver can do with that."""
    aligned = start & (k.ptrs_per_pte - 1) == 0 and end - start == k.ptrs_per_pte
    return aligned and args.select & SELECT_COMPOUND != 0


def collect_huge_pmd(k: "Kernel", args: MigrateVma, start: i64, end: i64) -> bool:
    """migrate_vma_collect_huge_pmd(): take the huge page whose entry was seen as a whole, or split
    it; True: its pages are collected already, False: look at what is there now."""
    mm = args.mm
    pmd_lock(k, sites.MIGRATE_VMA_COLLECT_HUGE_PMD__LOCK, mm)
    pmd = mm.pmd[start >> k.pmd_order]
    if pmd == 0:
        pmd_unlock(k, mm)
        return False
    system = args.select & SELECT_SYSTEM != 0
    if is_huge_zero_pmd(pmd) and system:
        pmd_unlock(k, mm)
        hole(k, args, start, end)
        return True
    mine = system if pmd_present(pmd) else is_device_private_pte(pmd)
    page = k.zero_page if is_huge_zero_pmd(pmd) else pfn_to_page(k, pmd >> PFN_SHIFT)
    folio = page.folio
    if mine and not pmd_present(pmd):
        mine = args.select & SELECT_DEVICE_PRIVATE != 0 and folio.pgmap is args.pgmap_owner
    if not mine:
        pmd_unlock(k, mm)
        skip(args, start, end)
        return True
    folio_get(k, folio, REF_TEMP)
    held = fault_locks(k, args, page)
    site = sites.MIGRATE_VMA_COLLECT_HUGE_PMD__TRYLOCK
    if not held and not folio_trylock(k, site, folio.lock):
        pmd_unlock(k, mm)
        folio_put(k, folio, REF_TEMP)
        skip(args, start, end)
        return True
    write = pmd & PTE_WRITE != 0 if pmd_present(pmd) else pte_kind(pmd) == SWP_DEVICE_WRITE
    if as_a_whole(k, args, start, end) and set_pmd_migration_entry(k, mm, start):
        args.add(page, True, write, True)
        skip(args, start + 1, end)
        pmd_unlock(k, mm)
        return True
    pmd_unlock(k, mm)
    ret = split_folio(k, folio)
    if not held:
        mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    if ret:
        skip(args, start, end)
    return ret != 0


def split_pte_mapped(k: "Kernel", args: MigrateVma, table: PageTable, folio: Folio) -> i64:
    """migrate_vma_split_folio() of a large folio that page table entries map; drops the lock. The
    entry that was seen under it keeps the folio until there is a reference."""
    if folio.lock.owner == k.cur.id:
        pte_unmap_unlock(k, table)
        return split_fault_folio(k, args, folio)
    if k.bug.migratevma_split_folio_no_ref:
        pte_unmap_unlock(k, table)
        k.step(sites.MIGRATE_VMA_SPLIT_FOLIO__GET, folio.obj, WRITE)
        folio_get(k, folio, REF_TEMP)
    else:
        folio_get(k, folio, REF_TEMP)
        pte_unmap_unlock(k, table)
    mutex_lock(k, sites.MIGRATE_VMA_SPLIT_FOLIO__LOCK, folio.lock)
    ret = split_folio(k, folio)
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return ret


def split_fault_folio(k: "Kernel", args: MigrateVma, folio: Folio) -> i64:
    """The same when it has the page that do_swap_page() brings back, which has locked the folio and
    holds the reference: both must be on that page's folio afterwards."""
    page = args.fault_page
    if not k.bug.migratevma_split_fault_folio_late:
        return split_folio(k, folio, page)
    ret = split_folio(k, folio)
    if ret == 0 and page is not None and page.folio is not folio:
        k.step(sites.MIGRATE_VMA_SPLIT_FOLIO__GET, page.obj, WRITE)
        folio_get(k, page.folio, REF_TEMP)
        mutex_lock(k, sites.MIGRATE_VMA_SPLIT_FOLIO__LOCK, page.folio.lock)
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
    return ret


def large_folio_at(k: "Kernel", args: MigrateVma, pte: i64) -> Folio | None:
    """The large folio that the entry maps a page of, if it is to be migrated."""
    if pte_present(pte):
        page = vm_normal_page(k, pte)
        if page is not None and page.folio.order and args.select & SELECT_SYSTEM:
            return page.folio
    elif is_device_private_pte(pte) and args.select & SELECT_DEVICE_PRIVATE:
        folio = pfn_to_page(k, pte >> PFN_SHIFT).folio
        if folio.order and folio.pgmap is args.pgmap_owner:
            return folio
    return None


def migrate_vma_collect_pmd(k: "Kernel", args: MigrateVma, start: i64, end: i64) -> None:
    """Take the entries of one page table out. The flush must come before the lock is dropped:
    afterwards a zap of these entries finds nothing present and flushes nothing."""
    mm = args.mm
    args.unmapped = False
    va = start
    while va < end:
        first = start if k.bug.migratevma_collect_restarts_at_start else va
        if pmd_is_huge(k, mm, va):
            if collect_huge_pmd(k, args, first, end):
                return
            continue
        if pmd_table(k, mm, va) is None and va > start:
            hole(k, args, first, end)
            return
        va = collect_ptes(k, args, va, end)


def collect_ptes(k: "Kernel", args: MigrateVma, start: i64, end: i64) -> i64:
    """From `start` on until a large folio had to be split; where to go on."""
    mm = args.mm
    table = pte_offset_map_lock(k, sites.MIGRATE_VMA_COLLECT_PMD__LOCK, mm, start)
    if table is None:
        if pmd_is_huge(k, mm, start):
            return start
        hole(k, args, start, end)
        return end
    unmapped = args.unmapped
    large: Folio | None = None
    va = start
    while va < end:
        large = large_folio_at(k, args, ptep_get(k, table, va))
        if large is not None:
            break
        if collect_pte(k, args, table, va):
            unmapped = True
        va += 1
    if large is not None:
        late = k.bug.migratevma_collect_split_drops_unflushed
        if unmapped and not late:
            tlb.flush_tlb_range(k, mm, start, va)
        args.unmapped = unmapped and late
        if split_pte_mapped(k, args, table, large):
            if args.unmapped:
                flush_collected(k, args, end)
            skip(args, va, end)
            return end
        return va
    if unmapped and not k.bug.migratevma_tlb_flush_after_ptl:
        if k.bug.migratevma_copy_before_flush:
            args.flush_owed = True
        elif args.unmapped:
            flush_collected(k, args, end)
        else:
            tlb.flush_tlb_range(k, mm, start, end)
    pte_unmap_unlock(k, table)
    if unmapped and k.bug.migratevma_tlb_flush_after_ptl:
        k.step(sites.MIGRATE_VMA_COLLECT_PMD__PTL_DROPPED, pmd_obj(mm.id, 0), READ)
        tlb.flush_tlb_range(k, mm, start, end)
    return end


def flush_collected(k: "Kernel", args: MigrateVma, end: i64) -> None:
    """What was left when a large folio had to be split, and what came after."""
    tlb.flush_tlb_range(k, args.mm, max((end - 1) >> k.pmd_order << k.pmd_order, args.start), end)


def collect_pte(k: "Kernel", args: MigrateVma, table: PageTable, va: i64) -> bool:
    """One entry; True when a present one was replaced by a migration entry."""
    vma = args.vma
    mm = args.mm
    pte = ptep_get(k, table, va)
    snapshot = pte
    if pte == 0:
        args.add(None, vma.inode is None, False)
        return False
    page: Page | None = None
    write = False
    if not pte_present(pte):
        if not is_device_private_pte(pte) or not args.select & SELECT_DEVICE_PRIVATE:
            args.add(None, False, False)
            return False
        page = pfn_to_page(k, pte >> PFN_SHIFT)
        if page.folio.pgmap is not args.pgmap_owner:
            args.add(None, False, False)
            return False
        write = pte_kind(pte) == SWP_DEVICE_WRITE
    else:
        if not args.select & SELECT_SYSTEM:
            args.add(None, False, False)
            return False
        if pte & PTE_SPECIAL:
            args.add(None, True, False)
            return False
        page = vm_normal_page(k, pte)
        write = pte & PTE_WRITE != 0
    if page is None:
        args.add(None, False, False)
        return False
    folio = page.folio
    folio_get(k, folio, REF_TEMP)
    held = fault_locks(k, args, page)
    if not held and not folio_trylock(k, sites.MIGRATE_VMA_COLLECT_PMD__TRYLOCK, folio.lock):
        folio_put(k, folio, REF_TEMP)
        args.add(None, False, False)
        return False
    exclusive = page.flags & PG_ANON_EXCLUSIVE != 0
    checked = exclusive and k.bug.migratevma_anon_exclusive_gup_fast
    shared = folio_try_share_anon_rmap_pte(page) if checked else False
    k.step(sites.MIGRATE_VMA_COLLECT_PMD__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
    if exclusive and not defers_flush(k):
        pte = ptep_clear_flush(k, mm, table, va)
    else:
        pte = ptep_get_and_clear(k, mm, table, va)
    if exclusive:
        if not checked:
            shared = folio_try_share_anon_rmap_pte(page)
        if not shared:
            k.sometimes(features.Z_MIGRATE_PINNED_REFUSED)
            if k.bug.migratevma_restore_stale_pte_on_pin:
                pte = snapshot
            k.step(sites.MIGRATE_VMA_COLLECT_PMD__RESTORE, pte_obj(mm.id, va), WRITE)
            set_pte_at(k, mm, table, va, pte)
            if not held:
                mutex_unlock(k, folio.lock)
            folio_put(k, folio, REF_TEMP)
            args.add(None, False, False)
            return False
    decodes = pte_present(pte) or k.bug.migratevma_nonpresent_pte_decode
    if decodes and pte_dirty(k, pte) and not k.bug.migration_loses_young_dirty:
        folio.flags |= PG_DIRTY
    k.step(sites.MIGRATE_VMA_COLLECT_PMD__SET_ENTRY, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, make_migration_pte(k, pte, page, exclusive))
    k.step(sites.MIGRATE_VMA_COLLECT_PMD__REMOVE_RMAP, page.obj, WRITE)
    folio_remove_rmap_pte(k, page, mm)
    folio_put(k, folio, REF_MAP)
    args.add(page, True, write)
    return pte_present(pte)


def fault_locks(k: "Kernel", args: MigratePfns, page: Page) -> bool:
    """do_swap_page() has the page that it brings back locked already."""
    return page is args.fault_page and not k.bug.device_private_fault_livelock


def defers_flush(k: "Kernel") -> bool:
    """With either bug the per-entry flush is left to the batched one as well."""
    return k.bug.migratevma_tlb_flush_after_ptl or k.bug.migratevma_copy_before_flush


def check_page(k: "Kernel", page: Page, fault_page: Page | None) -> bool:
    """migrate_vma_check_page(): nobody but us and the mappings holds a reference."""
    folio = page.folio
    extra: i64 = 1
    if page is fault_page:
        extra += 1
    if folio.flags & PG_DEVICE_PRIVATE:
        extra += 1
    if folio.inode is not None or folio.flags & PG_SWAPCACHE:
        extra += 1
    refs = folio.ref
    k.step(sites.MIGRATE_VMA_CHECK_PAGE__MAPCOUNT, folio.obj, READ)
    return refs - extra <= folio_mapcount(folio)


def migrate_device_unmap(k: "Kernel", args: MigratePfns) -> None:
    """Isolate the pages and unmap them from every other mm; those that resist are restored."""
    swap.lru_add_drain(k)
    may_drain = True
    restore = False
    n = len(args.src)
    for i in range(n):
        page = args.src[i]
        if page is None:
            continue
        folio = page.folio
        if not folio.flags & PG_DEVICE_PRIVATE:
            if not folio.flags & PG_LRU and may_drain:
                swap.lru_add_drain_all(k)
                may_drain = False
            if not folio.flags & PG_LRU:
                args.migrate[i] = False
                restore = True
                continue
            folio.flags &= ~PG_LRU
            move_ref(k, folio, REF_TEMP, REF_ISOLATED)
        if folio_mapcount(folio):
            try_to_migrate(k, folio)
        k.step(sites.MIGRATE_DEVICE_UNMAP__CHECK, page.obj, READ)
        if folio_mapcount(folio) or not check_page(k, page, args.fault_page):
            if not folio.flags & PG_DEVICE_PRIVATE:
                folio_get(k, folio, REF_TEMP)
                swap.folio_putback_lru(k, folio)
            k.sometimes(features.Z_MIGRATE_PINNED_REFUSED)
            args.migrate[i] = False
            restore = True
    if not restore:
        return
    for i in range(n):
        page = args.src[i]
        if page is None or args.migrate[i]:
            continue
        folio = page.folio
        remove_migration_ptes(k, folio, folio)
        args.src[i] = None
        if not fault_locks(k, args, page):
            mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)


def migrate_vma_pages(k: "Kernel", args: MigrateVma) -> None:
    """Hand each page's identity to the driver's new page, or map a new one into a hole."""
    notified = False
    for i in range(len(args.src)):
        new = args.dst[i]
        page = args.src[i]
        if new is None:
            if page is not None or not is_inside(k, args, i):
                args.migrate[i] = False
            continue
        if page is None:
            if not args.migrate[i] and not is_inside(k, args, i):
                continue
            if not notified:
                notified = True
                mmu_notifier.mmu_notifier_invalidate_range_start(
                    k,
                    args.mm,
                    args.start + i,
                    args.end,
                    mmu_notifier.MMU_NOTIFY_MIGRATE,
                    args.pgmap_owner,
                )
            if args.dst_compound[i]:
                args.migrate[i] = insert_huge_pmd_page(k, args, args.start + i, new)
            else:
                args.migrate[i] = migrate_vma_insert_page(k, args, args.start + i, new)
            continue
        if args.migrate[i] and args.compound[i] and not args.dst_compound[i]:
            if not split_unmapped_folio(k, args, i, page.folio):
                args.migrate[i] = False
                continue
        args.migrate[i] = hand_over(k, page, new, 1 if page is args.fault_page else 0)
    if notified:
        mmu_notifier.mmu_notifier_invalidate_range_end(k, args.mm, args.start, args.end)


def is_inside(k: "Kernel", args: MigrateVma, i: i64) -> bool:
    """Whether the driver has small pages for a hole that was collected as one huge one."""
    head = i - ((args.start + i) & (k.ptrs_per_pte - 1))
    return head >= 0 and args.compound[head] and args.src[head] is None


def split_unmapped_folio(k: "Kernel", args: MigrateVma, i: i64, folio: Folio) -> bool:
    """migrate_vma_split_unmapped_folio(): the driver has no huge page for this one, of which only
    migration entries are left. False: somebody holds a reference."""
    device = folio.flags & PG_DEVICE_PRIVATE != 0
    if k.bug.migratevma_split_unmapped_one_mm:
        split_huge_pmd_address(k, args.vma, args.start + i)
    else:
        split_migration_pmds(k, folio)
    if not folio_split_unmapped(k, folio):
        return False
    args.compound[i] = False
    for j in range(1, k.ptrs_per_pte):
        page = pfn_to_page(k, folio.pfn + j)
        if not device:
            move_ref(k, page.folio, REF_TEMP, REF_ISOLATED)
        args.src[i + j] = page
        args.migrate[i + j] = True
        args.write[i + j] = args.write[i]
    return True


def hand_over(k: "Kernel", page: Page, new: Page, extra: i64) -> bool:
    """What __migrate_device_pages() does with one folio; False: it stays what it is."""
    if page.folio.inode is not None:  # device private memory is for anonymous pages
        return False
    if page.folio.flags & PG_SWAPCACHE and not swapfile.folio_free_swap(k, page.folio):
        return False
    k.step(sites.MIGRATE_VMA_PAGES__MAPPING, page.obj, WRITE)
    if not folio_migrate_mapping(k, page, new, extra):
        return False
    if new.folio.flags & PG_DEVICE_PRIVATE:
        k.sometimes(features.Z_MIGRATED_TO_DEVICE)
    else:
        k.sometimes(features.Z_MIGRATED_BACK)
    return True


def migrate_device_range(k: "Kernel", pgmap: DevPagemap) -> MigratePfns:
    """Lock and unmap the pages of a device, whoever maps them: those that nobody has locked."""
    args = MigratePfns(None)
    for page in pgmap.slab.taken():
        folio = page.folio
        if folio.page is not page:
            continue  # a tail
        k.step(sites.MIGRATE_DEVICE_PFN_LOCK__GET, page.obj, WRITE)
        if not folio_try_get(k, folio, REF_TEMP):
            continue
        if not folio_trylock(k, sites.MIGRATE_DEVICE_PFN_LOCK__TRYLOCK, folio.lock):
            folio_put(k, folio, REF_TEMP)
            continue
        # Linux takes it as a whole, and waits for a huge page of memory without end.
        if folio.order and split_folio(k, folio):
            mutex_unlock(k, folio.lock)
            folio_put(k, folio, REF_TEMP)
            continue
        av = folio_get_anon_vma(page)
        if av is None:  # on its way out
            mutex_unlock(k, folio.lock)
            folio_put(k, folio, REF_TEMP)
            continue
        args.add(page, True, False)
        args.anon_vmas.append(av)
    migrate_device_unmap(k, args)
    return args


def folio_get_anon_vma(page: Page) -> AnonVma | None:
    """The anon_vma of a locked page that is mapped, kept for rmap walks without mmap_lock."""
    av = page.folio.anon_vma
    if page.mapcount == 0 or av is None:
        return None
    get_anon_vma(av)
    return av


def migrate_device_pages(k: "Kernel", args: MigratePfns) -> None:
    """Hand each page's identity to the driver's new page."""
    for i in range(len(args.src)):
        new = args.dst[i]
        page = args.src[i]
        args.migrate[i] = page is not None and new is not None and hand_over(k, page, new, 0)


def migrate_vma_insert_page(k: "Kernel", args: MigrateVma, va: i64, page: Page) -> bool:
    """Map the new page where nothing (or the zero page) was; False: somebody was faster."""
    folio = page.folio
    vma = args.vma
    mm = args.mm
    if vma.inode is not None or not pte_alloc(k, mm, va) or anon_vma_prepare(k, vma):
        return False
    folio.flags |= PG_UPTODATE
    table = pte_offset_map_lock(k, sites.MIGRATE_VMA_INSERT_PAGE__LOCK, mm, va)
    if table is None:
        return False
    old = ptep_get(k, table, va)
    # The device would store to what is write-protected.
    protected = old & PTE_UFFD_WP != 0 and not k.bug.migratevma_zero_page_loses_uffd_wp
    if vma.flags & VM_UFFD_MISSING or (old and not old & PTE_SPECIAL) or protected:
        pte_unmap_unlock(k, table)
        return False
    add_mm_counter(mm, MM_ANONPAGES, 1)
    folio_add_new_anon_rmap(k, folio, vma, va)
    if not folio.flags & PG_DEVICE_PRIVATE:
        swap.folio_add_lru(k, folio)
    folio_get(k, folio, REF_OWNER)
    if old:
        k.step(sites.MIGRATE_VMA_INSERT_PAGE__CLEAR_ZERO, pte_obj(mm.id, va), WRITE)
        ptep_clear_flush(k, mm, table, va)
    k.step(sites.MIGRATE_VMA_INSERT_PAGE__SET_PTE, pte_obj(mm.id, va), WRITE)
    if folio.flags & PG_DEVICE_PRIVATE:
        kind = SWP_DEVICE_WRITE if vma.flags & VM_WRITE else SWP_DEVICE_READ
        entry = mk_swap_pte(kind, page.pfn)
    else:
        entry = mk_pte(page, vm_page_prot(vma))
        if vma.flags & VM_WRITE:
            entry = pte_mkdirty(entry) | PTE_WRITE
    if not k.bug.migratevma_zero_page_loses_soft_dirty:
        entry |= old & PTE_SOFT_DIRTY
    set_pte_at(k, mm, table, va, entry)
    if old == 0:
        k.watch.hole_filled(k, mm, va)
    k.watch.zeroes_installed(k, mm, va, page)
    pte_unmap_unlock(k, table)
    return True


def insert_huge_pmd_page(k: "Kernel", args: MigrateVma, va: i64, page: Page) -> bool:
    """migrate_vma_insert_huge_pmd_page(): map the new huge page where nothing (or the huge zero
    page) was; False: somebody was faster."""
    folio = page.folio
    vma = args.vma
    mm = args.mm
    if not thp_vma_suitable(k, vma, va) or anon_vma_prepare(k, vma):
        return False
    if vma.flags & VM_UFFD_MISSING:
        return False
    folio.flags |= PG_UPTODATE
    table = pte_alloc_one(k)
    if table is None:
        return False
    pmd_lock(k, sites.MIGRATE_VMA_INSERT_HUGE_PMD_PAGE__LOCK, mm)
    old = mm.pmd[va >> k.pmd_order]
    zero = is_huge_zero_pmd(old)
    usable = zero or pmd_none(k, mm, va)
    if zero and old & PTE_UFFD_WP and not k.bug.migratevma_huge_zero_loses_uffd_wp:
        usable = False
    if not usable:
        pmd_unlock(k, mm)
        pte_free(k, table)
        return False
    add_mm_counter(mm, MM_ANONPAGES, k.ptrs_per_pte)
    folio_add_new_anon_rmap_pmd(k, folio, vma, va)
    folio_get(k, folio, REF_OWNER)
    obj = pmd_obj(mm.id, va >> k.pmd_order)
    if zero:
        pte_free(k, table)
        k.step(sites.MIGRATE_VMA_INSERT_HUGE_PMD_PAGE__INVALIDATE, obj, WRITE)
        pmdp_invalidate(k, mm, va)
    else:
        pgtable_trans_huge_deposit(k, mm, va, table)
    k.step(sites.MIGRATE_VMA_INSERT_HUGE_PMD_PAGE__SET_PMD, obj, WRITE)
    kind: i64 = SWP_DEVICE_WRITE if vma.flags & VM_WRITE else SWP_DEVICE_READ
    set_pmd_at(k, mm, va, mk_swap_pte(kind, page.pfn))
    for i in range(k.ptrs_per_pte):
        k.watch.zeroes_installed(k, mm, va + i, pfn_to_page(k, page.pfn + i))
    pmd_unlock(k, mm)
    return True


def migrate_vma_finalize(k: "Kernel", args: MigrateVma) -> None:
    migrate_device_finalize(k, args)
    if args.flush_owed:
        tlb.flush_tlb_range(k, args.mm, args.start, args.end)


def migrate_device_finalize(k: "Kernel", args: MigratePfns) -> None:
    """Put real entries back, of the new page or the old one, and unlock everything."""
    for i in range(len(args.src)):
        new = args.dst[i]
        page = args.src[i]
        if page is None:
            if new is not None:
                mutex_unlock(k, new.folio.lock)
                folio_put(k, new.folio, REF_OWNER)
            continue
        if new is not None and not args.migrate[i]:
            mutex_unlock(k, new.folio.lock)
            folio_put(k, new.folio, REF_OWNER)
            new = None
        folio = page.folio
        target = folio if new is None else new.folio
        if not target.flags & PG_DEVICE_PRIVATE:
            swap.folio_add_lru(k, target)
        if k.bug.migrate_device_finalize_freed_to_lru and not folio.flags & PG_DEVICE_PRIVATE:
            swap.folio_add_lru(k, folio)
        remove_migration_ptes(k, folio, target)
        if not fault_locks(k, args, page):
            mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP if folio.flags & PG_DEVICE_PRIVATE else REF_ISOLATED)
        if new is not None:
            mutex_unlock(k, new.folio.lock)
            folio_put(k, new.folio, REF_OWNER)
    for av in args.anon_vmas:
        put_anon_vma(k, av)
