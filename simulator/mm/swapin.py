# SPDX-License-Identifier: MIT
"""mm/memory.c and mm/swap_state.c (7.2): swap entries become pages again.

Since 7.2 every swap-in goes through the swap cache, of fast devices too: who has put a new folio
there, locked, reads it, and all others wait for its lock.

Not modelled: read-ahead (vm.page-cluster=0), large folios, KSM.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EEXIST, ENOENT, ENOMEM
from simulator.mm import mmap_lock, page_alloc, page_io, rmap, swap, swap_state, swapfile
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    MM_SWAPENTS,
    PG_LRU,
    PG_SWAPBACKED,
    PG_SWAPCACHE,
    PG_UPTODATE,
    PG_WRITEBACK,
    PTE_SOFT_DIRTY,
    PTE_SWP_EXCLUSIVE,
    PTE_UFFD_WP,
    PTE_WRITE,
    PTE_YOUNG,
    REF_MAP,
    REF_OWNER,
    REF_TEMP,
    VM_LOCKED,
    VM_SOFTDIRTY,
    VM_WRITE,
    Folio,
    PageTable,
    Vma,
    add_mm_counter,
    is_swap_pte,
    pte_mkuffd_wp,
    swp_offset,
    userfaultfd_pte_wp,
)
from simulator.mm.page_ref import folio_put, move_ref
from simulator.mm.pgtable import mk_pte, pte_mkdirty, ptep_get, set_pte_at, vm_page_prot
from simulator.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.vm_fault import (
    FAULT_FLAG_ALLOW_RETRY,
    FAULT_FLAG_TRIED,
    FAULT_FLAG_VMA_LOCK,
    FAULT_FLAG_WRITE,
    VM_FAULT_OOM,
    VM_FAULT_RETRY,
    VM_FAULT_SIGBUS,
    VmFault,
)
from simulator.objects import OBJ_NONE, pte_obj
from simulator.sched.lock import (
    folio_trylock,
    lock_fresh,
    mutex_lock,
    mutex_unlock,
    spin_lock,
    spin_unlock,
    wait_queued,
)
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def swap_cache_add_check(k: "Kernel", slot: i64) -> i64:
    """Whether a folio can be added for the slot: 0, -EEXIST, or -ENOENT when no entry stands for
    it."""
    if k.swap.folio[slot] is not None:
        return -EEXIST
    if k.swap.count[slot] == 0:
        return -ENOENT
    return 0


def swap_cache_alloc_folio(k: "Kernel", slot: i64) -> tuple[Folio | None, i64]:
    """A new folio in the swap cache, locked and still to be read, with a reference (REF_TEMP); or
    None with -EEXIST, -ENOENT or -ENOMEM."""
    si = k.swap
    spin_lock(k, sites.SWAP_CACHE_ALLOC__CHECK, si.lock)
    err = swap_cache_add_check(k, slot)
    spin_unlock(k, si.lock)
    if err:
        return None, err
    folio = page_alloc.folio_alloc(k, sites.SWAP_CACHE_ALLOC__ALLOC, False)
    if folio is None:
        return None, -ENOMEM
    spin_lock(k, sites.SWAP_CACHE_ALLOC__ADD, si.lock)
    err = swap_cache_add_check(k, slot)
    if err:
        spin_unlock(k, si.lock)
        k.sometimes(features.Z_SWAPIN_RACED)
        folio_put(k, folio, REF_OWNER)
        return None, err
    lock_fresh(k, folio.lock)
    folio.flags |= PG_SWAPBACKED
    move_ref(k, folio, REF_OWNER, REF_TEMP)
    swap_state.swap_cache_add_folio(k, folio, slot)
    spin_unlock(k, si.lock)
    swap.folio_add_lru(k, folio)
    return folio, 0


def swapin_folio(k: "Kernel", slot: i64) -> Folio | None:
    """swapin_sync(), and swapin_readahead() without read-ahead: the slot's folio in the swap cache
    with a reference (REF_TEMP), read by now or soon: who reads it has it locked. None: there is no
    memory, or no entry stands for the slot any more."""
    while True:
        folio = swap_state.swap_cache_get_folio(k, slot)
        if folio is not None:
            return folio
        folio, err = swap_cache_alloc_folio(k, slot)
        if folio is not None:
            page_io.swap_read_folio(k, folio)
            return folio
        if err != -EEXIST:
            return None
        k.retry(sites.SWAP_CACHE_ALLOC__CHECK)


def folio_lock_or_retry(k: "Kernel", vmf: VmFault, folio: Folio) -> i64:
    """0 with the folio locked, or VM_FAULT_RETRY: the lock of the fault has been dropped, and the
    folio's waited for."""
    if folio_trylock(k, sites.FOLIO_LOCK_OR_RETRY__TRYLOCK, folio.lock):
        return 0
    if vmf.flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED) != FAULT_FLAG_ALLOW_RETRY:
        mutex_lock(k, sites.FOLIO_LOCK_OR_RETRY__LOCK, folio.lock)
        return 0
    holder = folio.lock.owner
    if holder >= 0:
        folio.lock.waiters |= 1 << k.cur.id
    if vmf.flags & FAULT_FLAG_VMA_LOCK:
        mmap_lock.vma_end_read(k, vmf.vma)
    else:
        mmap_lock.mmap_read_unlock(k, vmf.mm)
    if holder >= 0:
        wait_queued(k, folio.lock, holder)
    return VM_FAULT_RETRY


