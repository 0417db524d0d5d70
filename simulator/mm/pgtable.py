# SPDX-License-Identifier: MIT
"""Every write to a page table goes through here.

The functions are pgtable.h's; they keep what oracles and the hardware model need (who wrote
an entry last, which translations became stale, which pages must be looked at again) and take
no step of their own: the caller stands at the site that precedes the write. With them what makes
and reads entries (include/linux/mm.h (7.2), pgtable.h).
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.build.native import vec
from simulator.machine import mmu
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_DIRTY,
    PTE_HUGE,
    PTE_PRESENT,
    PTE_PROTNONE,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_WRITE,
    VM_EXEC,
    VM_READ,
    VM_SHARED,
    VM_SOFTDIRTY,
    VM_UFFD_WP,
    VM_WRITE,
    Folio,
    Mm,
    Page,
    PageTable,
    Vma,
    is_huge_zero_pmd,
    is_migration_pte,
    is_swap_pte,
    pmd_pte,
    pte_present,
    swp_offset,
)
from simulator.objects import pmd_obj
from simulator.state import READ

if TYPE_CHECKING:
    from simulator.state import Kernel
    from simulator.task import Task

DEVICE_PFN_BASE: Final[i64] = 1 << 20  # pfns of device memory: each driver has as many from here on


# --- reading -----------------------------------------------------------------------------------


def pmd_index(k: "Kernel", va: i64) -> i64:
    """Place of the PMD entry of page `va` in its mm."""
    return va >> k.pmd_order


def pte_index(k: "Kernel", va: i64) -> i64:
    """Place of the entry of page `va` in its page table."""
    return va & (k.ptrs_per_pte - 1)


def pmd_addr_end(k: "Kernel", va: i64, end: i64) -> i64:
    """Where the pages end that one PMD entry maps, `end` if that comes first."""
    boundary = (va | (k.ptrs_per_pte - 1)) + 1
    return boundary if boundary < end else end


def pmd_table(k: "Kernel", mm: Mm, va: i64) -> PageTable | None:
    """The page table that the PMD entry points to."""
    return mm.tables[va >> k.pmd_order]


def pmd_none(k: "Kernel", mm: Mm, va: i64) -> bool:
    """Whether the PMD entry of `va` is none."""
    i = va >> k.pmd_order
    return mm.tables[i] is None and mm.pmd[i] == 0


def pmd_is_huge(k: "Kernel", mm: Mm, va: i64) -> bool:
    """Whether the PMD entry of `va` maps a huge page, or will when its migration is over."""
    return mm.pmd[va >> k.pmd_order] != 0


def next_pmd(k: "Kernel", mm: Mm, va: i64, end: i64) -> i64:
    """The first page from `va` on whose PMD entry is not none; `end` when there is none before."""
    while va < end and mm.tables[va >> k.pmd_order] is None and not mm.pmd[va >> k.pmd_order]:
        va = pmd_addr_end(k, va, end)
    return va


def walk_pmd(k: "Kernel", site: i64, mm: Mm, va: i64, end: i64) -> i64:
    """next_pmd() of a walker, which takes a step at `site` before it reads each entry. Others come
    in between: a walk is a loop from here to pmd_addr_end() and on with what is there then."""
    while va < end:
        k.step(site, pmd_obj(mm.id, va >> k.pmd_order), READ)
        if mm.tables[va >> k.pmd_order] is not None or mm.pmd[va >> k.pmd_order]:
            return va
        va = pmd_addr_end(k, va, end)
    return end


def next_entry(k: "Kernel", mm: Mm, va: i64, end: i64) -> i64:
    """The first page from `va` on whose entry is not none; `end` when there is none before. For
    oracles: no lock, no step."""
    while va < end:
        stop = pmd_addr_end(k, va, end)
        table = mm.tables[va >> k.pmd_order]
        if table is not None and table.used:
            mask = k.ptrs_per_pte - 1
            while va < stop:
                if table.pte[va & mask]:
                    return va
                va += 1
        elif table is None and mm.pmd[va >> k.pmd_order]:
            return va
        elif table is None and mm.detached[va >> k.pmd_order] is not None:
            while va < stop:
                if peek(k, mm, va):
                    return va
                va += 1
        va = stop
    return end


def ptep_get(k: "Kernel", table: PageTable, va: i64) -> i64:
    """The entry as it is now."""
    return table.pte[va & (k.ptrs_per_pte - 1)]


def frame_text(pfn: i64) -> str:
    """For people: a frame of memory, or a page of a device's, by its number there."""
    return f"frame {pfn}" if pfn < DEVICE_PFN_BASE else f"device page {pfn - DEVICE_PFN_BASE}"


