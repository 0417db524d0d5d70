# SPDX-License-Identifier: MIT
"""mm/userfaultfd.c (7.2): filling missing pages, which UFFDIO_COPY and its like ask for.

Contract: nothing that is there is overwritten (-EEXIST). The VMA's lock and `map_changing_lock` are
held while a page is filled. A source that is not there must fault, for which they are dropped; the
VMA is looked at again then.

Not modelled: hugetlb, and memory that cannot have the shared zero page (mm_forbids_zeropage()).
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.build.native import final
from simulator.errno import EAGAIN, EEXIST, EFAULT, EINTR, EINVAL, ENOENT, ENOMEM
from simulator.lib.maple_tree import vma_lookup
from simulator.machine import mmu
from simulator.mm import anon_vma, filemap, mmap_lock, page_alloc, rmap, shmem, swap
from simulator.mm.fault import do_user_addr_fault
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_UPTODATE,
    PTE_SPECIAL,
    PTE_WRITE,
    PTE_YOUNG,
    REF_MAP,
    REF_OWNER,
    REF_TEMP,
    SWP_MARKER_POISON,
    SWP_MARKER_UFFD_WP,
    VM_SHARED,
    VM_UFFD_FLAGS,
    VM_UFFD_WP,
    VM_WRITE,
    Mm,
    Page,
    UserfaultfdCtx,
    Vma,
    add_mm_counter,
    mk_swap_pte,
    mm_counter,
    pte_kind,
    pte_mkuffd_wp,
)
from simulator.mm.page_ref import folio_put, move_ref
from simulator.mm.pgtable import (
    mk_pte,
    pfn_to_page,
    pmd_is_huge,
    pmd_table,
    pte_mkdirty,
    ptep_get,
    set_pte_at,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.rmap import linear_page_index
from simulator.objects import pmd_obj, pte_obj
from simulator.scenario import WORDS_PER_PAGE
from simulator.sched.lock import down_read, mutex_unlock, up_read
from simulator.state import READ, WRITE
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel

# enum mfill_atomic_mode
MFILL_ATOMIC_COPY: Final = 0
MFILL_ATOMIC_ZEROPAGE: Final = 1
MFILL_ATOMIC_CONTINUE: Final = 2
MFILL_ATOMIC_POISON: Final = 3


@final
class Mfill:
    """struct mfill_state: one call, which fills [start, end). `source` is the first page of `mm`,
    the caller's, that is copied; `vma` is locked while it is set."""

    def __init__(
        self, ctx: UserfaultfdCtx, mode: i64, start: i64, end: i64, mm: Mm, source: i64
    ) -> None:
        self.ctx: Final[UserfaultfdCtx] = ctx
        self.mode: Final[i64] = mode
        self.start: Final[i64] = start
        self.end: Final[i64] = end
        self.mm: Final[Mm] = mm
        self.source: Final[i64] = source
        self.wp: bool = False  # MFILL_ATOMIC_WP
        self.vma: Vma | None = None


# --- locks -------------------------------------------------------------------------------------


def uffd_lock_vma(k: "Kernel", mm: Mm, va: i64) -> tuple[Vma | None, i64]:
    """The read-locked VMA that holds page `va`, with an anon_vma if it is private; or None, and
    -ENOENT or -ENOMEM."""
    vma = mmap_lock.lock_vma_under_rcu(k, mm, va)
    if vma is not None:
        if vma.flags & VM_SHARED or vma.anon_vma is not None:
            return vma, 0
        mmap_lock.vma_end_read(k, vma)
    mmap_lock.mmap_read_lock(k, mm, sites.UFFD_LOCK_VMA__MMAP_LOCK)
    vma = vma_lookup(mm, va)
    err: i64 = -ENOENT
    if vma is not None:
        err = 0
        if not vma.flags & VM_SHARED:
            err = anon_vma.anon_vma_prepare(k, vma)
        if err:
            vma = None
        else:
            mmap_lock.vma_start_read_locked(k, vma)
    mmap_lock.mmap_read_unlock(k, mm)
    return vma, err