def do_swap_entry(k: "Kernel", vmf: VmFault) -> i64:
    """do_swap_page() of a swap entry: VM_FAULT_*. With `vmf.table`, which is locked then, the entry
    of `vmf.orig_pte` is there, and do_wp_page() has to go on with a write fault."""
    slot = swp_offset(vmf.orig_pte)
    if not get_swap_device(k):
        return 0
    if k.bug.swapin_skip_cache_aba and k.swap.synchronous and k.swap.count[slot] == 1:
        ret = swapin_direct(k, vmf, slot)
    else:
        ret = swapin_cached(k, vmf, slot)
    put_swap_device(k)
    return ret


def get_swap_device(k: "Kernel") -> bool:
    """The device stays while it is used; False: it has gone."""
    k.step(sites.GET_SWAP_DEVICE__GET, OBJ_NONE, WRITE)
    if not k.swap.alive:
        return False
    k.swap.users += 1
    return True


def put_swap_device(k: "Kernel") -> None:
    k.swap.users -= 1


def swapin_direct(k: "Kernel", vmf: VmFault, slot: i64) -> i64:
    """What Linux did with fast devices before 6.8: the slot is read into a page of the fault's own,
    and nothing keeps others from doing the same, nor from using the slot again."""
    vma = vmf.vma
    mm = vmf.mm
    va = vmf.va
    if swap_state.swap_cache_has_folio(k, slot):
        return swapin_cached(k, vmf, slot)
    folio = page_alloc.folio_alloc(k, sites.SWAP_CACHE_ALLOC__ALLOC, False)
    if folio is None:
        return back_out(k, vmf)
    page_io.read_words(k, folio, slot)
    folio.flags |= PG_UPTODATE
    table = pte_offset_map_lock(k, sites.DO_SWAP_PAGE__LOCK, mm, va)
    if table is None or ptep_get(k, table, va) != vmf.orig_pte:
        if table is not None:
            pte_unmap_unlock(k, table)
        folio_put(k, folio, REF_OWNER)
        return 0
    add_mm_counter(mm, MM_ANONPAGES, 1)
    add_mm_counter(mm, MM_SWAPENTS, -1)
    entry = mk_pte(folio.page, vm_page_prot(vma)) | PTE_YOUNG | vmf.orig_pte & PTE_SOFT_DIRTY
    if vmf.orig_pte & PTE_UFFD_WP:
        entry = pte_mkuffd_wp(entry)
    if may_write(vma, entry):
        entry = pte_mkdirty(entry) | PTE_WRITE
    rmap.folio_add_new_anon_rmap(k, folio, vma, va)
    swap.folio_add_lru(k, folio)
    swapfile.swap_put(k, slot, True)
    k.step(sites.DO_SWAP_PAGE__SET_PTE, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, entry)
    k.watch.swapped_in(k, mm, va, folio.page)
    pte_unmap_unlock(k, table)
    return 0


def swapin_cached(k: "Kernel", vmf: VmFault, slot: i64) -> i64:
    """By the swap cache, in which there is one folio of a slot for all."""
    mm = vmf.mm
    va = vmf.va
    folio = swapin_folio(k, slot)
    if folio is None:
        return back_out(k, vmf)
    ret = folio_lock_or_retry(k, vmf, folio)
    if ret:
        folio_put(k, folio, REF_TEMP)
        return ret
    if not swap_state.folio_matches_swap_entry(folio, slot):
        k.sometimes(features.Z_SWAPIN_RACED)
        return let_go(k, folio)
    if vmf.flags & FAULT_FLAG_WRITE and not folio.flags & PG_LRU:
        swap.lru_add_drain(k)
    table = pte_offset_map_lock(k, sites.DO_SWAP_PAGE__LOCK, mm, va)
    if table is None:
        return let_go(k, folio)
    if ptep_get(k, table, va) != vmf.orig_pte:
        k.sometimes(features.Z_SWAPIN_RACED)
        pte_unmap_unlock(k, table)
        return let_go(k, folio)
    if not folio.flags & PG_UPTODATE:
        pte_unmap_unlock(k, table)
        let_go(k, folio)
        return VM_FAULT_SIGBUS
    map_swapped_in(k, vmf, table, folio)
    mutex_unlock(k, folio.lock)
    if vmf.flags & FAULT_FLAG_WRITE:
        vmf.table = table
        return 0
    pte_unmap_unlock(k, table)
    return 0


