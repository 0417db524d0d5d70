# SPDX-License-Identifier: MIT
"""mm/gup.c (7.2): get_user_pages() in its slow and fast forms, one page a call, and
access_remote_vm() (mm/memory.c).

Contract: pages are named by their frame number; a negative result is -errno. A reference
(FOLL_GET, FOLL_PIN) is the caller's to drop with gup_put_folio(). The shared zero page is
never counted.

All memory here may be pinned for long (no ZONE_MOVABLE, no CMA), so FOLL_LONGTERM means only
that private file mappings break COW early.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EAGAIN, EBUSY, EFAULT, EHWPOISON, EINTR, EINVAL, EIO, EMLINK, ENOMEM
from simulator.lib.maple_tree import find_vma_intersection, vma_lookup
from simulator.machine.ipi import local_irq_disable, local_irq_enable
from simulator.mm import mmap, mmap_lock, mmu_gather, swap
from simulator.mm.huge_memory import touch_pmd
from simulator.mm.memory import handle_mm_fault
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_DIRTY,
    PG_ZERO,
    PTE_DIRTY,
    PTE_PRESENT,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_WRITE,
    REF_GUP,
    REF_TEMP,
    VM_EXEC,
    VM_LOCKONFAULT,
    VM_MAYREAD,
    VM_MAYSHARE,
    VM_MAYWRITE,
    VM_READ,
    VM_SHARED,
    VM_SOFTDIRTY,
    VM_WRITE,
    Folio,
    Mm,
    Page,
    Vma,
    is_cow_mapping,
    is_huge_zero_pmd,
    is_migration_pte,
    pmd_present,
    pte_present,
    userfaultfd_pte_wp,
)
from simulator.mm.page_ref import folio_get, folio_pin, folio_put, folio_try_get, folio_unpin
from simulator.mm.pgtable import (
    frame_text,
    peek,
    pfn_to_page,
    pmd_addr_end,
    pmd_index,
    pmd_table,
    ptep_get,
    vm_normal_page,
)
from simulator.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pte_alloc,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from simulator.mm.split_huge_pmd import haddr_of, split_huge_pmd
from simulator.mm.vm_fault import (
    FAULT_FLAG_ALLOW_RETRY,
    FAULT_FLAG_REMOTE,
    FAULT_FLAG_UNSHARE,
    FAULT_FLAG_WRITE,
    VM_FAULT_ERROR,
    VM_FAULT_HWPOISON,
    VM_FAULT_OOM,
    VM_FAULT_RETRY,
)
from simulator.objects import pmd_obj, pte_obj
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

FOLL_WRITE: Final = 0x1
FOLL_GET: Final = 0x2
FOLL_FORCE: Final = 0x8
FOLL_HWPOISON: Final = 0x40  # say so where a page is lost
FOLL_LONGTERM: Final = 0x100
FOLL_SPLIT_PMD: Final = 0x800
FOLL_TOUCH: Final = 0x10000
FOLL_UNLOCKABLE: Final = 0x20000  # mmap_lock may be dropped while a fault is resolved
FOLL_REMOTE: Final = 0x40000
FOLL_PIN: Final = 0x80000


# --- rules -------------------------------------------------------------------------------------


def check_vma_flags(vma: Vma, flags: i64) -> i64:
    """Whether GUP may touch this VMA; 0 or -EFAULT. Memory files need no dirty tracking, so
    FOLL_LONGTERM writes to them are fine."""
    if flags & FOLL_WRITE:
        if not vma.flags & VM_WRITE:
            # FOLL_FORCE breaks COW in private mappings and nothing else.
            if not flags & FOLL_FORCE or not is_cow_mapping(vma):
                return -EFAULT
    elif not vma.flags & VM_READ:
        if not flags & FOLL_FORCE or not vma.flags & VM_MAYREAD:
            return -EFAULT
    return 0


def gup_must_unshare(vma: Vma | None, page: Page, flags: i64) -> bool:
    """A read-only pin shall see what the process writes later: the page must be exclusive,
    or (long-term pins of private file mappings) anonymous, before it is pinned. GUP-fast has
    no `vma`."""
    if flags & (FOLL_WRITE | FOLL_PIN) != FOLL_PIN:
        return False
    if page.folio.anon_vma is None:
        if not flags & FOLL_LONGTERM:
            return False
        return vma is None or is_cow_mapping(vma)
    return not page.flags & PG_ANON_EXCLUSIVE


def can_follow_write_pte(pte: i64, page: Page | None, vma: Vma, flags: i64) -> bool:
    """Whether a write may go through this entry: it is writable, or FOLL_FORCE is set, COW
    has been broken already, and no write fault is needed for other reasons."""
    if pte & PTE_WRITE:
        return True
    if not flags & FOLL_FORCE or vma.flags & (VM_MAYSHARE | VM_SHARED):
        return False
    if not vma.flags & VM_MAYWRITE or vma.flags & VM_WRITE:
        return False
    if page is None or page.folio.anon_vma is None or not page.flags & PG_ANON_EXCLUSIVE:
        return False
    if userfaultfd_pte_wp(vma, pte):
        return False
    return vma.flags & VM_SOFTDIRTY != 0 or pte & PTE_SOFT_DIRTY != 0


# --- references --------------------------------------------------------------------------------


def try_grab_folio(k: "Kernel", folio: Folio, flags: i64) -> None:
    """Take what `flags` ask for; the caller has a stable reference or the page table lock."""
    if folio.flags & PG_ZERO:
        return
    if flags & FOLL_PIN:
        folio_pin(k, folio)
    elif flags & FOLL_GET:
        folio_get(k, folio, REF_GUP)


def try_grab_folio_fast(k: "Kernel", page: Page, flags: i64) -> bool:
    """Take what `flags` ask for without a reference and without a lock: the frame may be free by
    now, or somebody else's."""
    folio = page.folio
    k.step(sites.TRY_GRAB_FOLIO_FAST__GRAB, page.obj, WRITE)
    reason: i64 = REF_GUP if flags & FOLL_PIN == 0 else REF_TEMP
    if not folio_try_get(k, folio, reason):
        return False
    if page.folio is not folio:  # try_get_folio(): it has been split, or put together, meanwhile
        folio_put(k, folio, reason)
        return False
    if flags & FOLL_PIN == 0:
        return True
    k.step(sites.TRY_GRAB_FOLIO_FAST__PIN, page.obj, WRITE)
    folio_pin(k, folio)
    folio_put(k, folio, REF_TEMP)
    return True


