# SPDX-License-Identifier: MIT
"""mm/huge_memory.c (7.2): huge pages of anonymous memory, and what is done to a whole PMD entry by
faults, fork(), zaps, madvise(), mprotect() and mremap().

The PMD lock is mm.page_table_lock. The huge zero page is here the small one, all over: who maps it
needs no memory but for the first time (mm_get_huge_zero_folio()).

The splits are in split_huge_pmd.py (of an entry) and split_folio.py (of the memory behind it).
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.errno import EAGAIN, ENOMEM
from simulator.mm import (
    deferred_split,
    mmap_lock,
    mmu_gather,
    mmu_notifier,
    page_alloc,
    rmap,
    swap,
    userfaultfd,
)
from simulator.mm import tlb as tlb_module
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    MM_CP_TRY_CHANGE_WRITABLE,
    MM_CP_UFFD_WP,
    MM_CP_UFFD_WP_RESOLVE,
    MM_FILEPAGES,
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_DEVICE_PRIVATE,
    PG_UPTODATE,
    PTE_DIRTY,
    PTE_HUGE,
    PTE_PRESENT,
    PTE_PROTNONE,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_SWP_MASK,
    PTE_SWP_SHIFT,
    PTE_UFFD_WP,
    PTE_WRITE,
    PTE_YOUNG,
    REF_MAP,
    REF_OWNER,
    REF_TEMP,
    SWP_DEVICE_READ,
    SWP_DEVICE_WRITE,
    SWP_MIGRATION_READ,
    SWP_MIGRATION_READ_EXCLUSIVE,
    SWP_MIGRATION_WRITE,
    VM_HUGEPAGE,
    VM_NOHUGEPAGE,
    VM_SOFTDIRTY,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    Folio,
    Mm,
    Vma,
    add_mm_counter,
    folio_mapcount,
    is_device_private_pte,
    is_huge_zero_pmd,
    is_migration_pte,
    pmd_present,
    pte_kind,
    pte_mkuffd_wp,
    userfaultfd_pte_wp,
)
from simulator.mm.page_ref import add_entire_mapcount, folio_get, folio_put
from simulator.mm.pgtable import (
    folio_mk_pmd,
    maybe_mkwrite,
    pfn_to_page,
    pgtable_trans_huge_deposit,
    pgtable_trans_huge_withdraw,
    pmd_none,
    pmdp_huge_get_and_clear,
    pmdp_invalidate_ad,
    pmdp_set_wrprotect,
    pmdp_zap,
    pte_free,
    pte_mkdirty,
    set_pmd_at,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import (
    pmd_lock,
    pmd_trans_huge_lock,
    pmd_unlock,
    pmdp_huge_clear_flush,
    pte_alloc_one,
)
from simulator.mm.split_huge_pmd import haddr_of, split_huge_pmd, thp_vma_suitable
from simulator.mm.vm_fault import (
    FAULT_FLAG_UNSHARE,
    FAULT_FLAG_VMA_LOCK,
    FAULT_FLAG_WRITE,
    VM_FAULT_FALLBACK,
    VM_FAULT_OOM,
    VM_FAULT_RETRY,
    VmFault,
    vmf_anon_prepare,
)
from simulator.objects import OBJ_NONE, pmd_obj
from simulator.scenario import THP_ALWAYS, THP_NEVER
from simulator.sched.lock import (
    folio_trylock,
    mutex_lock,
    mutex_unlock,
    spin_lock,
    spin_unlock,
    wait_queued,
)
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.mm.mmu_gather import MmuGather
    from simulator.state import Kernel

# Who asks thp_vma_allowable_order() (enum tva_type).
TVA_PAGEFAULT: Final = 0
TVA_KHUGEPAGED: Final = 1
TVA_FORCED_COLLAPSE: Final = 2  # MADV_COLLAPSE


# --- may there be a huge page? -----------------------------------------------------------------


def thp_vma_allowable(k: "Kernel", vma: Vma, tva: i64) -> bool:
    """thp_vma_allowable_order() for huge pages of anonymous memory: what the VMA's flags and the
    machine's configuration say. Huge pages of memory files are made on request alone."""
    inode = vma.inode
    if vma.flags & VM_NOHUGEPAGE:
        return False
    if inode is not None:
        aligned = (vma.start - vma.pgoff) & (k.ptrs_per_pte - 1) == 0
        fits = aligned and thp_vma_suitable(k, vma, vma.end - k.ptrs_per_pte)
        return tva == TVA_FORCED_COLLAPSE and fits and not inode.opaque
    if tva != TVA_PAGEFAULT and not thp_vma_suitable(k, vma, vma.end - k.ptrs_per_pte):
        return False
    if tva != TVA_FORCED_COLLAPSE:
        if k.thp == THP_NEVER or (k.thp != THP_ALWAYS and not vma.flags & VM_HUGEPAGE):
            return False
    return tva == TVA_PAGEFAULT or vma.anon_vma is not None


