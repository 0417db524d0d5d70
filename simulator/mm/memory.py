# SPDX-License-Identifier: MIT
"""mm/memory.c (7.2): the page fault handler.

The rest of memory.c is in copy_page_range.py (fork()) and zap.py (what takes mappings away).
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.mm import (
    anon_folio,
    device_exclusive,
    filemap,
    huge_memory,
    migrate,
    mmap_lock,
    mmu_notifier,
    page_alloc,
    rmap,
    set_pmd,
    shmem,
    swap,
    swapfile,
    swapin,
    tlb,
    userfaultfd,
    vmscan,
)
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_DIRTY,
    PG_LRU,
    PG_SWAPCACHE,
    PG_UPTODATE,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_UFFD_WP,
    PTE_WRITE,
    PTE_YOUNG,
    REF_MAP,
    REF_OWNER,
    REF_TEMP,
    SWP_DEVICE_EXCLUSIVE,
    SWP_DEVICE_READ,
    SWP_DEVICE_WRITE,
    SWP_MARKER_GUARD,
    SWP_MARKER_POISON,
    SWP_MARKER_UFFD_WP,
    SWP_SWAP,
    VM_DROPPABLE,
    VM_MAYSHARE,
    VM_SHARED,
    VM_UFFD_FLAGS,
    VM_UFFD_MINOR,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    VM_WRITE,
    Folio,
    Mm,
    Page,
    PageTable,
    Vma,
    add_mm_counter,
    folio_mapcount,
    mm_counter,
    pte_kind,
    pte_mkuffd_wp,
    pte_present,
)
from simulator.mm.page_ref import folio_get, folio_put
from simulator.mm.pgtable import (
    maybe_mkwrite,
    mk_pte,
    pfn_to_page,
    pmd_none,
    pte_free,
    pte_mkdirty,
    ptep_get,
    set_pte_at,
    vm_normal_page,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import (
    pte_alloc,
    pte_alloc_one,
    pte_offset_map,
    pte_offset_map_lock,
    pte_unmap,
    pte_unmap_unlock,
    ptep_clear_flush,
)
from simulator.mm.vm_fault import (
    FAULT_FLAG_UNSHARE,
    FAULT_FLAG_VMA_LOCK,
    FAULT_FLAG_WRITE,
    VM_FAULT_FALLBACK,
    VM_FAULT_HWPOISON,
    VM_FAULT_NOPAGE,
    VM_FAULT_OOM,
    VM_FAULT_RETRY,
    VM_FAULT_SIGBUS,
    VM_FAULT_SIGSEGV,
    VmFault,
    install_prealloc_pte,
    set_pte_range,
    vmf_anon_prepare,
)
from simulator.objects import pmd_obj, pte_obj
from simulator.sched.lock import folio_trylock, mutex_lock, mutex_unlock, spin_lock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


# --- page faults -----------------------------------------------------------------------------


def handle_mm_fault(k: "Kernel", vma: Vma, mm: Mm, va: i64, flags: i64) -> i64:
    """Resolve one fault in `vma`, under the lock that `flags` names. VM_FAULT_* bits; with
    VM_FAULT_RETRY the lock has been dropped."""
    k.watch.fault_resolving(k, vma, mm, va)
    droppable = vma.flags & VM_DROPPABLE != 0
    vmf = VmFault(vma, mm, va, flags)
    ret: i64 = VM_FAULT_FALLBACK
    if k.thp or mm.pmd[va >> k.pmd_order]:
        ret = huge_memory.handle_huge_fault(k, vmf)
    if ret & VM_FAULT_FALLBACK:
        ret = handle_pte_fault(k, vmf)
    pages: i64 = 1
    if droppable and mm.pmd[va >> k.pmd_order]:
        pages = k.ptrs_per_pte
    if droppable and memory_is_left(k, pages):
        ret &= ~VM_FAULT_OOM
    return ret


def memory_is_left(k: "Kernel", pages: i64) -> bool:
    """Whether an access that tries again may find so many frames. Linux lets it try for ever in
    droppable mappings; here nobody reclaims, and nothing would ever change."""
    return k.nr_frames - k.frames.nr + len(k.frames.free) >= pages


def handle_pte_fault(k: "Kernel", vmf: VmFault) -> i64:
    mm = vmf.mm
    va = vmf.va
    k.step(sites.HANDLE_PTE_FAULT__READ_PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
    vmf.orig_pte = 0
    if pmd_none(k, mm, va):
        return do_pte_missing(k, vmf)
    table = pte_offset_map(k, mm, va)
    if table is None:
        return 0
    k.step(sites.HANDLE_PTE_FAULT__READ_PTE, pte_obj(mm.id, va), READ)
    k.watch.table_read(k, table)
    entry = ptep_get(k, table, va)
    vmf.orig_pte = entry
    if entry == 0 or not pte_present(entry):
        pte_unmap(k)
        return do_swap_page(k, vmf) if entry else do_pte_missing(k, vmf)
    # The table may have been unlinked by now. Then it is empty, and its entry is not the same.
    spin_lock(k, sites.HANDLE_PTE_FAULT__LOCK, table.ptl)
    if not same_pte(ptep_get(k, table, va), entry):
        k.sometimes(features.Z_FAULT_RACED_ZAP)
        pte_unmap_unlock(k, table)
        return 0
    vmf.table = table
    if vmf.flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE):
        if not entry & PTE_WRITE:
            return do_wp_page(k, vmf)
        if vmf.flags & FAULT_FLAG_WRITE:
            # ptep_set_access_flags(): x86 writes the entry for a write fault only.
            k.step(sites.PTEP_SET_ACCESS_FLAGS__SET, pte_obj(mm.id, va), WRITE)
            set_pte_at(k, mm, table, va, pte_mkdirty(entry) | PTE_YOUNG)
    pte_unmap_unlock(k, table)
    return 0


def same_pte(a: i64, b: i64) -> bool:
    """pte_same(). The kernel compares all bits, hardware's accessed and dirty included."""
    return a == b