def gup_put_folio(k: "Kernel", folio: Folio, flags: i64) -> None:
    """Drop what a get took."""
    if folio.flags & PG_ZERO:
        return
    if flags & FOLL_PIN:
        folio_unpin(k, folio)
    elif flags & FOLL_GET:
        folio_put(k, folio, REF_GUP)


# --- the slow form -----------------------------------------------------------------------------


def follow_page_pte(k: "Kernel", vma: Vma, mm: Mm, va: i64, flags: i64) -> i64:
    """The frame that the page tables have for `va`, grabbed; -EAGAIN when a fault is needed,
    -EMLINK when the page must be unshared first."""
    table = pte_offset_map_lock(k, sites.FOLLOW_PAGE_PTE__LOCK, mm, va)
    if table is None:
        return -EAGAIN
    pte = ptep_get(k, table, va)
    ret: i64 = -EAGAIN
    # PROT_NONE entries can be followed: check_vma_flags() has decided, and there are no
    # NUMA hints here.
    if pte_present(pte):
        normal = vm_normal_page(k, pte)
        page = k.zero_page if normal is None else normal
        if flags & FOLL_WRITE and not can_follow_write_pte(pte, normal, vma, flags):
            ret = -EAGAIN
        elif not pte & PTE_WRITE and gup_must_unshare(vma, page, flags):
            ret = -EMLINK
        else:
            k.step(sites.FOLLOW_PAGE_PTE__GRAB, page.obj, WRITE)
            try_grab_folio(k, page.folio, flags)
            if flags & FOLL_TOUCH and flags & FOLL_WRITE and not pte & PTE_DIRTY:
                page.folio.flags |= PG_DIRTY
            ret = page.pfn
    pte_unmap_unlock(k, table)
    return ret