# --- faults ------------------------------------------------------------------------------------


def handle_huge_fault(k: "Kernel", vmf: VmFault) -> i64:
    """The part of __handle_mm_fault() about huge pages. VM_FAULT_FALLBACK: not a case of theirs."""
    mm = vmf.mm
    i = vmf.va >> k.pmd_order
    k.step(sites.HANDLE_MM_FAULT__PMD, pmd_obj(mm.id, i), READ)
    if pmd_none(k, mm, vmf.va):
        if not thp_vma_allowable(k, vmf.vma, TVA_PAGEFAULT):
            return VM_FAULT_FALLBACK
        return do_huge_pmd_anonymous_page(k, vmf)
    k.step(sites.HANDLE_MM_FAULT__ORIG_PMD, pmd_obj(mm.id, i), READ)
    orig = mm.pmd[i]
    vmf.orig_pmd = orig
    if orig == 0:
        return VM_FAULT_FALLBACK
    if not pmd_present(orig):
        if is_device_private_pte(orig):
            return do_huge_pmd_device_private(k, vmf)
        pmd_migration_entry_wait(k, mm, vmf.va)
        return 0
    if vmf.flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE) and not orig & PTE_WRITE:
        if vmf.vma.inode is not None:  # wp_huge_pmd()
            split_huge_pmd(k, vmf.vma, vmf.va)
            return VM_FAULT_FALLBACK
        if not vmf.flags & FAULT_FLAG_UNSHARE and userfaultfd_pte_wp(vmf.vma, orig):
            return wp_huge_pmd_uffd(k, vmf)
        return do_huge_pmd_wp_page(k, vmf)
    pmd_lock(k, sites.HUGE_PMD_SET_ACCESSED__LOCK, mm)
    if mm.pmd[i] == orig and vmf.flags & FAULT_FLAG_WRITE:
        touch_pmd(k, mm, haddr_of(k, vmf.va))
    pmd_unlock(k, mm)
    return 0


def wp_huge_pmd_uffd(k: "Kernel", vmf: VmFault) -> i64:
    """wp_huge_pmd() of an entry that userfaultfd has write-protected: user space is told, or
    (async) small entries remember which of the pages have been written to."""
    ctx = vmf.vma.uffd
    if ctx is not None and ctx.features & ops.UFFD_WP_ASYNC:
        split_huge_pmd(k, vmf.vma, vmf.va)
        return VM_FAULT_FALLBACK
    return userfaultfd.handle_userfault(k, vmf, VM_UFFD_WP)