def pfn_to_page(k: "Kernel", pfn: i64) -> Page:
    """The struct page of a frame or device page; pfn 0 is the shared zero page."""
    if pfn == 0:
        return k.zero_page
    if pfn >= DEVICE_PFN_BASE:
        return k.pagemaps[pfn // DEVICE_PFN_BASE - 1].slab.objects[pfn % DEVICE_PFN_BASE]
    return k.frames.objects[pfn - 1]


def peek(k: "Kernel", mm: Mm, va: i64) -> i64:
    """The entry as it is, for oracles and dumps: no lock, no step."""
    i = va >> k.pmd_order
    table = mm.tables[i]
    if table is not None:
        return table.pte[va & (k.ptrs_per_pte - 1)]
    if mm.pmd[i]:
        return pmd_pte(mm.pmd[i], va & (k.ptrs_per_pte - 1))
    table = mm.detached[i]
    if table is None:
        return 0
    return table.pte[va & (k.ptrs_per_pte - 1)]


def is_linked(k: "Kernel", table: PageTable) -> bool:
    """Whether the entry of a PMD points to the table, or will again when a collapse is over."""
    if table.mm_id < 0:
        return False
    mm = k.mms[table.mm_id]
    return mm.tables[table.pmd] is table or mm.detached[table.pmd] is table


def is_deposited(k: "Kernel", table: PageTable) -> bool:
    """Whether the table waits for the split of a huge page."""
    return table.mm_id >= 0 and k.mms[table.mm_id].deposit[table.pmd] is table


# --- writing -----------------------------------------------------------------------------------


def write_pte(k: "Kernel", mm: Mm, table: PageTable, va: i64, new: i64, zapped: bool) -> i64:
    """Store an entry and return the old one. The page table lock must be held. `zapped`
    says that the data behind the old entry is given up."""
    t = k.cur
    if table.ptl.owner != t.id:
        k.violate(
            "kernel-assertion",
            t.site,
            "pte",
            f"page table entry of page {va} written without the page table lock",
        )
    i = va & (k.ptrs_per_pte - 1)
    old = table.pte[i]
    table.pte[i] = new
    mm.who[va] = t.site
    if old == 0:
        if new:
            table.used += 1
    elif new == 0:
        table.used -= 1
    if old & PTE_PRESENT:
        lost = not new & PTE_PRESENT or (old >> PFN_SHIFT) != (new >> PFN_SHIFT)
        if lost or old & ~new & (PTE_WRITE | PTE_DIRTY):
            mmu.made_stale(k, mm, va, old, None, zapped)
    elif new & PTE_PRESENT and mm.stale:
        mmu.no_longer_stale(k, mm, va, new)
    if k.tracing:
        k.watch.entry_written(k, mm, va, old, new)
    if old >> PFN_SHIFT:
        count(k, mm, old, -1)
    if new >> PFN_SHIFT:
        count(k, mm, new, 1)
    k.watch.pte_written(k, mm, table, va, old, new)
    return old


def count(k: "Kernel", mm: Mm, pte: i64, n: i64) -> None:
    """Keep count of the entries that map the page or will again after its migration, and
    remember to look at it again."""
    t = k.cur
    mm.entry_at = t.site
    if is_swap_pte(pte):
        mm.nr_swap += n
        k.watch.swap_entry_counted(k, swp_offset(pte), n)
        return
    page = pfn_to_page(k, pte >> PFN_SHIFT)
    if page.folio.inode is None:
        mm.nr_anon += n
    else:
        mm.nr_file += n
    if is_migration_pte(pte):
        page.nr_migration += n
        return
    page.nr_entries += n
    page.entry_at = t.site
    if page.mapcount == page.nr_entries:
        page.maps_at = 0
    elif page.maps_at == 0:
        page.maps_at = t.site
    if pte & PTE_WRITE:
        page.nr_writable += n
    recheck(t, page)


def recheck(t: "Task", page: Page) -> None:
    """Look at the page again when the lock is dropped."""
    place = t.nr_recheck
    if place and t.recheck[place - 1] is page:
        return
    if place < len(t.recheck):
        t.recheck[place] = page
    else:
        t.recheck.append(page)
    t.nr_recheck = place + 1


def write_pmd(k: "Kernel", mm: Mm, va: i64, new: i64, zapped: bool) -> i64:
    """Store the PMD entry of the pages from `va` on, where no page table is, and return the old
    one: write_pte() of a huge page. The PMD lock must be held."""
    pmd_lock_held(k, mm, va)
    i = va >> k.pmd_order
    old = mm.pmd[i]
    mm.pmd[i] = new
    wrote_pmd(k, mm, va)
    if old & PTE_PRESENT:
        lost = not new & PTE_PRESENT or (old >> PFN_SHIFT) != (new >> PFN_SHIFT)
        if lost or old & ~new & (PTE_WRITE | PTE_DIRTY):
            mmu.made_stale(k, mm, va, old, None, zapped, k.ptrs_per_pte)
    elif new & PTE_PRESENT and mm.stale:
        mmu.no_longer_stale(k, mm, va, new, k.ptrs_per_pte)
    if k.tracing:
        k.watch.entry_written(k, mm, va, old, new)
    if old:
        count_pmd(k, mm, old, -1)
    if new:
        count_pmd(k, mm, new, 1)
    k.watch.pmd_written(k, mm, va, old)
    return old


def pmd_lock_held(k: "Kernel", mm: Mm, va: i64) -> None:
    if mm.page_table_lock.owner != k.cur.id:
        k.violate(
            "kernel-assertion",
            k.cur.site,
            "page-table",
            f"the PMD entry of page {va} is written without the PMD lock",
        )


def wrote_pmd(k: "Kernel", mm: Mm, va: i64) -> None:
    """Remember who wrote the entry of all its pages."""
    site = k.cur.site
    for page in range(va, va + k.ptrs_per_pte):
        mm.who[page] = site


def count_pmd(k: "Kernel", mm: Mm, pmd: i64, n: i64) -> None:
    """count() of a PMD entry."""
    if is_huge_zero_pmd(pmd):
        return
    page = pfn_to_page(k, pmd >> PFN_SHIFT)
    folio = page.folio
    t = k.cur
    mm.entry_at = t.site
    if folio.inode is None:
        mm.nr_anon += n << k.pmd_order
    else:
        mm.nr_file += n << k.pmd_order
    if is_migration_pte(pmd):
        page.nr_migration += n
        return
    if pmd & PTE_HUGE and not pmd & (PTE_PRESENT | PTE_PROTNONE):
        return  # invalidated: it counts as a mapping until its split has made others
    folio.nr_pmds += n
    page.entry_at = t.site
    if pmd & PTE_WRITE:
        folio.nr_pmds_writable += n
    recheck(t, page)


def set_pmd_at(k: "Kernel", mm: Mm, va: i64, new: i64) -> None:
    write_pmd(k, mm, va, new, False)


def pmdp_huge_get_and_clear(k: "Kernel", mm: Mm, va: i64) -> i64:
    """Atomically take the huge entry out."""
    return write_pmd(k, mm, va, 0, False)


def pmdp_zap(k: "Kernel", mm: Mm, va: i64) -> i64:
    """Atomically take out a huge entry whose data is given up."""
    return write_pmd(k, mm, va, 0, True)


def pmdp_set_wrprotect(k: "Kernel", mm: Mm, va: i64) -> i64:
    """Clear the write bit atomically."""
    return write_pmd(k, mm, va, mm.pmd[va >> k.pmd_order] & ~PTE_WRITE, False)


def pmdp_invalidate_ad(k: "Kernel", mm: Mm, va: i64) -> i64:
    """The hardware finds the huge entry no more and sets no bit, for software it stays huge; what
    CPUs have cached is not flushed. Returns the entry with the hardware's bits."""
    return write_pmd(k, mm, va, mm.pmd[va >> k.pmd_order] & ~(PTE_PRESENT | PTE_PROTNONE), False)


def pgtable_trans_huge_deposit(k: "Kernel", mm: Mm, va: i64, table: PageTable) -> None:
    """Keep a page table for the day on which the huge entry of `va` is split."""
    i = va >> k.pmd_order
    if mm.deposit[i] is not None:
        k.violate(
            "leak",
            k.cur.site,
            "page-table",
            f"a second page table is deposited for the huge page at {va}",
        )
    mm.deposit[i] = table
    table.linked_at = k.cur.site
    table.mm_id = mm.id
    table.pmd = i


def pgtable_trans_huge_withdraw(k: "Kernel", mm: Mm, va: i64) -> PageTable:
    """Take the deposited page table back."""
    i = va >> k.pmd_order
    table = mm.deposit[i]
    mm.deposit[i] = None
    if table is None:
        k.violate(
            "use-after-free",
            k.cur.site,
            "page-table",
            f"no page table is deposited for the huge page at {va}",
        )
        table = pagetable_alloc(k)
    return table


def pmd_populate_split(k: "Kernel", mm: Mm, va: i64, table: PageTable) -> None:
    """Link the withdrawn and filled page table where the huge entry of `va` was (or nothing)."""
    pmd_lock_held(k, mm, va)
    i = va >> k.pmd_order
    old = mm.pmd[i]
    mm.pmd[i] = 0
    pmd_populate(k, mm, va, table)
    wrote_pmd(k, mm, va)
    if old & PTE_PRESENT:
        mmu.made_stale(k, mm, va, old, None, False, k.ptrs_per_pte)
    if k.tracing:
        k.note(f"the page table of pages {va} and up takes the place of the huge entry")
    if old:
        count_pmd(k, mm, old, -1)
    k.watch.pmd_written(k, mm, va, old)


def fill_pte(k: "Kernel", mm: Mm, table: PageTable, va: i64, new: i64) -> None:
    """Set an empty entry of a page table that nothing points to yet."""
    i = va & (k.ptrs_per_pte - 1)
    if table.pte[i]:
        k.violate(
            "kernel-assertion",
            k.cur.site,
            "page-table",
            f"the entry of page {va} in a page table that was deposited is not none",
        )
    table.pte[i] = new
    table.used += 1
    if new >> PFN_SHIFT:
        count(k, mm, new, 1)


def set_pte_at(k: "Kernel", mm: Mm, table: PageTable, va: i64, new: i64) -> None:
    write_pte(k, mm, table, va, new, False)


def ptep_get_and_clear(k: "Kernel", mm: Mm, table: PageTable, va: i64) -> i64:
    """Atomically take the entry out: the hardware's dirty bit is in what is returned."""
    return write_pte(k, mm, table, va, 0, False)


def ptep_modify_prot_start(k: "Kernel", mm: Mm, table: PageTable, va: i64) -> i64:
    """Take the entry out to change it, so that hardware sets no bit meanwhile. Until it is set
    again, lockless readers and page walks find none."""
    return write_pte(k, mm, table, va, 0, False)


def ptep_zap(k: "Kernel", mm: Mm, table: PageTable, va: i64) -> i64:
    """Atomically take out an entry whose data is given up (zap_pte_range())."""
    return write_pte(k, mm, table, va, 0, True)


def ptep_set_wrprotect(k: "Kernel", mm: Mm, table: PageTable, va: i64) -> i64:
    """Clear the write bit atomically; young and dirty stay as the hardware left them."""
    pte = table.pte[va & (k.ptrs_per_pte - 1)]
    return write_pte(k, mm, table, va, pte & ~PTE_WRITE, False)


def pagetable_alloc(k: "Kernel") -> PageTable:
    """A zeroed page table that nothing points to yet."""
    table = k.tables.take()
    if table is None:
        table = k.tables.add(PageTable(k.tables.nr, k.ptrs_per_pte))
    if table.used or len(table.pte) != k.ptrs_per_pte:
        table.pte = vec[i64]([0] * k.ptrs_per_pte)
    table.used = 0
    table.live = True
    table.mm_id = -1
    table.pmd = 0
    table.linked_at = k.cur.site
    table.ptl.owner = -1
    table.ptl.waiters = 0
    return table


def pte_free(k: "Kernel", table: PageTable) -> None:
    """Nothing points to the table any more."""
    table.live = False
    k.tables.put(table)


def pmd_populate(k: "Kernel", mm: Mm, va: i64, table: PageTable) -> None:
    """Link a page table. The page_table_lock (pmd_lock) must be held."""
    i = va >> k.pmd_order
    mm.tables[i] = table
    table.linked_at = k.cur.site
    table.mm_id = mm.id
    table.pmd = i


def pmd_clear(k: "Kernel", mm: Mm, va: i64) -> PageTable | None:
    """Unlink the page table; CPUs may keep walking it until their caches are flushed."""
    i = va >> k.pmd_order
    table = mm.tables[i]
    if table is not None:
        mm.tables[i] = None
        table.linked_at = k.cur.site
        mmu.made_stale(k, mm, i << k.pmd_order, 0, table, False)
    return table


def pmd_detach(k: "Kernel", mm: Mm, va: i64) -> PageTable:
    """Unlink a page table with all its entries, of which CPUs may hold translations."""
    pmd_lock_held(k, mm, va)
    table = pmd_clear(k, mm, va)
    assert table is not None
    mm.detached[va >> k.pmd_order] = table
    for i in range(k.ptrs_per_pte):
        pte = table.pte[i]
        if pte & PTE_PRESENT:
            mmu.made_stale(k, mm, va + i, pte, None, False)
        if pte:
            mm.who[va + i] = k.cur.site
    return table


def pmd_still_none(k: "Kernel", mm: Mm, va: i64) -> None:
    """The place of a page table that was detached must be as it was left."""
    if not pmd_none(k, mm, va):
        k.violate(
            "kernel-assertion",
            k.cur.site,
            "page-table",
            f"somebody has put a page table at page {va}, from where one was taken for a collapse",
        )


def pmd_populate_back(k: "Kernel", mm: Mm, va: i64, table: PageTable) -> None:
    """Link a detached page table again."""
    pmd_lock_held(k, mm, va)
    pmd_still_none(k, mm, va)
    mm.detached[va >> k.pmd_order] = None
    pmd_populate(k, mm, va, table)


def clear_detached_pte(k: "Kernel", mm: Mm, table: PageTable, va: i64) -> None:
    """Clear an entry of a detached page table: of what it said nothing is cached any more."""
    i = va & (k.ptrs_per_pte - 1)
    old = table.pte[i]
    table.pte[i] = 0
    table.used -= 1
    mm.who[va] = k.cur.site
    if k.tracing:
        k.watch.entry_written(k, mm, va, old, 0)
    if old >> PFN_SHIFT:
        count(k, mm, old, -1)
    k.watch.pte_written(k, mm, table, va, old, 0)


def vm_page_prot(vma: Vma) -> i64:
    """vma->vm_page_prot as PTE bits (protection_map, vma_set_page_prot())."""
    flags = vma.flags
    if not flags & (VM_READ | VM_WRITE | VM_EXEC):
        return PTE_PROTNONE
    if flags & VM_SHARED and flags & VM_WRITE and not vma_wants_writenotify(vma):
        return PTE_PRESENT | PTE_WRITE
    return PTE_PRESENT


def vma_wants_writenotify(vma: Vma) -> bool:
    """Shared writable mappings start read-only while soft-dirty or userfaultfd's write protection
    is being tracked; memory files have no page_mkwrite and need no dirty accounting."""
    return vma.flags & (VM_SOFTDIRTY | VM_UFFD_WP) != VM_SOFTDIRTY


def keep_soft_dirty(k: "Kernel", vma: Vma, entry: i64) -> None:
    """The entry of a file's page has gone, the page has not: from now on the VMA says what the
    entry said. The lock of the file's mappings is held, or the VMA's."""
    if entry & PTE_SOFT_DIRTY and not k.bug.unmap_loses_file_soft_dirty:
        vma.flags |= VM_SOFTDIRTY


def pte_mkdirty(pte: i64) -> i64:
    """x86 marks soft-dirty with dirty."""
    return pte | PTE_DIRTY | PTE_SOFT_DIRTY


def maybe_mkwrite(pte: i64, vma: Vma) -> i64:
    return pte | PTE_WRITE if vma.flags & VM_WRITE else pte


def pte_dirty(k: "Kernel", pte: i64) -> bool:
    """The bit of a present entry; in another one something else stands there."""
    if not pte_present(pte):
        k.violate(
            "kernel-assertion", k.cur.site, "pte", "pte_dirty() of an entry that is not present"
        )
    return pte & PTE_DIRTY != 0


def pmd_folio(k: "Kernel", pmd: i64) -> Folio:
    """The folio of a huge entry; another one says something else there."""
    if not pmd & PTE_HUGE:
        k.violate(
            "kernel-assertion",
            sites.SPLIT_HUGE_PMD_LOCKED__INVALIDATE,
            "page-table",
            "pmd_folio() of an entry that is not present",
        )
    return pfn_to_page(k, pmd >> PFN_SHIFT).folio


def mk_pte(page: Page, prot: i64) -> i64:
    return (page.pfn << PFN_SHIFT) | prot


def folio_mk_pmd(page: Page, prot: i64) -> i64:
    """A PMD entry that maps the large folio with this head."""
    return (page.pfn << PFN_SHIFT) | prot | PTE_HUGE


def vm_normal_page(k: "Kernel", pte: i64) -> Page | None:
    """The struct page behind a present entry; None for the zero page."""
    if pte & PTE_SPECIAL:
        return None
    return pfn_to_page(k, pte >> PFN_SHIFT)