def do_pte_missing(k: "Kernel", vmf: VmFault) -> i64:
    vma = vmf.vma
    inode = vma.inode
    if inode is None or (inode.opaque and k.bug.anon_page_in_file_mapping):
        return do_anonymous_page(k, vmf)
    return do_fault(k, vmf)


def do_anonymous_page(k: "Kernel", vmf: VmFault) -> i64:
    vma = vmf.vma
    mm = vmf.mm
    va = vmf.va
    if vma.flags & VM_SHARED and not k.bug.anon_page_in_file_mapping:
        return VM_FAULT_SIGBUS
    if not pte_alloc(k, mm, va):
        return VM_FAULT_OOM
    if not vmf.flags & FAULT_FLAG_WRITE:
        table = pte_offset_map_lock(k, sites.DO_ANONYMOUS_PAGE__LOCK_ZERO, mm, va)
        if table is None:
            return 0
        if ptep_get(k, table, va) == vmf.orig_pte:
            if vma.flags & VM_UFFD_MISSING:
                pte_unmap_unlock(k, table)
                return userfaultfd.handle_userfault(k, vmf, VM_UFFD_MISSING)
            entry = vm_page_prot(vma) | PTE_SPECIAL | PTE_YOUNG
            if vmf.orig_pte:  # a marker, which says that it is write-protected
                entry = pte_mkuffd_wp(entry)
            k.step(sites.DO_ANONYMOUS_PAGE__SET_ZERO, pte_obj(mm.id, va), WRITE)
            set_pte_at(k, mm, table, va, entry)
            k.watch.hole_filled(k, mm, va)
        pte_unmap_unlock(k, table)
        return 0
    ret = vmf_anon_prepare(k, vmf)
    if ret:
        return ret
    if k.mthp:
        ret = anon_folio.do_anonymous_folio(k, vmf)
        if not ret & VM_FAULT_FALLBACK:
            return ret
    folio = page_alloc.folio_alloc(k, sites.DO_ANONYMOUS_PAGE__ALLOC, True)
    if folio is None and vmscan.try_to_free_pages(k):
        folio = page_alloc.folio_alloc(k, sites.DO_ANONYMOUS_PAGE__ALLOC, True)
    if folio is None:
        return VM_FAULT_OOM
    page = folio.page
    folio.flags |= PG_UPTODATE
    table = pte_offset_map_lock(k, sites.DO_ANONYMOUS_PAGE__LOCK, mm, va)
    if table is None:
        folio_put(k, folio, REF_OWNER)
        return 0
    if ptep_get(k, table, va) != vmf.orig_pte:
        k.sometimes(features.Z_FAULT_RACED_ZAP)
        pte_unmap_unlock(k, table)
        folio_put(k, folio, REF_OWNER)
        return 0
    if vma.flags & VM_UFFD_MISSING:
        pte_unmap_unlock(k, table)
        folio_put(k, folio, REF_OWNER)
        return userfaultfd.handle_userfault(k, vmf, VM_UFFD_MISSING)
    rmap.folio_add_new_anon_rmap(k, folio, vma, va)
    swap.folio_add_lru(k, folio)
    add_mm_counter(mm, MM_ANONPAGES, 1)
    entry = mk_pte(page, vm_page_prot(vma)) | PTE_YOUNG
    if vma.flags & VM_WRITE:
        entry = pte_mkdirty(entry) | PTE_WRITE
    if vmf.orig_pte:
        entry = pte_mkuffd_wp(entry)
    k.step(sites.DO_ANONYMOUS_PAGE__SET_PTE, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, entry)
    k.watch.hole_filled(k, mm, va)
    k.watch.zeroes_installed(k, mm, va, page)
    pte_unmap_unlock(k, table)
    return 0