def follow_pmd(k: "Kernel", vma: Vma, mm: Mm, va: i64, flags: i64) -> i64:
    """follow_pmd_mask(): follow_page_pte() of whatever the PMD entry is."""
    i = va >> k.pmd_order
    k.step(sites.FOLLOW_PMD_MASK__PMD, pmd_obj(mm.id, i), READ)
    pmd = mm.pmd[i]
    if pmd == 0:
        return follow_page_pte(k, vma, mm, va, flags)
    if not pmd_present(pmd):
        return -EAGAIN
    pmd_lock(k, sites.FOLLOW_PMD_MASK__LOCK, mm)
    pmd = mm.pmd[i]
    if pmd == 0:
        pmd_unlock(k, mm)
        return follow_page_pte(k, vma, mm, va, flags)
    if not pmd_present(pmd):
        pmd_unlock(k, mm)
        return -EAGAIN
    if flags & FOLL_SPLIT_PMD:
        pmd_unlock(k, mm)
        split_huge_pmd(k, vma, va)
        if not pte_alloc(k, mm, va):
            return -ENOMEM
        return follow_page_pte(k, vma, mm, va, flags)
    ret = follow_huge_pmd(k, vma, mm, va, pmd, flags)
    pmd_unlock(k, mm)
    return ret


def follow_huge_pmd(k: "Kernel", vma: Vma, mm: Mm, va: i64, pmd: i64, flags: i64) -> i64:
    """The page of a huge entry, as follow_page_pte(); the head says whether it is exclusive."""
    head = k.zero_page if is_huge_zero_pmd(pmd) else pfn_to_page(k, pmd >> PFN_SHIFT)
    normal = None if is_huge_zero_pmd(pmd) else head
    if flags & FOLL_WRITE and not can_follow_write_pte(pmd, normal, vma, flags):
        return -EAGAIN
    if not pmd & PTE_WRITE and gup_must_unshare(vma, head, flags):
        return -EMLINK
    k.step(sites.FOLLOW_HUGE_PMD__GRAB, head.obj, WRITE)
    try_grab_folio(k, head.folio, flags)
    if flags & FOLL_TOUCH and flags & FOLL_WRITE:
        touch_pmd(k, mm, haddr_of(k, va))
    return head.pfn if normal is None else head.pfn + (va & (k.ptrs_per_pte - 1))


def faultin_page(k: "Kernel", vma: Vma, mm: Mm, va: i64, flags: i64, unshare: bool) -> i64:
    """A fault on behalf of GUP: 0, -EFAULT or -ENOMEM; -EBUSY when it has waited for user space,
    and mmap_lock is not held any more. That is only for who says FOLL_UNLOCKABLE."""
    fault_flags: i64 = 0
    if flags & FOLL_UNLOCKABLE:
        fault_flags |= FAULT_FLAG_ALLOW_RETRY
    if flags & FOLL_WRITE:
        fault_flags |= FAULT_FLAG_WRITE
    if flags & FOLL_REMOTE:
        fault_flags |= FAULT_FLAG_REMOTE
    if unshare:
        fault_flags |= FAULT_FLAG_UNSHARE
        k.sometimes(features.Z_UNSHARE)
    fault = handle_mm_fault(k, vma, mm, va, fault_flags)
    if fault & VM_FAULT_ERROR:  # vm_fault_to_errno()
        if fault & VM_FAULT_HWPOISON and flags & FOLL_HWPOISON:
            return -EHWPOISON
        return -ENOMEM if fault & VM_FAULT_OOM else -EFAULT
    if fault & VM_FAULT_RETRY:
        return -EBUSY
    if flags & FOLL_WRITE and not vma.flags & VM_WRITE:
        k.sometimes(features.Z_FOLL_FORCE_COW)
    return 0


