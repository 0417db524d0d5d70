# SPDX-License-Identifier: MIT
"""mm/swapfile.c (7.2): swapoff(). Everybody gets his pages back, and nobody may still be about to
use the device when it goes.

Not modelled: mm->mmlist (all processes are looked at), shmem, swapon() (the device is on when the
machine starts).
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.errno import EINTR, EINVAL, ENOMEM
from simulator.kernel import exit as kernel_exit
from simulator.mm import mmap_lock, rmap, swap_state, swapfile, swapin
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    MM_SWAPENTS,
    PG_UPTODATE,
    PG_WRITEBACK,
    PTE_SOFT_DIRTY,
    PTE_SWP_EXCLUSIVE,
    PTE_UFFD_WP,
    REF_MAP,
    REF_TEMP,
    Folio,
    Mm,
    PageTable,
    Vma,
    add_mm_counter,
    is_swap_pte,
    pte_mkuffd_wp,
    swp_offset,
)
from simulator.mm.page_ref import folio_get, folio_put, move_ref
from simulator.mm.pgtable import mk_pte, pmd_addr_end, ptep_get, set_pte_at, vm_page_prot, walk_pmd
from simulator.mm.pgtable_generic import (
    pte_offset_map,
    pte_offset_map_lock,
    pte_unmap,
    pte_unmap_unlock,
)
from simulator.objects import OBJ_NONE, pte_obj, swap_obj
from simulator.sched.lock import mutex_lock, mutex_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def sys_swapoff(k: "Kernel") -> i64:
    """0, -EINVAL without swap, -ENOMEM, or -EINTR; but for the first the device stays on."""
    si = k.swap
    k.step(sites.SWAPOFF__DEL_FROM_AVAIL_LIST, OBJ_NONE, WRITE)
    if not si.on or si.max == 0:
        return -EINVAL
    si.on = False
    err = try_to_unuse(k)
    if err:
        si.on = True  # reinsert_swap_info()
        return err
    k.step(sites.SWAPOFF__KILL_USERS, OBJ_NONE, WRITE)
    si.alive = False
    while si.users:
        k.retry(sites.SWAPOFF__WAIT_FOR_USERS)
    k.watch.swap_gone(k)
    return 0


def try_to_unuse(k: "Kernel") -> i64:
    """Give all pages back, until no slot is used."""
    si = k.swap
    while si.used:
        for mm in k.mms:
            k.step(sites.TRY_TO_UNUSE__MMGET, mm.obj, WRITE)
            if si.used == 0 or k.cur.killed:
                break
            if not mm.live or mm.users == 0:
                continue
            kernel_exit.mmget(k, mm)
            err = unuse_mm(k, mm)
            kernel_exit.mmput(k, mm)
            if err:
                return err
        for slot in range(1, si.max + 1):
            if si.used == 0 or k.cur.killed:
                break
            if si.count[slot] == 0 and si.folio[slot] is None:
                continue
            folio = swap_state.swap_cache_get_folio(k, slot)
            if folio is not None:
                lock_written(k, folio)
                swapfile.folio_free_swap(k, folio)
                mutex_unlock(k, folio.lock)
                folio_put(k, folio, REF_TEMP)
        if si.used:
            if k.cur.killed:
                return -EINTR
            k.retry(sites.TRY_TO_UNUSE__AGAIN)
    return 0


def lock_written(k: "Kernel", folio: Folio) -> None:
    """folio_lock(), folio_wait_writeback()"""
    mutex_lock(k, sites.UNUSE_PTE_RANGE__FOLIO_LOCK, folio.lock)
    while folio.flags & PG_WRITEBACK:
        k.retry(sites.UNUSE_PTE_RANGE__WAIT_WRITEBACK)


def unuse_mm(k: "Kernel", mm: Mm) -> i64:
    err: i64 = 0
    mmap_lock.mmap_read_lock(k, mm, sites.UNUSE_MM__LOCK)
    if not mm.unstable:
        for vma in mm.vmas:
            if vma.anon_vma is not None and err == 0:
                err = unuse_vma(k, mm, vma)
    mmap_lock.mmap_read_unlock(k, mm)
    return err


def unuse_vma(k: "Kernel", mm: Mm, vma: Vma) -> i64:
    va = walk_pmd(k, sites.UNUSE_PMD_RANGE__PMD, mm, vma.start, vma.end)
    while va < vma.end:
        stop = pmd_addr_end(k, va, vma.end)
        err = unuse_pte_range(k, mm, vma, va, stop)
        if err:
            return err
        va = walk_pmd(k, sites.UNUSE_PMD_RANGE__PMD, mm, stop, vma.end)
    return 0


def unuse_pte_range(k: "Kernel", mm: Mm, vma: Vma, start: i64, end: i64) -> i64:
    """What is in swap of one page table, looked at without its lock."""
    table: PageTable | None = None
    va = start
    while va < end:
        if table is None:
            table = pte_offset_map(k, mm, va)
            if table is None:
                return 0
        k.step(sites.UNUSE_PTE_RANGE__READ_PTE, pte_obj(mm.id, va), READ)
        k.watch.table_read(k, table)
        pte = ptep_get(k, table, va)
        if not is_swap_pte(pte):
            va += 1
            continue
        pte_unmap(k)
        table = None
        slot = swp_offset(pte)
        folio = swapin.swapin_folio(k, slot)
        if folio is None:
            k.step(sites.UNUSE_PTE_RANGE__COUNT, swap_obj(slot), READ)
            if k.swap.count[slot]:
                return -ENOMEM
        else:
            lock_written(k, folio)
            unuse_pte(k, mm, vma, va, slot, folio)
            swapfile.folio_free_swap(k, folio)
            mutex_unlock(k, folio.lock)
            folio_put(k, folio, REF_TEMP)
        va += 1
    if table is not None:
        pte_unmap(k)
    return 0


def unuse_pte(k: "Kernel", mm: Mm, vma: Vma, va: i64, slot: i64, folio: Folio) -> None:
    """Map the locked folio where the swap entry of its slot is, if it still is."""
    if not swap_state.folio_matches_swap_entry(folio, slot):
        return
    table = pte_offset_map_lock(k, sites.UNUSE_PTE__LOCK, mm, va)
    if table is None:
        return
    old = ptep_get(k, table, va)
    if not is_swap_pte(old) or swp_offset(old) != slot or not folio.flags & PG_UPTODATE:
        pte_unmap_unlock(k, table)
        return
    add_mm_counter(mm, MM_SWAPENTS, -1)
    add_mm_counter(mm, MM_ANONPAGES, 1)
    folio_get(k, folio, REF_TEMP)
    exclusive = old & PTE_SWP_EXCLUSIVE != 0
    if folio.anon_vma is None:
        rmap.folio_add_swapped_in_rmap(k, folio, vma, va, exclusive)
    else:
        move_ref(k, folio, REF_TEMP, REF_MAP)
        rmap.folio_add_anon_rmap_pte(k, folio.page, vma, va, exclusive)
    entry = mk_pte(folio.page, vm_page_prot(vma))
    if not k.bug.unuse_pte_loses_bits:
        entry |= old & PTE_SOFT_DIRTY
        if old & PTE_UFFD_WP:
            entry = pte_mkuffd_wp(entry)
    k.step(sites.UNUSE_PTE__SET_PTE, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, entry)
    k.watch.swapped_in(k, mm, va, folio.page)
    swapfile.swap_put(k, slot, False)
    pte_unmap_unlock(k, table)