def do_fault(k: "Kernel", vmf: VmFault) -> i64:
    """A fault in a mapping of a memory file."""
    vma = vmf.vma
    if not vmf.flags & FAULT_FLAG_WRITE:
        ret = do_read_fault(k, vmf)
    elif not vma.flags & VM_SHARED:
        ret = do_cow_fault(k, vmf)
    else:
        ret = do_shared_fault(k, vmf)
    if vmf.prealloc_pte is not None:
        pte_free(k, vmf.prealloc_pte)
        vmf.prealloc_pte = None
    return ret


def prealloc_pte(k: "Kernel", vmf: VmFault) -> bool:
    """Memory for a page table, if one is missing, is taken before the folio lock, under which
    reclaim could not get on. False: there is none."""
    mm = vmf.mm
    k.step(sites.DO_FAULT__PMD, pmd_obj(mm.id, vmf.va >> k.pmd_order), READ)
    if pmd_none(k, mm, vmf.va) and vmf.prealloc_pte is None:
        vmf.prealloc_pte = pte_alloc_one(k)
        return vmf.prealloc_pte is not None
    return True


def file_fault(k: "Kernel", vmf: VmFault) -> i64:
    """__do_fault(): the folio of the file in `vmf.page`, locked and with a reference; 0 or
    VM_FAULT_*."""
    if not prealloc_pte(k, vmf):
        return VM_FAULT_OOM
    return shmem.shmem_fault(k, vmf)


def do_read_fault(k: "Kernel", vmf: VmFault) -> i64:
    if not prealloc_pte(k, vmf):  # do_fault_around()
        return VM_FAULT_OOM
    if not vmf.vma.flags & (VM_UFFD_WP | VM_UFFD_MINOR):  # uffd_disable_fault_around()
        ret = filemap.filemap_map_pages(k, vmf)
        if ret:
            return ret
    ret = file_fault(k, vmf)
    if ret:
        return ret
    page = vmf.page
    assert page is not None
    folio = page.folio
    ret = finish_fault(k, vmf, page, False)
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return ret


def do_shared_fault(k: "Kernel", vmf: VmFault) -> i64:
    ret = file_fault(k, vmf)
    if ret:
        return ret
    page = vmf.page
    assert page is not None
    folio = page.folio
    ret = finish_fault(k, vmf, page, True)
    if not ret:
        folio.flags |= PG_DIRTY  # fault_dirty_shared_page()
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return ret