def back_out(k: "Kernel", vmf: VmFault) -> i64:
    """There is no memory; that is the fault's end only if nobody else has resolved it."""
    ret: i64 = 0
    table = pte_offset_map_lock(k, sites.DO_SWAP_PAGE__BACK_OUT, vmf.mm, vmf.va)
    if table is not None:
        if ptep_get(k, table, vmf.va) == vmf.orig_pte:
            ret = VM_FAULT_OOM
        pte_unmap_unlock(k, table)
    return ret


def let_go(k: "Kernel", folio: Folio) -> i64:
    """The entry is not what it was, or the folio not the slot's: the fault is tried again."""
    if folio.flags & PG_SWAPCACHE:
        swapfile.folio_free_swap(k, folio)
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return 0


def map_swapped_in(k: "Kernel", vmf: VmFault, table: PageTable, folio: Folio) -> None:
    """Put the locked folio where its swap entry is. The caller's reference becomes the mapping's,
    and `vmf.orig_pte` the new entry."""
    vma = vmf.vma
    mm = vmf.mm
    va = vmf.va
    old = vmf.orig_pte
    page = folio.page
    slot = folio.swap
    exclusive = old & PTE_SWP_EXCLUSIVE != 0
    if exclusive:
        k.watch.swap_entry_exclusive(k, slot)
        if folio.flags & PG_WRITEBACK and k.swap.synchronous:
            exclusive = False  # the device wants what it writes to stay as it is
    add_mm_counter(mm, MM_ANONPAGES, 1)
    add_mm_counter(mm, MM_SWAPENTS, -1)
    entry = mk_pte(page, vm_page_prot(vma)) | PTE_YOUNG | old & PTE_SOFT_DIRTY
    if old & PTE_UFFD_WP:
        entry = pte_mkuffd_wp(entry)
    k.step(sites.DO_SWAP_PAGE__REFS, folio.obj, READ)
    mine = exclusive or folio.ref == 1
    if mine and may_write(vma, entry):
        entry |= PTE_WRITE
        if vmf.flags & FAULT_FLAG_WRITE:
            entry = pte_mkdirty(entry)
            vmf.flags &= ~FAULT_FLAG_WRITE
    vmf.orig_pte = entry
    if folio.anon_vma is None:
        rmap.folio_add_swapped_in_rmap(k, folio, vma, va, mine)
    else:
        move_ref(k, folio, REF_TEMP, REF_MAP)
        rmap.folio_add_anon_rmap_pte(k, page, vma, va, mine)
    swapfile.swap_put(k, slot, False)
    k.step(sites.DO_SWAP_PAGE__SET_PTE, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, entry)
    k.watch.swapped_in(k, mm, va, page)
    if should_try_to_free_swap(k, folio, vma, vmf.flags):
        swapfile.folio_free_swap(k, folio)


def may_write(vma: Vma, entry: i64) -> bool:
    """Whether stores need no fault once the page is the mm's alone."""
    if not vma.flags & VM_WRITE or userfaultfd_pte_wp(vma, entry):
        return False
    return vma.flags & VM_SOFTDIRTY != 0 or entry & PTE_SOFT_DIRTY != 0


def should_try_to_free_swap(k: "Kernel", folio: Folio, vma: Vma, flags: i64) -> bool:
    """Whether the slot is worth more than what another swap-out would save."""
    if not folio.flags & PG_SWAPCACHE:
        return False
    if k.swap.synchronous or swapfile.vm_swap_full(k) or vma.flags & VM_LOCKED:
        return True
    return flags & FAULT_FLAG_WRITE != 0 and folio.ref == 2


def swapin_walk_pmd_entry(k: "Kernel", vma: Vma, start: i64, end: i64) -> None:
    """MADV_WILLNEED: read what the entries of one page table stand for into the swap cache."""
    mm = vma.mm
    assert mm is not None
    table: PageTable | None = None
    va = start
    while va < end:
        if table is None:
            table = pte_offset_map_lock(k, sites.SWAPIN_WALK_PMD_ENTRY__LOCK, mm, va)
            if table is None:
                return
        pte = ptep_get(k, table, va)
        va += 1
        if not is_swap_pte(pte):
            continue
        pte_unmap_unlock(k, table)
        table = None
        folio = swapin_folio(k, swp_offset(pte))
        if folio is not None:
            folio_put(k, folio, REF_TEMP)
    if table is not None:
        pte_unmap_unlock(k, table)