def mfill_get_vma(k: "Kernel", fill: Mfill) -> i64:
    """Lock the VMA that holds the range: 0, -ENOENT when it is not registered or does not hold all
    of it, -EAGAIN while mappings are changing."""
    ctx = fill.ctx
    vma, err = uffd_lock_vma(k, ctx.mm, fill.start)
    if vma is None:
        return err
    if fill.end > vma.end or vma.uffd is None:
        mmap_lock.vma_end_read(k, vma)
        return -ENOENT
    down_read(k, sites.MFILL_GET_VMA__LOCK, ctx.map_changing_lock)
    fill.vma = vma
    k.step(sites.MFILL_GET_VMA__MMAP_CHANGING, ctx.obj, READ)
    if ctx.mmap_changing:
        mfill_put_vma(k, fill)
        return -EAGAIN
    inode = vma.inode
    refused = fill.wp and not vma.flags & VM_UFFD_WP
    if inode is None:
        refused = refused or fill.mode == MFILL_ATOMIC_CONTINUE
    elif inode.opaque:  # registered for nothing but the memory of stores
        refused = True
    if refused:
        mfill_put_vma(k, fill)
        return -EINVAL
    return 0


def mfill_put_vma(k: "Kernel", fill: Mfill) -> None:
    vma = fill.vma
    if vma is not None:
        up_read(k, fill.ctx.map_changing_lock)
        mmap_lock.vma_end_read(k, vma)
        fill.vma = None