def do_cow_fault(k: "Kernel", vmf: VmFault) -> i64:
    """Write to a private mapping with no page yet: read the file's page and copy it."""
    vma = vmf.vma
    mm = vmf.mm
    va = vmf.va
    ret = vmf_anon_prepare(k, vmf)
    if ret:
        return ret
    folio = page_alloc.folio_alloc(k, sites.DO_COW_FAULT__ALLOC, False)
    if folio is None:
        return VM_FAULT_OOM
    copy = folio.page
    ret = file_fault(k, vmf)
    if ret:
        folio_put(k, folio, REF_OWNER)
        return ret
    page = vmf.page
    assert page is not None
    copy_words(k, sites.DO_COW_FAULT__COPY_WORD, copy, page)
    folio.flags |= PG_UPTODATE
    table: PageTable | None = None
    if install_prealloc_pte(k, vmf):
        table = pte_offset_map_lock(k, sites.DO_COW_FAULT__LOCK, mm, va)
    else:
        ret = VM_FAULT_OOM
    if table is not None and ptep_get(k, table, va) == vmf.orig_pte:
        rmap.folio_add_new_anon_rmap(k, folio, vma, va)
        swap.folio_add_lru(k, folio)
        add_mm_counter(mm, MM_ANONPAGES, 1)
        entry = maybe_mkwrite(pte_mkdirty(mk_pte(copy, vm_page_prot(vma)) | PTE_YOUNG), vma)
        if vmf.orig_pte:
            entry = pte_mkuffd_wp(entry)
        k.step(sites.DO_COW_FAULT__SET_PTE, pte_obj(mm.id, va), WRITE)
        set_pte_at(k, mm, table, va, entry)
        k.watch.copy_installed(k, mm, va, copy)
        pte_unmap_unlock(k, table)
    else:
        if table is not None:
            pte_unmap_unlock(k, table)
        folio_put(k, folio, REF_OWNER)
    mutex_unlock(k, page.folio.lock)
    folio_put(k, page.folio, REF_TEMP)
    return ret


def finish_fault(k: "Kernel", vmf: VmFault, page: Page, write: bool) -> i64:
    """Map a page cache page, unless somebody was faster (VM_FAULT_NOPAGE). Only now there must be
    a page table."""
    vma = vmf.vma
    mm = vmf.mm
    va = vmf.va
    folio = page.folio
    huge = folio.order != 0 and pmd_none(k, mm, va) and not set_pmd.wants_ptes(k, vmf)
    if huge and set_pmd.do_set_pmd(k, mm, vma, va, folio, write):
        return 0
    if not install_prealloc_pte(k, vmf):
        return VM_FAULT_OOM
    first = va
    nr: i64 = 1
    if folio.order and not vma.flags & VM_UFFD_FLAGS:
        first = va - (page.pfn - folio.pfn)
        nr = 1 << folio.order
        inside = vma.start <= first and first + nr <= vma.end
        if not inside or (first ^ (first + nr - 1)) >> k.pmd_order:
            first = va  # it goes beyond the VMA or the page table
            nr = 1
    table = pte_offset_map_lock(k, sites.FINISH_FAULT__LOCK, mm, va)
    if (
        table is not None
        and nr > 1
        and not all(ptep_get(k, table, first + i) == 0 for i in range(nr))
    ):
        pte_unmap_unlock(k, table)
        first = va
        nr = 1
        table = pte_offset_map_lock(k, sites.FINISH_FAULT__LOCK, mm, va)
    if table is None:
        return VM_FAULT_NOPAGE
    ret: i64 = VM_FAULT_NOPAGE
    if ptep_get(k, table, va) == vmf.orig_pte:
        protected = vmf.orig_pte != 0  # by a marker
        for each in range(first, first + nr):
            k.step(sites.FINISH_FAULT__SET_PTE, pte_obj(mm.id, each), WRITE)
            part = pfn_to_page(k, page.pfn + each - va)
            set_pte_range(k, mm, table, vma, each, part, write, protected)
        ret = 0
    pte_unmap_unlock(k, table)
    return ret


# --- write faults on present entries ---------------------------------------------------------