def touch_pmd(k: "Kernel", mm: Mm, start: i64) -> None:
    """Young and dirty, for a write; x86 writes the entry for nothing else."""
    k.step(sites.TOUCH_PMD__SET, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    set_pmd_at(k, mm, start, pte_mkdirty(mm.pmd[start >> k.pmd_order]) | PTE_YOUNG)


def pmd_migration_entry_wait(k: "Kernel", mm: Mm, va: i64) -> None:
    """A fault met a huge page under migration: sleep until its folio is unlocked."""
    i = va >> k.pmd_order
    pmd_lock(k, sites.PMD_MIGRATION_ENTRY_WAIT__LOCK, mm)
    pmd = mm.pmd[i]
    if not is_migration_pte(pmd):
        pmd_unlock(k, mm)
        return
    k.sometimes(features.Z_MIGRATE_ENTRY_WAIT)
    lock = pfn_to_page(k, pmd >> PFN_SHIFT).folio.lock
    holder = lock.owner
    if holder >= 0:
        lock.waiters |= 1 << k.cur.id
    pmd_unlock(k, mm)
    if holder >= 0:
        wait_queued(k, lock, holder)


def do_huge_pmd_device_private(k: "Kernel", vmf: VmFault) -> i64:
    """A CPU touches a huge page that lives on the device: the driver brings it back."""
    mm = vmf.mm
    if vmf.flags & FAULT_FLAG_VMA_LOCK:
        mmap_lock.vma_end_read(k, vmf.vma)
        return VM_FAULT_RETRY
    pmd_lock(k, sites.DO_HUGE_PMD_DEVICE_PRIVATE__LOCK, mm)
    if mm.pmd[vmf.va >> k.pmd_order] != vmf.orig_pmd:
        pmd_unlock(k, mm)
        return 0
    page = pfn_to_page(k, vmf.orig_pmd >> PFN_SHIFT)
    folio = page.folio
    vmf.page = page
    if not folio_trylock(k, sites.DO_HUGE_PMD_DEVICE_PRIVATE__TRYLOCK, folio.lock):
        pmd_unlock(k, mm)
        return 0
    folio_get(k, folio, REF_TEMP)
    pmd_unlock(k, mm)
    pgmap = folio.pgmap
    assert pgmap is not None
    ret = pgmap.migrate_to_ram(k, vmf, page)
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return ret


def do_huge_pmd_anonymous_page(k: "Kernel", vmf: VmFault) -> i64:
    """The first touch of pages that one PMD entry can map."""
    vma = vmf.vma
    mm = vmf.mm
    if not thp_vma_suitable(k, vma, vmf.va):
        return VM_FAULT_FALLBACK
    ret = vmf_anon_prepare(k, vmf)
    if ret:
        return ret
    if not vmf.flags & FAULT_FLAG_WRITE:
        return map_huge_zero_folio(k, vmf)
    start = haddr_of(k, vmf.va)
    folio = vma_alloc_anon_folio_pmd(k, sites.DO_HUGE_PMD_ANONYMOUS_PAGE__ALLOC)
    if folio is None:
        return VM_FAULT_FALLBACK
    table = pte_alloc_one(k)
    if table is None:
        folio_put(k, folio, REF_OWNER)
        return VM_FAULT_OOM
    pmd_lock(k, sites.DO_HUGE_PMD_ANONYMOUS_PAGE__LOCK, mm)
    if not pmd_none(k, mm, start):
        k.sometimes(features.Z_THP_RACED)
        pmd_unlock(k, mm)
        pte_free(k, table)
        folio_put(k, folio, REF_OWNER)
        return 0
    if vma.flags & VM_UFFD_MISSING:
        pmd_unlock(k, mm)
        folio_put(k, folio, REF_OWNER)
        pte_free(k, table)
        return userfaultfd.handle_userfault(k, vmf, VM_UFFD_MISSING)
    pgtable_trans_huge_deposit(k, mm, start, table)
    map_anon_folio_pmd(k, folio, vma, start)
    k.watch.hole_filled(k, mm, start)
    pmd_unlock(k, mm)
    k.sometimes(features.Z_THP_FAULT)
    return 0


def vma_alloc_anon_folio_pmd(k: "Kernel", site: i64) -> Folio | None:
    """Memory for a huge page, of zeroes."""
    folio = page_alloc.folio_alloc_order(k, site, k.pmd_order, True)
    if folio is not None:
        folio.flags |= PG_UPTODATE
    return folio


def map_anon_folio_pmd(k: "Kernel", folio: Folio, vma: Vma, start: i64) -> None:
    """map_anon_folio_pmd_pf(): the first mapping of a new folio; the PMD lock is held."""
    mm = vma.mm
    assert mm is not None
    map_anon_folio_pmd_nopf(k, folio, vma, start)
    for i in range(k.ptrs_per_pte):
        k.watch.zeroes_installed(k, mm, start + i, pfn_to_page(k, folio.pfn + i))
    add_mm_counter(mm, MM_ANONPAGES, k.ptrs_per_pte)


def map_anon_folio_pmd_nopf(k: "Kernel", folio: Folio, vma: Vma, start: i64) -> None:
    """Map a new huge page, of which RSS counts all pages already."""
    mm = vma.mm
    assert mm is not None
    entry = maybe_mkwrite(pte_mkdirty(folio_mk_pmd(folio.page, vm_page_prot(vma))), vma)
    rmap.folio_add_new_anon_rmap_pmd(k, folio, vma, start)
    swap.folio_add_lru(k, folio)
    k.step(sites.MAP_ANON_FOLIO_PMD__SET_PMD, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    set_pmd_at(k, mm, start, entry | PTE_YOUNG)
    deferred_split.deferred_split_folio(k, folio, False)


def map_huge_zero_folio(k: "Kernel", vmf: VmFault) -> i64:
    """A first touch that only reads: zeroes, which all share."""
    mm = vmf.mm
    start = haddr_of(k, vmf.va)
    table = pte_alloc_one(k)
    if table is None:
        return VM_FAULT_OOM
    if k.should_fail(sites.MM_GET_HUGE_ZERO_FOLIO__ALLOC, OBJ_NONE):
        pte_free(k, table)
        return VM_FAULT_FALLBACK
    pmd_lock(k, sites.DO_HUGE_PMD_ANONYMOUS_PAGE__LOCK_ZERO, mm)
    if pmd_none(k, mm, start):
        if vmf.vma.flags & VM_UFFD_MISSING:
            pmd_unlock(k, mm)
            pte_free(k, table)
            return userfaultfd.handle_userfault(k, vmf, VM_UFFD_MISSING)
        pgtable_trans_huge_deposit(k, mm, start, table)
        k.step(sites.SET_HUGE_ZERO_FOLIO__SET_PMD, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
        set_pmd_at(k, mm, start, vm_page_prot(vmf.vma) | PTE_HUGE | PTE_SPECIAL | PTE_YOUNG)
        k.watch.hole_filled(k, mm, start)
        pmd_unlock(k, mm)
        k.sometimes(features.Z_HUGE_ZERO)
    else:
        pmd_unlock(k, mm)
        pte_free(k, table)
    return 0


# --- write faults ------------------------------------------------------------------------------


def do_huge_zero_wp_pmd(k: "Kernel", vmf: VmFault) -> i64:
    """A store to the huge zero page: this mm gets a page of its own, if there is memory."""
    mm = vmf.mm
    start = haddr_of(k, vmf.va)
    folio = vma_alloc_anon_folio_pmd(k, sites.DO_HUGE_ZERO_WP_PMD__ALLOC)
    if folio is None:
        return VM_FAULT_FALLBACK
    end = start + k.ptrs_per_pte
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, start, end, event)
    pmd_lock(k, sites.DO_HUGE_ZERO_WP_PMD__LOCK, mm)
    same = mm.pmd[start >> k.pmd_order] == vmf.orig_pmd
    if same:
        k.step(sites.DO_HUGE_ZERO_WP_PMD__CLEAR_FLUSH, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
        pmdp_huge_clear_flush(k, mm, start)
        map_anon_folio_pmd(k, folio, vmf.vma, start)
    pmd_unlock(k, mm)
    if not same:
        folio_put(k, folio, REF_OWNER)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)
    return 0


def do_huge_pmd_wp_page(k: "Kernel", vmf: VmFault) -> i64:
    """A write (or unshare) fault on a huge page that may not be written: it becomes this mm's own
    if nobody else has it; else small pages will be copied one by one."""
    vma = vmf.vma
    mm = vmf.mm
    orig = vmf.orig_pmd
    i = vmf.va >> k.pmd_order
    if is_huge_zero_pmd(orig):
        ret: i64 = VM_FAULT_FALLBACK
        if not orig & PTE_UFFD_WP or k.bug.huge_zero_unshare_loses_uffd_wp:
            ret = do_huge_zero_wp_pmd(k, vmf)
        if ret & VM_FAULT_FALLBACK:
            split_huge_pmd(k, vma, vmf.va)
        return ret
    pmd_lock(k, sites.DO_HUGE_PMD_WP_PAGE__LOCK, mm)
    if mm.pmd[i] != orig:
        pmd_unlock(k, mm)
        return 0
    page = pfn_to_page(k, orig >> PFN_SHIFT)
    folio = page.folio
    if page.flags & PG_ANON_EXCLUSIVE:
        reuse_huge_pmd(k, vmf)
        return 0
    if not folio_trylock(k, sites.DO_HUGE_PMD_WP_PAGE__TRYLOCK, folio.lock):
        folio_get(k, folio, REF_TEMP)
        pmd_unlock(k, mm)
        mutex_lock(k, sites.DO_HUGE_PMD_WP_PAGE__FOLIO_LOCK, folio.lock)
        spin_lock(k, sites.DO_HUGE_PMD_WP_PAGE__RELOCK, mm.page_table_lock)
        if mm.pmd[i] != orig:
            pmd_unlock(k, mm)
            mutex_unlock(k, folio.lock)
            folio_put(k, folio, REF_TEMP)
            return 0
        folio_put(k, folio, REF_TEMP)
    if page.flags & PG_ANON_EXCLUSIVE:
        mutex_unlock(k, folio.lock)
        reuse_huge_pmd(k, vmf)
        return 0
    k.step(sites.DO_HUGE_PMD_WP_PAGE__REFS, folio.obj, READ)
    users = folio_mapcount(folio) if k.bug.thp_mapcount_nonatomic_split else folio.ref
    if users == 1:
        rmap.folio_move_anon_rmap(folio, vma)
        page.flags |= PG_ANON_EXCLUSIVE
        mutex_unlock(k, folio.lock)
        reuse_huge_pmd(k, vmf)
        return 0
    mutex_unlock(k, folio.lock)
    pmd_unlock(k, mm)
    k.sometimes(features.Z_HUGE_WP_SPLIT)
    split_huge_pmd(k, vma, vmf.va)
    return VM_FAULT_FALLBACK


def reuse_huge_pmd(k: "Kernel", vmf: VmFault) -> None:
    """Make the entry writable in place, unless unsharing was asked for; drop the lock."""
    mm = vmf.mm
    if not vmf.flags & FAULT_FLAG_UNSHARE:
        start = haddr_of(k, vmf.va)
        k.sometimes(features.Z_HUGE_WP_REUSE)
        k.step(sites.DO_HUGE_PMD_WP_PAGE__SET_PMD, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
        entry = pte_mkdirty(vmf.orig_pmd) | PTE_YOUNG
        set_pmd_at(k, mm, start, maybe_mkwrite(entry, vmf.vma))
    pmd_unlock(k, mm)


# --- fork() ------------------------------------------------------------------------------------


def copy_huge_pmd(k: "Kernel", dst: Vma, src: Vma, mm: Mm, child: Mm, start: i64) -> i64:
    """Share a huge page with the child: 0, -ENOMEM, or -EAGAIN when there is a page table by now,
    for the page may be pinned."""
    if dst.inode is not None:
        return 0
    table = pte_alloc_one(k)
    if table is None:
        return -ENOMEM
    i = start >> k.pmd_order
    spin_lock(k, sites.COPY_HUGE_PMD__LOCK_CHILD, child.page_table_lock)
    spin_lock(k, sites.COPY_HUGE_PMD__LOCK_PARENT, mm.page_table_lock)
    pmd = mm.pmd[i]
    if pmd == 0:
        spin_unlock(k, mm.page_table_lock)
        spin_unlock(k, child.page_table_lock)
        pte_free(k, table)
        return -EAGAIN
    if not pmd_present(pmd):
        pmd = copy_huge_non_present_pmd(k, mm, child, start, pmd)
        add_mm_counter(child, MM_ANONPAGES, k.ptrs_per_pte)
        pgtable_trans_huge_deposit(k, child, start, table)
        share(k, mm, child, start, pmd)
        return 0
    if not is_huge_zero_pmd(pmd):
        folio = pfn_to_page(k, pmd >> PFN_SHIFT).folio
        k.step(sites.COPY_HUGE_PMD__DUP_RMAP, pmd_obj(mm.id, i), WRITE)
        folio_get(k, folio, REF_MAP)
        if not rmap.folio_try_dup_anon_rmap_pmd(k, folio, src, child):
            folio_put(k, folio, REF_MAP)
            pte_free(k, table)
            spin_unlock(k, mm.page_table_lock)
            spin_unlock(k, child.page_table_lock)
            k.sometimes(features.Z_HUGE_FORK_PINNED)
            split_huge_pmd(k, src, start)
            return -EAGAIN
        add_mm_counter(child, MM_ANONPAGES, k.ptrs_per_pte)
        k.sometimes(features.Z_HUGE_FORK)
    pgtable_trans_huge_deposit(k, child, start, table)
    k.step(sites.COPY_HUGE_PMD__WRPROTECT, pmd_obj(mm.id, i), WRITE)
    pmdp_set_wrprotect(k, mm, start)
    if not k.bug.uffd_wp_fork_special_cases:
        pmd &= ~PTE_UFFD_WP  # the child has no userfaultfd
    share(k, mm, child, start, pmd & ~(PTE_WRITE | PTE_YOUNG))
    return 0


def share(k: "Kernel", mm: Mm, child: Mm, start: i64, pmd: i64) -> None:
    """Give the child its entry, and drop both locks."""
    for va in range(start, start + k.ptrs_per_pte):
        k.watch.page_shared(k, mm, child, va)
    k.step(sites.COPY_HUGE_PMD__SET_PMD, pmd_obj(child.id, start >> k.pmd_order), WRITE)
    set_pmd_at(k, child, start, pmd)
    pmd_unlock(k, mm)
    spin_unlock(k, child.page_table_lock)


def copy_huge_non_present_pmd(k: "Kernel", mm: Mm, child: Mm, start: i64, pmd: i64) -> i64:
    """What the child gets of an entry of migration or of device memory; the parent's loses its
    right to write."""
    kind = pte_kind(pmd)
    if kind == SWP_MIGRATION_WRITE or kind == SWP_MIGRATION_READ_EXCLUSIVE:
        pmd = set_kind(pmd, SWP_MIGRATION_READ)
        set_pmd_at(k, mm, start, pmd)
    elif is_device_private_pte(pmd):
        if kind == SWP_DEVICE_WRITE:
            pmd = set_kind(pmd, SWP_DEVICE_READ)
            set_pmd_at(k, mm, start, pmd)
        folio = pfn_to_page(k, pmd >> PFN_SHIFT).folio
        folio_get(k, folio, REF_MAP)
        folio.page.flags &= ~PG_ANON_EXCLUSIVE
        add_entire_mapcount(k, folio, 1, child)
    return pmd if k.bug.uffd_wp_fork_special_cases else pmd & ~PTE_UFFD_WP


def set_kind(pmd: i64, kind: i64) -> i64:
    return pmd & ~PTE_SWP_MASK | kind << PTE_SWP_SHIFT


# --- zap ---------------------------------------------------------------------------------------


def zap_huge_pmd(k: "Kernel", tlb: "MmuGather", start: i64) -> bool:
    """Take away what the huge entry maps; False: it is none any more."""
    mm = tlb.mm
    if not pmd_trans_huge_lock(k, sites.ZAP_HUGE_PMD__LOCK, mm, start):
        return False
    k.step(sites.ZAP_HUGE_PMD__CLEAR, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    pmd = pmdp_zap(k, mm, start)
    if k.tracing:
        k.note("flush deferred")
    for va in range(start, start + k.ptrs_per_pte):
        k.watch.data_dropped(k, mm, va)
    mmu_gather.tlb_remove_pmd_tlb_entry(k, tlb, start)
    folio: Folio | None = None
    present = pmd_present(pmd)
    if not is_huge_zero_pmd(pmd):
        folio = pfn_to_page(k, pmd >> PFN_SHIFT).folio
        device = folio.flags & PG_DEVICE_PRIVATE != 0
        if present or (device and not is_migration_pte(pmd)):
            k.step(sites.ZAP_HUGE_PMD__REMOVE_RMAP, folio.obj, WRITE)
            rmap.folio_remove_rmap_pmd(k, folio, mm)
        member = MM_ANONPAGES if folio.inode is None else MM_FILEPAGES
        add_mm_counter(mm, member, -k.ptrs_per_pte)
        if device and not is_migration_pte(pmd):
            folio_put(k, folio, REF_MAP)
    if folio is None or folio.inode is None:  # zap_deposited_table()
        pte_free(k, pgtable_trans_huge_withdraw(k, mm, start))
    pmd_unlock(k, mm)
    if present and folio is not None:
        if mmu_gather.tlb_remove_page(k, tlb, folio.page, False):
            mmu_gather.tlb_flush_mmu(k, tlb)
    return True


# --- mremap() ----------------------------------------------------------------------------------


def move_huge_pmd(k: "Kernel", mm: Mm, old: i64, new: i64, uffd: bool) -> bool:
    """Move a huge entry; False: it cannot be, or is none. `uffd`: the VMA has a userfaultfd."""
    if not pmd_none(k, mm, new):
        return False
    if not pmd_trans_huge_lock(k, sites.MOVE_HUGE_PMD__LOCK, mm, old):
        return False
    k.step(sites.MOVE_HUGE_PMD__CLEAR, pmd_obj(mm.id, old >> k.pmd_order), WRITE)
    pmd = pmdp_huge_get_and_clear(k, mm, old)
    if mm.deposit[old >> k.pmd_order] is not None:
        pgtable_trans_huge_deposit(k, mm, new, pgtable_trans_huge_withdraw(k, mm, old))
    k.step(sites.MOVE_HUGE_PMD__SET, pmd_obj(mm.id, new >> k.pmd_order), WRITE)
    if uffd:  # and none where it goes
        pmd &= ~PTE_UFFD_WP
    set_pmd_at(k, mm, new, pmd | PTE_SOFT_DIRTY)
    for i in range(k.ptrs_per_pte):
        k.watch.entry_moved(k, mm, old + i, new + i)
    if pmd_present(pmd):
        tlb_module.flush_tlb_range(k, mm, old, old + k.ptrs_per_pte)
    k.sometimes(features.Z_HUGE_MOVED)
    pmd_unlock(k, mm)
    return True


# --- mprotect() --------------------------------------------------------------------------------


def can_change_pmd_writable(k: "Kernel", vma: Vma, pmd: i64) -> bool:
    """Whether a write fault would do nothing but set the write bit."""
    if pmd & PTE_PROTNONE or is_huge_zero_pmd(pmd):
        return False
    if not vma.flags & VM_SOFTDIRTY and not pmd & PTE_SOFT_DIRTY:
        return False
    if userfaultfd_pte_wp(vma, pmd):
        return False
    page = pfn_to_page(k, pmd >> PFN_SHIFT)
    return page.folio.anon_vma is not None and page.flags & PG_ANON_EXCLUSIVE != 0


def change_huge_pmd(k: "Kernel", tlb: "MmuGather", vma: Vma, start: i64, cp_flags: i64) -> bool:
    """Give a huge entry the protection of its VMA, and do with it what userfaultfd asks for; False:
    it is none any more."""
    try_writable = cp_flags & MM_CP_TRY_CHANGE_WRITABLE != 0
    mm = tlb.mm
    if not pmd_trans_huge_lock(k, sites.CHANGE_HUGE_PMD__LOCK, mm, start):
        return False
    i = start >> k.pmd_order
    if not pmd_present(mm.pmd[i]):
        change_non_present_huge_pmd(k, mm, start, cp_flags)
        pmd_unlock(k, mm)
        return True
    k.step(sites.CHANGE_HUGE_PMD__INVALIDATE, pmd_obj(mm.id, i), WRITE)
    old = pmdp_invalidate_ad(k, mm, start)
    bits = PTE_PRESENT | PTE_PROTNONE | PTE_WRITE
    new = (old & ~bits) | vm_page_prot(vma)
    if k.bug.pmd_modify_drops_dirty:
        new &= ~PTE_DIRTY
    if cp_flags & MM_CP_UFFD_WP:
        new = pte_mkuffd_wp(new)
    elif cp_flags & MM_CP_UFFD_WP_RESOLVE:
        new &= ~PTE_UFFD_WP
    if try_writable and not new & PTE_WRITE and can_change_pmd_writable(k, vma, new):
        new |= PTE_WRITE
    k.step(sites.CHANGE_HUGE_PMD__SET, pmd_obj(mm.id, i), WRITE)
    set_pmd_at(k, mm, start, new)
    if cp_flags & MM_CP_UFFD_WP_RESOLVE:  # another call may have protected it meanwhile
        k.watch.uffd_unprotecting(k, mm, start, start + (1 << k.pmd_order))
    if old & PTE_PRESENT and (old ^ new) & bits:
        mmu_gather.tlb_flush_pmd_range(k, tlb, start)
    pmd_unlock(k, mm)
    return True


def change_non_present_huge_pmd(k: "Kernel", mm: Mm, start: i64, cp_flags: i64) -> None:
    """Entries of migration and device memory lose the right to write."""
    pmd = mm.pmd[start >> k.pmd_order]
    kind = pte_kind(pmd)
    new = pmd
    if kind == SWP_MIGRATION_WRITE:
        new = set_kind(pmd, SWP_MIGRATION_READ_EXCLUSIVE)
    elif kind == SWP_DEVICE_WRITE:
        new = set_kind(pmd, SWP_DEVICE_READ)
        if k.bug.device_private_loses_soft_dirty:
            new &= ~PTE_SOFT_DIRTY
    if cp_flags & MM_CP_UFFD_WP:
        new |= PTE_UFFD_WP
    elif cp_flags & MM_CP_UFFD_WP_RESOLVE:
        new &= ~PTE_UFFD_WP
    if new != pmd:
        k.step(sites.CHANGE_HUGE_PMD__SET, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
        set_pmd_at(k, mm, start, new)
