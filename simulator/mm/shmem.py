# SPDX-License-Identifier: MIT
"""mm/shmem.c and mm/filemap.c as far as memory files need them: one folio a page, no reclaim,
no truncate, no holes punched.

Handles f0..f3 are memfds. Files of imported programs (x0..) are opaque: they give VMAs
something to be mapped to and have no pages.
"""

from typing import TYPE_CHECKING

from librt.vecs import vec
from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EEXIST, ENOMEM
from simulator.mm import page_alloc
from simulator.mm.mm_types import (
    PG_DIRTY, PG_SWAPBACKED, PG_UPTODATE, REF_CACHE, REF_OWNER, REF_TEMP, Inode, Mm,
    Page, Vma, reset_inode,
)
from simulator.mm.page_ref import folio_get, folio_put, folio_try_get, move_ref
from simulator.oracles import permission
from simulator.outcome import SKIPPED
from simulator.scenario import WORDS_PER_PAGE
from simulator.sched.lock import lock_fresh, mutex_lock, mutex_unlock
from simulator.state import OBJ_FILE, READ, WRITE, obj, page_obj, pte_obj

if TYPE_CHECKING:
    from simulator.mm.memory import VmFault
    from simulator.state import Kernel

FIRST_SHARED_ANON = 4  # inode numbers of shared anonymous mappings start here


# --- files ------------------------------------------------------------------------------------


def memfd_create(k: "Kernel", handle: i64, pages: i64) -> i64:
    """memfd_create() and ftruncate(): 0, or -EEXIST for a handle that is open."""
    inode = k.inodes[handle]
    if inode.live:
        return -EEXIST
    set_up_inode(inode, pages)
    return 0


def set_up_inode(inode: Inode, pages: i64) -> None:
    reset_inode(inode)
    inode.live = True
    inode.opaque = False
    inode.i_size = pages * WORDS_PER_PAGE
    inode.cache = [None] * pages
    inode.expected = vec[i64]([0] * (pages * WORDS_PER_PAGE))
    inode.refs = 1


def other_file(k: "Kernel", number: i64) -> Inode:
    """The file behind handle x<number>, made at its first use."""
    for inode in k.other_files:
        if inode.id == (1 << 16) + number:
            return inode
    inode = Inode((1 << 16) + number)
    inode.live = True
    inode.opaque = True
    inode.refs = 1
    k.other_files.append(inode)
    return inode


def shmem_zero_setup(k: "Kernel", vma: Vma) -> i64:
    """A file of its own behind a shared anonymous mapping; 0 or -ENOMEM."""
    inode = Inode(FIRST_SHARED_ANON + len(k.shared_anon))
    set_up_inode(inode, vma.end - vma.start)
    k.shared_anon.append(inode)
    vma.inode = inode
    return 0


def get_file(inode: Inode) -> None:
    """One more user: a VMA."""
    inode.refs += 1


def fput(k: "Kernel", inode: Inode) -> None:
    """One user less; the last one evicts the file."""
    inode.refs -= 1
    if inode.refs < 0:
        k.violate("use-after-free", k.cur.site, "inode", "a file was put more often than got")
    if inode.refs == 0:
        evict_inode(k, inode)


def evict_inode(k: "Kernel", inode: Inode) -> None:
    """shmem_evict_inode(): the page cache gives its pages up."""
    for i in range(len(inode.cache)):
        page = inode.cache[i]
        if page is not None:
            inode.cache[i] = None
            inode.nrpages -= 1
            folio_put(k, page, REF_CACHE)
    inode.live = False


def release_all(k: "Kernel") -> None:
    """At the End the descriptors f0.. close."""
    for inode in k.inodes:
        if inode.live:
            fput(k, inode)
    for inode in k.other_files:
        if inode.refs != 1:
            k.violate(
                "leak", sites.EXIT_MMAP__BEGIN, "inode",
                f"a file is left with {inode.refs - 1} mappings",
            )


# --- the page cache -----------------------------------------------------------------------------


