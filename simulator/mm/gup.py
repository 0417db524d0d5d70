# SPDX-License-Identifier: MIT
"""mm/gup.c: get_user_pages() in its slow and fast forms, one page a call."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EAGAIN, EBUSY, EFAULT, EINVAL, EMLINK, ENOMEM
from simulator.mm import mmap_lock, swap
from simulator.mm import vma as vma_tree
from simulator.mm.copy_page_range import is_cow_mapping
from simulator.mm.memory import (
    FAULT_FLAG_REMOTE, FAULT_FLAG_UNSHARE, FAULT_FLAG_WRITE, VM_FAULT_COMPLETED, VM_FAULT_OOM,
    VM_FAULT_RETRY, VM_FAULT_ERROR, handle_mm_fault, pte_offset_map_lock, pte_unmap_unlock,
)
from simulator.mm.mm_types import (
    PFN_SHIFT, PG_ANON_EXCLUSIVE, PG_DIRTY, PG_ZERO, PTE_DIRTY, PTE_PRESENT, PTE_PROTNONE,
    PTE_SOFT_DIRTY, PTE_SPECIAL, PTE_WRITE, REF_GUP, VM_MAYREAD, VM_MAYSHARE, VM_MAYWRITE,
    VM_READ, VM_SHARED, VM_SOFTDIRTY, VM_WRITE, Mm, Page, Vma, pte_present,
)
from simulator.mm.page_ref import folio_get, folio_pin, folio_put, folio_try_get, folio_unpin
from simulator.mm.pgtable import pfn_to_page

from simulator.sched.ipi import local_irq_disable, local_irq_enable
from simulator.state import OBJ_MM, OBJ_PMD, READ, WRITE, obj, page_obj, pte_obj

if TYPE_CHECKING:
    from simulator.state import Kernel

FOLL_WRITE: Final = 1
FOLL_FORCE: Final = 2
FOLL_GET: Final = 4
FOLL_PIN: Final = 8
FOLL_LONGTERM: Final = 16
FOLL_REMOTE: Final = 32
FOLL_MADV_POPULATE: Final = 64
FOLL_TOUCH: Final = 128
COW_BROKEN: Final = 1  # VM_FAULT_WRITE: before 4.9 GUP went on without FOLL_WRITE


def check_vma_flags(vma: Vma, flags: i64) -> i64:
    """Whether GUP may touch this VMA at all; 0 or -EFAULT."""
    inode = vma.inode
    if inode is not None and inode.opaque:
        return -EFAULT
    if flags & FOLL_WRITE:
        if not vma.flags & VM_WRITE:
            if not flags & FOLL_FORCE or not is_cow_mapping(vma):
                return -EFAULT
    elif not vma.flags & VM_READ:
        if not flags & FOLL_FORCE or not vma.flags & VM_MAYREAD:
            return -EFAULT
    return 0


def gup_must_unshare(vma: Vma | None, page: Page, flags: i64) -> bool:
    """A read-only pin must see later changes through the page tables: the page must be
    exclusive first."""
    if flags & (FOLL_WRITE | FOLL_PIN) != FOLL_PIN:
        return False
    if page.anon_vma is None:
        if not flags & FOLL_LONGTERM:
            return False
        return vma is None or is_cow_mapping(vma)
    return not page.flags & PG_ANON_EXCLUSIVE


def can_follow_write_pte(k: "Kernel", pte: i64, page: Page | None, vma: Vma, flags: i64) -> bool:
    """Whether a write may go through this entry: it is writable, or FOLL_FORCE and COW has
    already been broken."""
    if pte & PTE_WRITE:
        return True
    if not flags & FOLL_FORCE or vma.flags & (VM_MAYSHARE | VM_SHARED):
        return False
    if not vma.flags & VM_MAYWRITE or vma.flags & VM_WRITE:
        return False
    if page is None or page.anon_vma is None or not page.flags & PG_ANON_EXCLUSIVE:
        return False
    return vma.flags & VM_SOFTDIRTY != 0 or pte & PTE_SOFT_DIRTY != 0


def grab(k: "Kernel", page: Page, flags: i64) -> None:
    """try_grab_folio(): the reference that the caller keeps."""
    if flags & FOLL_PIN:
        if not page.flags & PG_ZERO:
            folio_pin(page)
    elif flags & FOLL_GET and not page.flags & PG_ZERO:
        folio_get(k, page, REF_GUP)


def put(k: "Kernel", page: Page, flags: i64) -> None:
    """gup_put_folio()."""
    if page.flags & PG_ZERO:
        return
    if flags & FOLL_PIN:
        folio_unpin(k, page)
    elif flags & FOLL_GET:
        folio_put(k, page, REF_GUP)


def follow_page_pte(k: "Kernel", vma: Vma, mm: Mm, va: i64, flags: i64) -> i64:
    """The pfn that the page tables have for `va`, grabbed as `flags` say; -EAGAIN when a
    fault is needed, -EMLINK when the page must be unshared first."""
    table = pte_offset_map_lock(k, sites.FOLLOW_PAGE_PTE__LOCK, mm, va)
    if table is None:
        return -EAGAIN
    pte = table.pte[va & (k.ptrs_per_pte - 1)]
    if not pte_present(pte) or (pte & PTE_PROTNONE and not flags & FOLL_FORCE):
        pte_unmap_unlock(k, table)
        return -EAGAIN
    page = k.zero_page if pte & PTE_SPECIAL else pfn_to_page(k, pte >> PFN_SHIFT)
    normal = None if pte & PTE_SPECIAL else page
    if flags & FOLL_WRITE and not can_follow_write_pte(k, pte, normal, vma, flags):
        pte_unmap_unlock(k, table)
        return -EAGAIN
    if not pte & PTE_WRITE and normal is not None and gup_must_unshare(vma, page, flags):
        k.sometimes(features.Z_UNSHARE)
        pte_unmap_unlock(k, table)
        return -EMLINK
    k.step(sites.FOLLOW_PAGE_PTE__GRAB, page_obj(page), WRITE)
    grab(k, page, flags)
    if flags & FOLL_TOUCH and flags & FOLL_WRITE and not pte & PTE_DIRTY:
        page.flags |= PG_DIRTY
    pte_unmap_unlock(k, table)
    return page.pfn


def faultin_page(k: "Kernel", vma: Vma, mm: Mm, va: i64, flags: i64, unshare: bool) -> i64:
    """Fault on behalf of GUP: 0, -EBUSY (the lock was dropped), or an error."""
    fault_flags: i64 = 0
    if flags & FOLL_WRITE:
        fault_flags |= FAULT_FLAG_WRITE
    if flags & FOLL_REMOTE:
        fault_flags |= FAULT_FLAG_REMOTE
    if unshare:
        fault_flags |= FAULT_FLAG_UNSHARE
    fault = handle_mm_fault(k, vma, mm, va, fault_flags)
    if fault & VM_FAULT_ERROR:
        return -ENOMEM if fault & VM_FAULT_OOM else -EFAULT
    if fault & (VM_FAULT_RETRY | VM_FAULT_COMPLETED):
        return -EBUSY
    if k.bug.dirtycow_foll_write_dropped and flags & FOLL_WRITE and not vma.flags & VM_WRITE:
        return COW_BROKEN
    return 0


def get_user_page(k: "Kernel", vma: Vma, mm: Mm, va: i64, flags: i64) -> i64:
    """__get_user_pages() for one page with mmap_lock held: the pfn, -EBUSY when the lock was
    dropped, or an error."""
    while True:
        pfn = follow_page_pte(k, vma, mm, va, flags)
        if pfn >= 0:
            return pfn
        ret = faultin_page(k, vma, mm, va, flags, pfn == -EMLINK)
        if ret < 0:
            return ret
        if ret == COW_BROKEN:
            flags &= ~FOLL_WRITE
        k.retry(sites.GET_USER_PAGES__RETRY)


def get_user_page_unlocked(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """__gup_longterm_locked() and get_user_pages_unlocked(): take mmap_lock, and again when a
    fault dropped it."""
    if flags & FOLL_PIN:
        mm.has_pinned = True
    while True:
        mmap_lock.mmap_read_lock(k, mm, sites.GET_USER_PAGES__MMAP_LOCK)
        vma = gup_vma_lookup(k, mm, va)
        if vma is None:
            mmap_lock.mmap_read_unlock(k, mm)
            return -EFAULT
        ret = check_vma_flags(vma, flags)
        if ret == 0:
            ret = get_user_page(k, vma, mm, va, flags)
        if ret != -EBUSY:
            mmap_lock.mmap_read_unlock(k, mm)
            return ret
        k.retry(sites.GET_USER_PAGES__RETRY)


def gup_vma_lookup(k: "Kernel", mm: Mm, va: i64) -> Vma | None:
    """GUP does not grow stacks."""
    return vma_tree.vma_lookup(mm, va)


# --- the fast form --------------------------------------------------------------------------------


def gup_fast(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """Walk the page tables without any lock, interrupts off: the pfn, or -EAGAIN."""
    seq: i64 = 0
    if flags & FOLL_PIN:
        k.step(sites.GUP_FAST__SEQ_BEGIN, obj(OBJ_MM, mm.id), READ)
        seq = mm.write_protect_seq
        if seq & 1 and not k.bug.gup_fast_vs_fork_cow:
            k.sometimes(features.Z_GUP_FAST_SEQ_RETRY)
            return -EAGAIN
    local_irq_disable(k)
    k.cur.rcu_readers += 1
    pfn = gup_fast_pte_range(k, mm, va, flags)
    mmu_gather.rcu_read_unlock(k)
    local_irq_enable(k)
    if pfn >= 0 and flags & FOLL_PIN:
        k.step(sites.GUP_FAST__SEQ_RETRY, obj(OBJ_MM, mm.id), READ)
        if mm.write_protect_seq != seq and not k.bug.gup_fast_vs_fork_cow:
            k.sometimes(features.Z_GUP_FAST_SEQ_RETRY)
            put(k, pfn_to_page(k, pfn), flags)
            return -EAGAIN
    return pfn


def gup_fast_pte_range(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """The lockless walk of one entry: grab first, then see whether it is still there."""
    k.step(
        sites.GUP_FAST_PMD_RANGE__READ_PMD, obj(OBJ_PMD, mm.id << 16 | va >> k.pmd_order), READ
    )
    table = mm.tables[va >> k.pmd_order]
    if table is None:
        return -EAGAIN
    i = va & (k.ptrs_per_pte - 1)
    k.step(sites.GUP_FAST_PTE_RANGE__READ_PTE, pte_obj(mm, va), READ)
    pte = table.pte[i]
    if not pte & PTE_PRESENT or pte & PTE_SPECIAL:
        return -EAGAIN
    if flags & FOLL_WRITE and not pte & PTE_WRITE:
        return -EAGAIN
    page = pfn_to_page(k, pte >> PFN_SHIFT)
    k.step(sites.GUP_FAST_PTE_RANGE__GRAB, page_obj(page), WRITE)
    if page.ref <= 0:
        k.sometimes(features.Z_GUP_FAST_BACKED_OFF)
        return -EAGAIN
    if flags & FOLL_PIN:
        folio_pin(page)
    elif not folio_try_get(k, page, REF_GUP):
        return -EAGAIN
    k.step(sites.GUP_FAST_PTE_RANGE__RECHECK, pte_obj(mm, va), READ)
    if mm.tables[va >> k.pmd_order] is not table or table.pte[i] != pte:
        k.sometimes(features.Z_GUP_FAST_BACKED_OFF)
        put(k, page, flags)
        return -EAGAIN
    if not pte & PTE_WRITE and gup_must_unshare(None, page, flags):
        put(k, page, flags)
        return -EAGAIN
    return page.pfn


def get_user_page_fast(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """gup_fast_fallback(): fast if possible, slow otherwise; the pfn or an error."""
    if flags & FOLL_PIN:
        mm.has_pinned = True
    pfn = gup_fast(k, mm, va, flags)
    if pfn >= 0:
        return pfn
    return get_user_page_unlocked(k, mm, va, flags)


# --- callers without pages -------------------------------------------------------------------------


def faultin_page_range(k: "Kernel", mm: Mm, start: i64, end: i64, write: bool) -> i64:
    """MADV_POPULATE_*: prefault with mmap_lock held for read (it may be dropped and retaken);
    the number of pages, or -ENOMEM, -EINVAL, -EFAULT."""
    flags: i64 = FOLL_TOUCH | FOLL_MADV_POPULATE
    if write:
        flags |= FOLL_WRITE
    done: i64 = 0
    while start + done < end:
        va = start + done
        ret: i64 = 0
        vma = vma_tree.vma_lookup(mm, va)
        if vma is None:
            ret = -ENOMEM
        elif check_vma_flags(vma, flags):
            ret = -EINVAL
        else:
            ret = get_user_page(k, vma, mm, va, flags)
        if ret == -EBUSY:
            mmap_lock.mmap_read_lock(k, mm, sites.GET_USER_PAGES__MMAP_LOCK)
            k.retry(sites.GET_USER_PAGES__RETRY)
            continue
        if ret < 0:
            swap.lru_add_drain(k)
            return done if done else ret
        done += 1
    swap.lru_add_drain(k)
    return done


def mm_populate(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """MAP_POPULATE: prefault as far as it goes; errors are ignored."""
    va = start
    while va < end:
        vma = vma_tree.vma_lookup(mm, va)
        if vma is None:
            return
        flags: i64 = FOLL_TOUCH
        if vma.flags & (VM_WRITE | VM_SHARED) == VM_WRITE:
            flags |= FOLL_WRITE
        if vma.flags & (VM_READ | VM_WRITE):
            flags |= FOLL_FORCE
        ret = get_user_page_unlocked(k, mm, va, flags)
        if ret < 0:
            return
        va += 1


from simulator.mm import mmu_gather  # noqa: E402