def do_wp_page(k: "Kernel", vmf: VmFault) -> i64:
    """A write (or unshare) fault on a write-protected page; the lock is held and dropped."""
    vma = vmf.vma
    table = vmf.table
    assert table is not None
    unshare = vmf.flags & FAULT_FLAG_UNSHARE != 0
    if vma.flags & VM_UFFD_WP and not unshare:
        if vmf.orig_pte & PTE_UFFD_WP:
            if not uffd_wp_async(vma):
                pte_unmap_unlock(k, table)
                return userfaultfd.handle_userfault(k, vmf, VM_UFFD_WP)
            k.step(sites.DO_WP_PAGE__CLEAR_UFFD_WP, pte_obj(vmf.mm.id, vmf.va), WRITE)
            k.sometimes(features.Z_UFFD_WP_ASYNC)
            k.watch.uffd_unprotecting(k, vmf.mm, vmf.va, vmf.va + 1)
            vmf.orig_pte = ptep_get(k, table, vmf.va) & ~PTE_UFFD_WP
            set_pte_at(k, vmf.mm, table, vmf.va, vmf.orig_pte)
        # The flush of a protection may be put off: no CPU may store while the page is copied.
        if vmf.mm.tlb_flush_pending:
            k.sometimes(features.Z_UFFD_WP_COW_FLUSHED)
            tlb.flush_tlb_page(k, vmf.mm, vmf.va)
    page = vm_normal_page(k, vmf.orig_pte)
    vmf.page = page
    if vma.flags & (VM_SHARED | VM_MAYSHARE):
        wp_page_shared(k, vmf, table, page)
        return 0
    if page is not None and page.folio.anon_vma is not None and may_reuse(k, page, vma):
        page.flags |= PG_ANON_EXCLUSIVE
        if unshare:
            pte_unmap_unlock(k, table)
            return 0
        k.sometimes(features.Z_WP_REUSE)
        wp_page_reuse(k, vmf, table)
        return 0
    if page is not None:
        folio_get(k, page.folio, REF_TEMP)
    pte_unmap_unlock(k, table)
    return wp_page_copy(k, vmf, unshare)


def wp_page_shared(k: "Kernel", vmf: VmFault, table: PageTable, page: Page | None) -> None:
    """Make the entry of a memory file writable, drop the lock, and mark the folio dirty under its
    own lock (fault_dirty_shared_page())."""
    if page is None:
        wp_page_reuse(k, vmf, table)
        return
    folio = page.folio
    folio_get(k, folio, REF_TEMP)
    wp_page_reuse(k, vmf, table)
    mutex_lock(k, sites.WP_PAGE_SHARED__LOCK, folio.lock)
    folio.flags |= PG_DIRTY
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)


def may_reuse(k: "Kernel", page: Page, vma: Vma) -> bool:
    """Whether the anonymous page is this mm's alone."""
    folio = page.folio
    if k.bug.vmsplice_child_cow:
        return folio_mapcount(folio) == 1
    if k.bug.do_wp_page_copies_pinned_page:
        return wp_can_reuse_anon_folio(k, folio, vma)
    return page.flags & PG_ANON_EXCLUSIVE != 0 or wp_can_reuse_anon_folio(k, folio, vma)


def wp_can_reuse_anon_folio(k: "Kernel", folio: Folio, vma: Vma) -> bool:
    """Nobody else holds a reference, once this CPU's lru batch has been drained."""
    if folio.order:
        return wp_can_reuse_large_folio(k, folio, vma)
    k.step(sites.WP_CAN_REUSE_ANON_FOLIO__REFS, folio.obj, READ)
    if folio.ref > 3:
        return False
    if not folio.flags & PG_LRU:
        swap.lru_add_drain(k)
        if folio.ref == 1:
            k.sometimes(features.Z_LRU_DRAIN_REUSE)
    refs: i64 = 1
    if folio.flags & PG_SWAPCACHE:
        refs = 2
    if folio.ref > refs:
        return False
    if not folio_trylock(k, sites.WP_CAN_REUSE_ANON_FOLIO__TRYLOCK, folio.lock):
        return False
    if folio.flags & PG_SWAPCACHE:
        swapfile.folio_free_swap(k, folio)
    k.step(sites.WP_CAN_REUSE_ANON_FOLIO__RECHECK, folio.obj, READ)
    if folio.ref != 1:
        mutex_unlock(k, folio.lock)
        return False
    rmap.folio_move_anon_rmap(folio, vma)
    mutex_unlock(k, folio.lock)
    return True