def get_user_page(k: "Kernel", vma: Vma, mm: Mm, va: i64, flags: i64) -> i64:
    """__get_user_pages() for one page, with mmap_lock held: the frame or -errno; -EBUSY without
    mmap_lock. `vma` has passed check_vma_flags()."""
    while True:
        if k.cur.killed:
            return -EINTR
        i = va >> k.pmd_order
        if mm.pmd[i]:
            pfn = follow_pmd(k, vma, mm, va, flags)
        elif mm.tables[i] is None:  # follow_pmd_mask(): no_page_table()
            pfn = -EAGAIN
        else:
            pfn = follow_page_pte(k, vma, mm, va, flags)
        if pfn >= 0 or pfn == -ENOMEM:
            return pfn
        ret = faultin_page(k, vma, mm, va, flags, pfn == -EMLINK)
        if ret:
            return ret
        if k.bug.dirtycow_foll_write_dropped and not vma.flags & VM_WRITE:
            flags &= ~FOLL_WRITE
        k.retry(sites.GET_USER_PAGES__RETRY)


def get_user_page_locked(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """__get_user_pages_locked(): the frame or -errno. mmap_lock is held for read, and may not be
    any more on return if `flags` say FOLL_UNLOCKABLE. GUP does not grow stacks."""
    if flags & FOLL_PIN:
        mm.has_pinned = True
    while True:
        vma = vma_lookup(mm, va)
        if vma is None:
            return -EFAULT
        ret = check_vma_flags(vma, flags)
        if ret == 0:
            ret = get_user_page(k, vma, mm, va, flags)
        if ret != -EBUSY:
            return ret
        if k.cur.killed:
            return -EINTR
        if mmap_lock.mmap_read_lock_killable(k, mm, sites.GET_USER_PAGES_LOCKED__RELOCK):
            return -EAGAIN
        k.retry(sites.GET_USER_PAGES_LOCKED__RELOCK)


def pin_user_page(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """pin_user_pages() or get_user_pages() as a driver calls them."""
    if mmap_lock.mmap_read_lock_killable(k, mm, sites.PIN_USER_PAGES__LOCK):
        return -EINTR
    ret = get_user_page_locked(k, mm, va, flags)
    if mmap_lock.read_held(k, mm):
        mmap_lock.mmap_read_unlock(k, mm)
    return ret


# --- the fast form -----------------------------------------------------------------------------


def pin_user_page_fast(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """gup_fast_fallback(): without locks if possible. The frame or -errno."""
    if flags & FOLL_PIN:
        mm.has_pinned = True
    pfn = gup_fast(k, mm, va, flags)
    if pfn >= 0:
        return pfn
    k.sometimes(features.Z_GUP_FAST_BACKED_OFF)
    pfn = pin_user_page(k, mm, va, flags | FOLL_TOUCH | FOLL_UNLOCKABLE)
    return -EAGAIN if pfn == -EINTR else pfn


def gup_fast(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """Walk the page tables with interrupts off, which keeps the tables from being freed: the
    frame, or -EAGAIN. A pin is given back when fork() was at work meanwhile."""
    seq: i64 = 0
    check = not k.bug.gup_fast_vs_fork_cow
    if flags & FOLL_PIN:
        k.step(sites.GUP_FAST__SEQ_BEGIN, mm.obj, READ)
        seq = mm.write_protect_seq
        if seq & 1 and check:
            k.sometimes(features.Z_GUP_FAST_SEQ_RETRY)
            return -EAGAIN
    local_irq_disable(k)
    # Page tables are freed by RCU, and irqs off hold it up.
    mmu_gather.rcu_read_lock(k, sites.GUP_FAST__SEQ_BEGIN)
    pfn = gup_fast_pte_range(k, mm, va, flags)
    mmu_gather.rcu_read_unlock(k)
    local_irq_enable(k)
    if flags & FOLL_PIN and pfn >= 0:
        k.step(sites.GUP_FAST__SEQ_RETRY, mm.obj, READ)
        if mm.write_protect_seq != seq and check:
            k.sometimes(features.Z_GUP_FAST_SEQ_RETRY)
            gup_put_folio(k, pfn_to_page(k, pfn).folio, flags)
            return -EAGAIN
    return pfn


def gup_fast_pte_range(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """One entry of the walk: first pin the page, then look whether the entry is still the
    same. Whoever changes entries does it the other way round."""
    k.step(sites.GUP_FAST_PMD_RANGE__READ_PMD, pmd_obj(mm.id, pmd_index(k, va)), READ)
    table = pmd_table(k, mm, va)
    if table is None:
        pmd = mm.pmd[va >> k.pmd_order]
        return gup_fast_pmd_leaf(k, mm, va, pmd, flags) if pmd & PTE_PRESENT else -EAGAIN
    k.step(sites.GUP_FAST_PTE_RANGE__READ_PTE, pte_obj(mm.id, va), READ)
    k.watch.table_read(k, table)
    pte = ptep_get(k, table, va)
    if not pte & PTE_PRESENT or pte & PTE_SPECIAL:
        return -EAGAIN
    if flags & FOLL_WRITE and not pte & PTE_WRITE:
        return -EAGAIN
    page = pfn_to_page(k, pte >> PFN_SHIFT)
    if not try_grab_folio_fast(k, page, flags):
        return -EAGAIN
    k.step(sites.GUP_FAST_PTE_RANGE__RECHECK, pte_obj(mm.id, va), READ)
    if (
        (pmd_table(k, mm, va) is not table and not k.bug.gup_fast_vs_thp_collapse)
        or ptep_get(k, table, va) != pte
        or (not pte & PTE_WRITE and gup_must_unshare(None, page, flags))
    ):
        gup_put_folio(k, page.folio, flags)
        return -EAGAIN
    return page.pfn


def gup_fast_pmd_leaf(k: "Kernel", mm: Mm, va: i64, pmd: i64, flags: i64) -> i64:
    """Pin a page that a huge entry maps, or -EAGAIN: it may not be, or the entry has changed."""
    if (flags & FOLL_WRITE and not pmd & PTE_WRITE) or is_huge_zero_pmd(pmd):
        return -EAGAIN
    i = va >> k.pmd_order
    page = pfn_to_page(k, (pmd >> PFN_SHIFT) + (va & (k.ptrs_per_pte - 1)))
    folio = page.folio
    if not try_grab_folio_fast(k, page, flags):
        return -EAGAIN
    k.step(sites.GUP_FAST_PMD_LEAF__RECHECK, pmd_obj(mm.id, i), READ)
    if mm.pmd[i] != pmd or (not pmd & PTE_WRITE and gup_must_unshare(None, folio.page, flags)):
        gup_put_folio(k, folio, flags)
        return -EAGAIN
    return page.pfn


# --- populate ----------------------------------------------------------------------------------


def faultin_page_range(k: "Kernel", mm: Mm, start: i64, end: i64, write: bool) -> i64:
    """MADV_POPULATE_READ and _WRITE: how many pages were prefaulted, or -ENOMEM, -EINVAL,
    -EFAULT or -EHWPOISON for the first; 0 or more without mmap_lock, which was held for read, if it
    has waited for user space."""
    flags: i64 = FOLL_TOUCH | FOLL_UNLOCKABLE | FOLL_HWPOISON
    if write:
        flags |= FOLL_WRITE
    va = start
    ret: i64 = 0
    while va < end:
        vma = vma_lookup(mm, va)
        if vma is None:
            ret = -ENOMEM
            break
        if check_vma_flags(vma, flags):
            ret = -EINVAL
            break
        ret = get_user_page(k, vma, mm, va, flags)
        if ret < 0:
            break
        va = next_page(k, mm, va, end)
        k.cur.retries = 0  # progress
    swap.lru_add_drain(k)
    return va - start if va > start or ret == -EBUSY else ret


def next_page(k: "Kernel", mm: Mm, va: i64, end: i64) -> i64:
    """Where to go on after `va` has been found: behind all of a huge page (page_mask)."""
    return pmd_addr_end(k, va, end) if mm.pmd[va >> k.pmd_order] else va + 1


def mm_populate(k: "Kernel", mm: Mm, start: i64, end: i64, ignore_errors: bool) -> i64:
    """__mm_populate(): prefault VMA by VMA. An error ends its VMA's turn, if errors are ignored;
    else it ends the call, and is returned."""
    ret: i64 = 0
    mmap_lock.mmap_read_lock(k, mm, sites.MM_POPULATE__LOCK)
    va = start
    while va < end:
        vma = find_vma_intersection(mm, va, end)
        if vma is None:
            break
        va = max(va, vma.start)
        stop = min(end, vma.end)
        done = populate_vma_page_range(k, vma, mm, va, stop, True)
        if not mmap_lock.read_held(k, mm):  # it has waited for user space
            va += done
            mmap_lock.mmap_read_lock(k, mm, sites.MM_POPULATE__LOCK)
            k.retry(sites.MM_POPULATE__LOCK)
        elif done > 0:
            va += done
        elif ignore_errors:
            va = stop
        else:
            ret = done
            break
    mmap_lock.mmap_read_unlock(k, mm)
    return ret


def populate_vma_page_range(
    k: "Kernel", vma: Vma, mm: Mm, start: i64, end: i64, unlockable: bool
) -> i64:
    """How many pages were prefaulted, by a write in private writable mappings; or the error at the
    first. mmap_lock is held, for read or write; if `unlockable`, it may not be any more then, for
    the page that comes next has waited for user space."""
    if vma.flags & VM_LOCKONFAULT:
        return end - start
    if not vma.flags & (VM_READ | VM_WRITE | VM_EXEC):
        return -EFAULT
    flags: i64 = FOLL_TOUCH
    if vma.flags & (VM_WRITE | VM_SHARED) == VM_WRITE:
        flags |= FOLL_WRITE
    else:
        flags |= FOLL_FORCE
    if unlockable:
        flags |= FOLL_UNLOCKABLE
    va = start
    ret = check_vma_flags(vma, flags)
    while va < end and ret >= 0:
        ret = get_user_page(k, vma, mm, va, flags)
        if ret >= 0:
            va = next_page(k, mm, va, end)
            k.cur.retries = 0  # progress
    swap.lru_add_drain(k)
    return va - start if va > start or ret == -EBUSY else ret


# --- access from outside -----------------------------------------------------------------------


def access_remote_vm(k: "Kernel", mm: Mm, word: i64, write: bool) -> i64:
    """Load or store one word (page * 4 + word) through the kernel's mapping of its page, with
    FOLL_FORCE: the token or 0, or -EIO. mmap_lock is held for read until it is done."""
    va = word >> 2
    flags: i64 = FOLL_GET | FOLL_FORCE | FOLL_REMOTE | FOLL_TOUCH
    if write:
        flags |= FOLL_WRITE
    if mmap_lock.mmap_read_lock_killable(k, mm, sites.ACCESS_REMOTE_VM__LOCK):
        return -EIO
    if vma_lookup(mm, va) is None and mmap.expand_stack(k, mm, va) is None:
        return -EIO  # the lock is gone
    pfn = get_user_page_locked(k, mm, va, flags)
    result: i64 = -EIO
    if pfn >= 0:
        page = pfn_to_page(k, pfn)
        if write:
            result = store_remote(k, mm, va, page, word & 3, peek(k, mm, va))
        else:
            k.step(sites.ACCESS_REMOTE_VM__LOAD, page.obj, READ)
            result = page.words[word & 3]
            if is_at(k, mm, va, page):
                k.watch.loaded(k, mm, va, page, word & 3, result)
        gup_put_folio(k, page.folio, flags)
    mmap_lock.mmap_read_unlock(k, mm)
    return result


def store_remote(k: "Kernel", mm: Mm, va: i64, page: Page, word: i64, seen: i64) -> i64:
    """Store to the page that GUP has found behind the entry `seen`."""
    k.step(sites.ACCESS_REMOTE_VM__STORE, page.obj, WRITE)
    k.watch.forced_store_begins(k, mm, va, page)
    token = k.new_token()
    page.words[word] = token
    page.folio.flags |= PG_DIRTY
    here = is_at(k, mm, va, page)
    if here:
        k.watch.forced_stored(k, mm, va, page, seen)
    k.watch.stored(k, mm, va, page, word, token, here)
    if k.tracing:
        k.note(f"stores {token} to page {va}, {frame_text(page.pfn)}, through the kernel's mapping")
    return 0


def is_at(k: "Kernel", mm: Mm, va: i64, page: Page) -> bool:
    """Whether the page is still what the mm has at `va`: mapped, or under a migration that
    our reference will make fail. A concurrent zap may have given it up."""
    pte = peek(k, mm, va)
    return pte >> PFN_SHIFT == page.pfn and (pte_present(pte) or is_migration_pte(pte))