def shmem_get_folio(k: "Kernel", inode: Inode, index: i64, create: bool) -> Page | None:
    """The page at `index`, locked and referenced (REF_TEMP); a new zeroed one when `create`.
    None: a hole, or out of memory."""
    while True:
        k.step(sites.SHMEM_GET_FOLIO__LOOKUP, obj(OBJ_FILE, inode.id << 8 | index), READ)
        page = inode.cache[index]
        if page is not None:
            if not folio_try_get(k, page, REF_TEMP):
                continue
            mutex_lock(k, sites.SHMEM_GET_FOLIO__LOCK, page.lock)
            if inode.cache[index] is page:
                return page
            mutex_unlock(k, page.lock)
            folio_put(k, page, REF_TEMP)
            continue
        if not create:
            return None
        page = page_alloc.alloc_page(k, sites.SHMEM_ALLOC_AND_ADD_FOLIO__ALLOC, True)
        if page is None:
            return None
        lock_fresh(k, page.lock)
        page.flags |= PG_SWAPBACKED
        k.step(
            sites.SHMEM_ADD_TO_PAGE_CACHE__STORE, obj(OBJ_FILE, inode.id << 8 | index), WRITE
        )
        if inode.cache[index] is not None:
            k.sometimes(features.Z_PAGE_CACHE_RACE)
            mutex_unlock(k, page.lock)
            folio_put(k, page, REF_OWNER)
            continue
        page.inode = inode
        page.index = index
        inode.cache[index] = page
        inode.nrpages += 1
        move_ref(page, REF_OWNER, REF_CACHE)
        folio_get(k, page, REF_TEMP)
        swap.folio_add_lru(k, page)
        page.flags |= PG_UPTODATE
        return page


def shmem_fault(k: "Kernel", vmf: "VmFault") -> Page | None:
    """vm_ops->fault: the locked page for the faulting address, None on an error."""
    vma = vmf.vma
    inode = vma.inode
    assert inode is not None
    index = vmf.va - vma.start + vma.pgoff
    if inode.opaque or index >= len(inode.cache):
        return None
    return shmem_get_folio(k, inode, index, True)


def fault_error(k: "Kernel", vmf: "VmFault") -> i64:
    """Why shmem_fault() gave no page."""
    vma = vmf.vma
    inode = vma.inode
    assert inode is not None
    if inode.opaque or vmf.va - vma.start + vma.pgoff >= len(inode.cache):
        return memory.VM_FAULT_SIGBUS
    return memory.VM_FAULT_OOM


def filemap_map_pages(k: "Kernel", vmf: "VmFault") -> bool:
    """do_fault_around(): map the cached pages around a read fault, without sleeping; True when
    the faulting page itself is mapped now."""
    vma = vmf.vma
    mm = vmf.mm
    va = vmf.va
    inode = vma.inode
    assert inode is not None
    if inode.opaque or inode.nrpages == 0:
        return False
    size = min(memory.FAULT_AROUND_PAGES, k.ptrs_per_pte)
    low = max(va // size * size, vma.start)
    high = min(va // size * size + size, vma.end, vma.start + len(inode.cache) - vma.pgoff)
    table = memory.pte_offset_map_lock(k, sites.FILEMAP_MAP_PAGES__LOCK, mm, va)
    if table is None:
        return False
    for at in range(low, high):
        page = inode.cache[at - vma.start + vma.pgoff]
        i = at & (k.ptrs_per_pte - 1)
        if page is None or page.lock.owner >= 0 or not page.flags & PG_UPTODATE or table.pte[i]:
            continue
        k.step(sites.FILEMAP_MAP_PAGES__SET_PTE, pte_obj(mm, at), WRITE)
        memory.map_file_pte(k, mm, table, vma, at, page, False)
    mapped = table.pte[va & (k.ptrs_per_pte - 1)] != 0
    memory.pte_unmap_unlock(k, table)
    return mapped


# --- read and write -----------------------------------------------------------------------------


def pread(k: "Kernel", handle: i64, index: i64, word: i64) -> i64:
    """One word of the file: its token. At or behind the end nothing is read: 0."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    if index >= len(inode.cache):
        return 0
    page = shmem_get_folio(k, inode, index, False)
    if page is None:
        return 0
    mutex_unlock(k, page.lock)
    k.step(sites.SHMEM_FILE_READ__COPY, page_obj(page), READ)
    value = page.words[word]
    permission.file_read(k, inode, index, word, value)
    folio_put(k, page, REF_TEMP)
    return value


def pwrite(k: "Kernel", mm: Mm, handle: i64, index: i64, word: i64) -> i64:
    """A new token into the file; 0 or -ENOMEM. Behind the end: SKIPPED, files do not grow."""
    inode = k.inodes[handle]
    if not inode.live or index >= len(inode.cache):
        return SKIPPED
    page = shmem_get_folio(k, inode, index, True)
    if page is None:
        return -ENOMEM
    k.step(sites.SHMEM_WRITE__COPY, page_obj(page), WRITE)
    token = k.new_token(mm)
    page.words[word] = token
    inode.expected[index * WORDS_PER_PAGE + word] = token
    page.flags |= PG_DIRTY
    mutex_unlock(k, page.lock)
    folio_put(k, page, REF_TEMP)
    return 0



from simulator.mm import memory, swap  # noqa: E402