def wp_can_reuse_large_folio(k: "Kernel", folio: Folio, vma: Vma) -> bool:
    """__wp_can_reuse_large_anon_folio(): all references are from mappings, all of one mm. A folio
    of which a single page is mapped is rather given up."""
    k.step(sites.WP_CAN_REUSE_LARGE_ANON_FOLIO__REFS, folio.obj, READ)
    return (
        folio.large_mapcount > 1
        and folio.large_mapcount == folio.ref
        and not rmap.folio_maybe_mapped_shared(folio)
    )


def wp_page_reuse(k: "Kernel", vmf: VmFault, table: PageTable) -> None:
    """Make the entry writable in place, and drop the lock."""
    mm = vmf.mm
    va = vmf.va
    k.step(sites.WP_PAGE_REUSE__SET_PTE, pte_obj(mm.id, va), WRITE)
    current = ptep_get(k, table, va)
    set_pte_at(k, mm, table, va, maybe_mkwrite(pte_mkdirty(current | PTE_YOUNG), vmf.vma))
    pte_unmap_unlock(k, table)


def wp_page_copy(k: "Kernel", vmf: VmFault, unshare: bool) -> i64:
    """Break COW: give this mm its own copy. A reference on the old page is held."""
    vma = vmf.vma
    mm = vmf.mm
    va = vmf.va
    old = vmf.page
    ret = vmf_anon_prepare(k, vmf)
    if ret:
        if old is not None:
            folio_put(k, old.folio, REF_TEMP)
        return ret
    folio = page_alloc.folio_alloc(k, sites.WP_PAGE_COPY__ALLOC, old is None)
    if folio is None:
        if old is not None:
            folio_put(k, old.folio, REF_TEMP)
        return VM_FAULT_OOM
    page = folio.page
    if old is not None:
        k.watch.copying(k, mm, va, old)
        copy_words(k, sites.WP_PAGE_COPY__COPY_WORD, page, old)
    folio.flags |= PG_UPTODATE
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, va, va + 1, event)
    table = pte_offset_map_lock(k, sites.WP_PAGE_COPY__LOCK, mm, va)
    if table is not None and same_pte(ptep_get(k, table, va), vmf.orig_pte):
        if old is not None:
            add_mm_counter(mm, mm_counter(old.folio), -1)
        add_mm_counter(mm, MM_ANONPAGES, 1)
        entry = mk_pte(page, vm_page_prot(vma)) | PTE_YOUNG
        if unshare:
            entry |= vmf.orig_pte & PTE_SOFT_DIRTY
            if vmf.orig_pte & PTE_UFFD_WP:
                entry = pte_mkuffd_wp(entry)
        else:
            entry = maybe_mkwrite(pte_mkdirty(entry), vma)
        k.step(sites.WP_PAGE_COPY__CLEAR_FLUSH, pte_obj(mm.id, va), WRITE)
        ptep_clear_flush(k, mm, table, va)
        rmap.folio_add_new_anon_rmap(k, folio, vma, va)
        swap.folio_add_lru(k, folio)
        k.step(sites.WP_PAGE_COPY__SET_PTE, pte_obj(mm.id, va), WRITE)
        set_pte_at(k, mm, table, va, entry)
        if old is None:
            k.watch.zeroes_installed(k, mm, va, page)
        else:
            k.watch.copy_installed(k, mm, va, page)
        k.sometimes(features.Z_WP_COPY)
        if old is not None:
            # Not before the entry is switched: others would take the page for theirs alone.
            k.step(sites.WP_PAGE_COPY__REMOVE_RMAP, old.obj, WRITE)
            rmap.folio_remove_rmap_pte(k, old, mm)
        pte_unmap_unlock(k, table)
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, va + 1)
        if old is not None:
            folio_put(k, old.folio, REF_MAP)
            if old.folio.flags & PG_SWAPCACHE:
                swapfile.free_swap_cache(k, old.folio)
    else:
        if table is not None:
            k.sometimes(features.Z_FAULT_RACED_ZAP)
            pte_unmap_unlock(k, table)
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, va + 1)
        folio_put(k, folio, REF_OWNER)
    if old is not None:
        folio_put(k, old.folio, REF_TEMP)
    return 0


def copy_words(k: "Kernel", site: i64, dst: Page, src: Page) -> None:
    """Copy a page word by word: a CPU may store into the source meanwhile."""
    o = src.obj
    for i in range(4):
        k.step(site, o, READ)
        dst.words[i] = src.words[i]