def mfill_establish_pmd(k: "Kernel", fill: Mfill, va: i64) -> i64:
    """There is a page table: 0; -EEXIST for a huge page, also one that has come and gone."""
    mm = fill.ctx.mm
    k.step(sites.MFILL_ESTABLISH_PMD__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
    if not pmd_is_huge(k, mm, va) and not pte_alloc(k, mm, va):
        return -ENOMEM
    if k.bug.uffd_mfill_racy_pmd_check:
        return pmd_checked_twice(k, mm, va)
    k.step(sites.MFILL_ESTABLISH_PMD__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
    return 0 if pmd_table(k, mm, va) is not None else -EEXIST


def pmd_checked_twice(k: "Kernel", mm: Mm, va: i64) -> i64:
    """What mfill_atomic() did before 6.11: it looked at the entry anew for each question."""
    obj = pmd_obj(mm.id, va >> k.pmd_order)
    k.step(sites.MFILL_ESTABLISH_PMD__PMD, obj, READ)
    if pmd_is_huge(k, mm, va):
        return -EFAULT
    k.step(sites.MFILL_ESTABLISH_PMD__PMD, obj, READ)
    if pmd_table(k, mm, va) is None:
        k.violate(
            "kernel-assertion",
            sites.MFILL_ESTABLISH_PMD__PMD,
            "page-table",
            f"UFFDIO_COPY has found a page table for page {va}, and there is none",
        )
    return 0


# --- one call ----------------------------------------------------------------------------------


def mfill_atomic(k: "Kernel", t: Task, fill: Mfill) -> i64:
    """How many pages of the range have been filled, from its start on; -errno if none has."""
    err = mfill_get_vma(k, fill)
    va = fill.start
    while err == 0 and va < fill.end:
        err = mfill_establish_pmd(k, fill, va)
        if err == 0:
            if fill.mode == MFILL_ATOMIC_COPY:
                err = mfill_atomic_pte(k, t, fill, va)
            elif fill.mode == MFILL_ATOMIC_CONTINUE:
                err = mfill_atomic_pte_continue(k, fill, va)
            elif fill.mode == MFILL_ATOMIC_POISON:
                err = mfill_atomic_pte_poison(k, fill, va)
            else:
                err = mfill_atomic_pte_zeropage(k, t, fill, va)
        if err == 0:
            va += 1
            if t.killed:
                err = -EINTR
    if fill.wp and va > fill.start:
        k.watch.uffd_protected(k, fill.ctx.mm, fill.start, va)
    mfill_put_vma(k, fill)
    return va - fill.start if va > fill.start else err


# --- copying -----------------------------------------------------------------------------------


def mfill_atomic_pte(k: "Kernel", t: Task, fill: Mfill, va: i64) -> i64:
    """Fill one page and map it: 0 or -errno. Shared memory gets it into its file; a private mapping
    of a file gets a page of its own."""
    vma = fill.vma
    assert vma is not None
    inode = vma.inode if vma.flags & VM_SHARED else None
    over_size = inode is not None and mfill_file_over_size(vma, va)
    if over_size and k.linux.mfill_checks_size_first:
        return -ENOMEM
    zeroes = fill.mode == MFILL_ATOMIC_ZEROPAGE
    folio = page_alloc.folio_alloc(k, sites.MFILL_ATOMIC_PTE__ALLOC, zeroes)
    if folio is None:
        return -ENOMEM
    source = fill.source + va - fill.start
    err: i64 = 0
    if not zeroes and not mfill_copy_folio_locked(k, t, fill.mm, folio.page, source):
        err = mfill_copy_folio_retry(k, t, fill, folio.page, source, va)
        vma = fill.vma
    if err == 0:
        assert vma is not None
        folio.flags |= PG_UPTODATE
        if over_size and not k.linux.mfill_checks_size_first:
            err = -EFAULT
        elif inode is not None:
            err = shmem.shmem_mfill_filemap_add(k, inode, folio, linear_page_index(vma, va))
    if err == 0:
        err = mfill_atomic_install_pte(k, fill, va, folio.page, REF_OWNER)
        if err and inode is not None:
            shmem.shmem_mfill_filemap_remove(k, inode, folio)
    if err:
        folio_put(k, folio, REF_OWNER)
    return err


def mfill_atomic_pte_continue(k: "Kernel", fill: Mfill, va: i64) -> i64:
    """Map what the file has: 0, -EFAULT where it has nothing, -EEXIST, -EAGAIN: no page table."""
    vma = fill.vma
    assert vma is not None
    inode = vma.inode
    assert inode is not None
    index = linear_page_index(vma, va)
    err, folio = shmem.shmem_get_folio(k, inode, index, shmem.SGP_NOALLOC, None)
    if folio is None:
        if err == -EINVAL and not k.linux.mfill_checks_size_first:
            return -EINVAL  # behind the end of the file
        return -EFAULT
    page = pfn_to_page(k, folio.pfn + index - folio.index)
    err = mfill_atomic_install_pte(k, fill, va, page, REF_TEMP)
    if err:
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
    return err


def mfill_copy_folio_locked(k: "Kernel", t: Task, mm: Mm, to: Page, va: i64) -> bool:
    """Copy the caller's page `va` with page faults off; False: it would fault."""
    for word in range(WORDS_PER_PAGE):
        pte = mmu.translate(k, t, mm, va, READ)
        if pte == 0:
            return False
        copy_word(k, t, mm, va, word, to, pte, sites.MFILL_COPY_FOLIO_LOCKED__COPY_WORD)
    return True


def copy_word(
    k: "Kernel", t: Task, mm: Mm, va: i64, word: i64, to: Page, pte: i64, site: i64
) -> None:
    """One word, through the caller's own translation `pte`."""
    page = pfn_to_page(k, pte >> PFN_SHIFT)
    value = page.words[word]
    k.watch.user_loaded(k, mm, va, page, word, value, t.through_stale)
    k.step(site, to.obj, WRITE)
    to.words[word] = value


def mfill_copy_folio_retry(
    k: "Kernel", t: Task, fill: Mfill, to: Page, source: i64, va: i64
) -> i64:
    """Copy with the locks dropped and faults allowed, and lock the VMA again: 0, -EFAULT, or
    -EAGAIN when it has changed meanwhile."""
    vma = fill.vma
    assert vma is not None
    k.sometimes(features.Z_MFILL_COPY_RETRIED)
    flags = vma.flags & (VM_UFFD_FLAGS | VM_SHARED)
    inode = vma.inode
    pgoff = vma.pgoff
    mfill_put_vma(k, fill)
    for word in range(WORDS_PER_PAGE):
        pte = mmu.translate(k, t, fill.mm, source, READ)
        while pte == 0:
            if do_user_addr_fault(k, t, fill.mm, source, 0) or t.killed:
                return -EFAULT
            k.retry(sites.MFILL_COPY_FOLIO_RETRY__COPY_WORD)
            pte = mmu.translate(k, t, fill.mm, source, READ)
        site = sites.MFILL_COPY_FOLIO_RETRY__COPY_WORD
        copy_word(k, t, fill.mm, source, word, to, pte, site)
    err = mfill_get_vma(k, fill)
    if err:
        return err
    vma = fill.vma
    assert vma is not None
    if vma.flags & (VM_UFFD_FLAGS | VM_SHARED) != flags or vma.inode is not inode:
        return -EAGAIN
    if inode is not None and vma.pgoff != pgoff:
        return -EAGAIN
    return mfill_establish_pmd(k, fill, va)


def mfill_file_over_size(vma: Vma, va: i64) -> bool:
    """Whether the page lies behind the end of the mapping's file."""
    inode = vma.inode
    return inode is not None and linear_page_index(vma, va) >= filemap.eof_pages(inode)


def mfill_atomic_install_pte(k: "Kernel", fill: Mfill, va: i64, page: Page, ref: i64) -> i64:
    """Map the page where nothing is: 0, -EFAULT behind the end of the file, -EEXIST, or -EAGAIN
    without a page table. The caller's reference, `ref`, becomes the mapping's, and the lock of a
    page of a file is dropped."""
    mm = fill.ctx.mm
    vma = fill.vma
    assert vma is not None
    folio = page.folio
    in_cache = folio.inode is not None
    entry = pte_mkdirty(mk_pte(page, vm_page_prot(vma)) | PTE_YOUNG)
    if vma.flags & VM_WRITE and (vma.flags & VM_SHARED or not in_cache):
        entry |= PTE_WRITE
    else:
        entry &= ~PTE_WRITE
    if fill.wp:
        entry = pte_mkuffd_wp(entry)
    table = pte_offset_map_lock(k, sites.MFILL_ATOMIC_INSTALL_PTE__LOCK, mm, va)
    if table is None:
        return -EAGAIN
    old = ptep_get(k, table, va)
    err: i64 = 0
    if mfill_file_over_size(vma, va):
        err = -EFAULT
    elif old != 0 and pte_kind(old) != SWP_MARKER_UFFD_WP:
        k.sometimes(features.Z_MFILL_EXISTS)
        err = -EEXIST
    if err:
        pte_unmap_unlock(k, table)
        return err
    if in_cache:
        move_ref(k, folio, ref, REF_MAP)
        rmap.folio_add_file_rmap_pte(k, page, mm)
    else:
        rmap.folio_add_new_anon_rmap(k, folio, vma, va)
        swap.folio_add_lru(k, folio)
    add_mm_counter(mm, mm_counter(folio), 1)
    k.step(sites.MFILL_ATOMIC_INSTALL_PTE__SET_PTE, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, entry)
    if not fill.wp:
        k.watch.uffd_unprotecting(k, mm, va, va + 1)
    if in_cache:
        k.watch.file_page_mapped(k, vma, va, page)
        mutex_unlock(k, folio.lock)
    else:
        k.watch.copy_installed(k, mm, va, page)
    pte_unmap_unlock(k, table)
    return 0


def mfill_atomic_pte_zeropage(k: "Kernel", t: Task, fill: Mfill, va: i64) -> i64:
    """Map the shared zero page where nothing is: 0, -EFAULT behind the end of a file, -EEXIST, or
    -EAGAIN without a page table. Shared memory gets a page of zeroes."""
    mm = fill.ctx.mm
    vma = fill.vma
    assert vma is not None
    if vma.flags & VM_SHARED:
        return mfill_atomic_pte(k, t, fill, va)
    table = pte_offset_map_lock(k, sites.MFILL_ATOMIC_PTE_ZEROPAGE__LOCK, mm, va)
    if table is None:
        return -EAGAIN
    if mfill_file_over_size(vma, va):
        pte_unmap_unlock(k, table)
        return -EFAULT
    if ptep_get(k, table, va) != 0:
        k.sometimes(features.Z_MFILL_EXISTS)
        pte_unmap_unlock(k, table)
        return -EEXIST
    k.step(sites.MFILL_ATOMIC_PTE_ZEROPAGE__SET_PTE, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, vm_page_prot(vma) | PTE_SPECIAL | PTE_YOUNG)
    pte_unmap_unlock(k, table)
    return 0


def mfill_atomic_pte_poison(k: "Kernel", fill: Mfill, va: i64) -> i64:
    """A marker where nothing is, not even another marker, on which every access fails: 0, -EFAULT
    behind the end of a file, -EEXIST, or -EAGAIN without a page table."""
    mm = fill.ctx.mm
    vma = fill.vma
    assert vma is not None
    table = pte_offset_map_lock(k, sites.MFILL_ATOMIC_PTE_POISON__LOCK, mm, va)
    if table is None:
        return -EAGAIN
    err: i64 = 0
    if mfill_file_over_size(vma, va):
        err = -EFAULT
    elif ptep_get(k, table, va) != 0:
        k.sometimes(features.Z_MFILL_EXISTS)
        err = -EEXIST
    else:
        k.step(sites.MFILL_ATOMIC_PTE_POISON__SET_PTE, pte_obj(mm.id, va), WRITE)
        set_pte_at(k, mm, table, va, mk_swap_pte(SWP_MARKER_POISON, 0))
    pte_unmap_unlock(k, table)
    return err