# --- non-present entries ---------------------------------------------------------------------


def do_swap_page(k: "Kernel", vmf: VmFault) -> i64:
    """A fault on an entry of swap, migration or device memory, or a marker."""
    kind = pte_kind(vmf.orig_pte)
    if kind == SWP_SWAP:
        ret = swapin.do_swap_entry(k, vmf)
        if vmf.table is not None:
            ret = do_wp_page(k, vmf)
        return ret
    if kind == SWP_MARKER_GUARD:
        k.sometimes(features.Z_GUARD_FAULT)
        return VM_FAULT_SIGSEGV
    if kind == SWP_MARKER_POISON:
        return VM_FAULT_HWPOISON
    if kind == SWP_MARKER_UFFD_WP:
        return pte_marker_handle_uffd_wp(k, vmf)
    if kind == SWP_DEVICE_READ or kind == SWP_DEVICE_WRITE:
        return do_device_private(k, vmf)
    if kind == SWP_DEVICE_EXCLUSIVE:
        return device_exclusive.remove_device_exclusive_entry(k, vmf)
    migrate.migration_entry_wait(k, vmf.mm, vmf.va)
    return 0


def pte_marker_handle_uffd_wp(k: "Kernel", vmf: VmFault) -> i64:
    """Nothing is mapped, and that was write-protected: what comes there is, too."""
    if vmf.vma.flags & VM_UFFD_WP:
        k.sometimes(features.Z_UFFD_WP_MARKER_FAULT)
        return do_pte_missing(k, vmf)
    table = pte_offset_map_lock(k, sites.PTE_MARKER_CLEAR__LOCK, vmf.mm, vmf.va)
    if table is not None:
        if ptep_get(k, table, vmf.va) == vmf.orig_pte:
            k.step(sites.PTE_MARKER_CLEAR__CLEAR, pte_obj(vmf.mm.id, vmf.va), WRITE)
            set_pte_at(k, vmf.mm, table, vmf.va, 0)
        pte_unmap_unlock(k, table)
    return 0


def uffd_wp_async(vma: Vma) -> bool:
    """userfaultfd_wp_async(): stores pass at once, and are remembered by the bit that is gone."""
    ctx = vma.uffd
    return ctx is not None and ctx.features & ops.UFFD_WP_ASYNC != 0


def do_device_private(k: "Kernel", vmf: VmFault) -> i64:
    """A CPU touches a page that lives on the device: the driver brings it back."""
    mm = vmf.mm
    va = vmf.va
    if vmf.flags & FAULT_FLAG_VMA_LOCK:
        mmap_lock.vma_end_read(k, vmf.vma)
        return VM_FAULT_RETRY
    page = pfn_to_page(k, vmf.orig_pte >> PFN_SHIFT)
    vmf.page = page
    table = pte_offset_map_lock(k, sites.DO_SWAP_PAGE__DEVICE_LOCK, mm, va)
    if table is None:
        return 0
    if ptep_get(k, table, va) != vmf.orig_pte:
        pte_unmap_unlock(k, table)
        return 0
    folio = page.folio
    pgmap = folio.pgmap
    assert pgmap is not None
    referenced = not k.bug.device_private_fault_no_ref
    locked = referenced and not k.bug.device_private_fault_livelock
    if locked and not folio_trylock(k, sites.DO_SWAP_PAGE__DEVICE_TRYLOCK, folio.lock):
        k.sometimes(features.Z_DEVICE_FAULT_TRYLOCK_FAILED)
        migrate.softleaf_entry_wait_on_locked(k, page.folio, table)
        return 0
    if referenced:
        folio_get(k, folio, REF_TEMP)
    else:
        vmf.page = None  # 5.19: the driver got no fault page to account for
    pte_unmap_unlock(k, table)
    if not locked:
        k.step(sites.DO_SWAP_PAGE__MIGRATE_TO_RAM, page.obj, WRITE)
    ret = pgmap.migrate_to_ram(k, vmf, page)
    folio = page.folio  # it may have been split
    if locked:
        mutex_unlock(k, folio.lock)
    if referenced:
        folio_put(k, folio, REF_TEMP)
    return ret
