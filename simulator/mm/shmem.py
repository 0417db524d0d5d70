# SPDX-License-Identifier: MIT
"""mm/shmem.c (7.2), and what it needs of mm/filemap.c: memory files and their page cache.

Contract: a page of the cache holds one reference (REF_CACHE) from its insertion until its
inode is evicted, which happens when the last open file (handle or VMA) is gone. Lookups
return the folio locked, with a reference (REF_TEMP). Indices are in pages, i_size in words.

Not modelled: truncate, reclaim, seals, huge folios; `x` files of imported programs have no
pages at all, so a touch of their mappings is a SIGBUS.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.build.native import vec
from simulator.errno import EEXIST, ENOMEM
from simulator.lock_classes import LC_FOLIO
from simulator.mm import page_alloc, swap
from simulator.mm.mm_types import (
    PG_DIRTY,
    PG_SWAPBACKED,
    PG_UPTODATE,
    REF_CACHE,
    REF_OWNER,
    REF_TEMP,
    Folio,
    Inode,
    Mm,
    Page,
)
from simulator.mm.page_ref import folio_get, folio_put, folio_try_get, move_ref
from simulator.mm.pgtable import pmd_addr_end, ptep_get
from simulator.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.rmap import linear_page_index
from simulator.mm.vm_fault import (
    VM_FAULT_NOPAGE,
    VM_FAULT_OOM,
    VM_FAULT_SIGBUS,
    install_prealloc_pte,
    set_pte_range,
)
from simulator.objects import CONTAINER_BITS, OBJ_NONE, pte_obj, slot_obj
from simulator.outcome import SKIPPED
from simulator.scenario import MAX_OPS, WORDS_PER_PAGE
from simulator.sched.lock import (
    acquired,
    down_write,
    folio_trylock,
    mutex_lock,
    mutex_unlock,
    up_write,
)
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.mm.vm_fault import VmFault
    from simulator.state import Kernel

# enum sgp_type: what a missing page means to the caller.
SGP_READ: Final = 0  # a hole stays a hole
SGP_CACHE: Final = 1  # allocate, zeroed
SGP_WRITE: Final = 2  # allocate; the caller fills it

FAULT_AROUND_PAGES: Final = 16  # fault_around_bytes is 64 KiB

# Numbers of inodes: f0.. first, then those behind shared anonymous mappings, then opaque ones.
FIRST_SHARED_ANON: Final = 16
FIRST_OTHER: Final = 1 << 16


# --- open files --------------------------------------------------------------------------------


def reset(k: "Kernel") -> None:
    """There is no file."""
    for handle, inode in enumerate(k.inodes):
        if len(inode.expected):
            k.inodes[handle] = Inode(handle)
    if k.other_files:
        k.other_files = []
    if k.shared_anon:
        k.shared_anon = []


def memfd_create(k: "Kernel", handle: i64, pages: i64) -> i64:
    """memfd_create() and ftruncate(): 0, -ENOMEM, or -EEXIST for a handle that is in use."""
    if k.should_fail(sites.MEMFD_CREATE__ALLOC, OBJ_NONE):
        return -ENOMEM
    inode = k.inodes[handle]
    if inode.live:
        return -EEXIST
    create(k, inode, pages)
    return 0


def shmem_zero_setup(k: "Kernel", pages: i64) -> Inode | None:
    """The unnamed file behind a shared anonymous mapping of so many pages; None without memory."""
    if k.should_fail(sites.SHMEM_ZERO_SETUP__ALLOC, OBJ_NONE):
        return None
    inode = Inode(FIRST_SHARED_ANON + len(k.shared_anon))
    create(k, inode, pages)
    k.shared_anon.append(inode)
    return inode


def other_file(k: "Kernel", number: i64) -> Inode:
    """The opaque file `x<number>`, open since the program started."""
    ident = FIRST_OTHER + number
    for inode in k.other_files:
        if inode.id == ident:
            return inode
    inode = Inode(ident)
    inode.opaque = True
    create(k, inode, 0)
    k.other_files.append(inode)
    return inode


def create(k: "Kernel", inode: Inode, pages: i64) -> None:
    """An empty file of that size, open once."""
    inode.live = True
    inode.refs = 1
    inode.opened_at = k.cur.site
    make_room(inode, pages)
    inode.i_size = pages * WORDS_PER_PAGE


def make_room(inode: Inode, pages: i64) -> None:
    """Slots for that many pages; what is new reads as zeroes."""
    while len(inode.cache) < pages:
        inode.cache.append(None)
    if len(inode.expected) < pages * WORDS_PER_PAGE:
        expected = vec[i64]([0] * (pages * WORDS_PER_PAGE))
        for i in range(len(inode.expected)):
            expected[i] = inode.expected[i]
        inode.expected = expected


def get_file(inode: Inode) -> None:
    """One more open file: a VMA's."""
    inode.refs += 1


def fput(k: "Kernel", inode: Inode) -> None:
    """Drop an open file; the last one takes the inode and its pages with it."""
    inode.refs -= 1
    if inode.refs < 0:
        k.violate("use-after-free", k.cur.site, "file", "a file was closed more often than opened")
    if inode.refs == 0:
        shmem_evict_inode(k, inode)


def shmem_evict_inode(k: "Kernel", inode: Inode) -> None:
    """Nobody can reach the file any more: empty its page cache."""
    if inode.i_mmap:
        k.violate(
            "use-after-free",
            sites.SHMEM_EVICT_INODE__REMOVE,
            "file",
            f"a file is freed while {len(inode.i_mmap)} VMAs map it",
        )
    for folio in inode.cache:
        if folio is not None:
            k.step(sites.SHMEM_EVICT_INODE__REMOVE, folio.obj, WRITE)
            inode.nrpages -= 1
            folio.inode = None
            folio_put(k, folio, REF_CACHE)
    k.watch.inode_evicted(k, inode)
    inode.live = False


def release_all(k: "Kernel") -> None:
    """The End: handles close. No process is left, so no VMA holds a file either."""
    for inode in k.inodes:
        if inode.live:
            fput(k, inode)
            check_gone(k, inode)
    for inode in k.other_files:
        fput(k, inode)
        check_gone(k, inode)
    for inode in k.shared_anon:
        check_gone(k, inode)


def check_gone(k: "Kernel", inode: Inode) -> None:
    if inode.live:
        k.violate(
            "leak",
            inode.opened_at or sites.SHMEM_EVICT_INODE__REMOVE,
            "file",
            f"a file is left, open {inode.refs} times",
        )


# --- page cache --------------------------------------------------------------------------------


def shmem_get_folio(k: "Kernel", inode: Inode, index: i64, sgp: i64) -> Folio | None:
    """The folio at `index`, locked and with a reference. None: out of memory, or a hole for
    SGP_READ. The caller has checked the file's size."""
    while True:
        k.step(sites.SHMEM_GET_FOLIO__LOOKUP, slot_obj(inode.id, index), READ)
        folio = inode.cache[index]
        if folio is not None:
            folio_get(k, folio, REF_TEMP)
            mutex_lock(k, sites.SHMEM_GET_FOLIO__LOCK, folio.lock)
            k.watch.cache_found(k, inode, index, folio)
            break
        if sgp == SGP_READ:
            return None
        folio = shmem_alloc_and_add_folio(k, inode, index)
        if folio is not None:
            break
        if inode.cache[index] is None:
            return None
        k.sometimes(features.Z_PAGE_CACHE_RACE)
    if sgp != SGP_WRITE and not folio.flags & PG_UPTODATE:
        k.step(sites.SHMEM_GET_FOLIO__CLEAR, folio.obj, WRITE)
        for i in range(WORDS_PER_PAGE):
            folio.page.words[i] = 0
        folio.flags |= PG_UPTODATE
    return folio


def shmem_alloc_and_add_folio(k: "Kernel", inode: Inode, index: i64) -> Folio | None:
    """A new folio in the page cache: locked, not yet up to date. None when memory is out, or
    somebody else's folio is there already."""
    folio = page_alloc.folio_alloc(k, sites.SHMEM_ALLOC_FOLIO__ALLOC, False)
    if folio is None:
        return None
    folio.lock.owner = k.cur.id  # __folio_set_locked(): nobody can see it yet
    acquired(k, k.cur, LC_FOLIO, ordered=False)
    k.step(sites.SHMEM_ADD_TO_PAGE_CACHE__INSERT, slot_obj(inode.id, index), WRITE)
    if inode.cache[index] is not None:
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_OWNER)
        return None
    k.watch.cache_adding(k, inode, index, inode.cache[index])
    inode.cache[index] = folio
    inode.nrpages += 1
    folio.inode = inode
    folio.index = index
    folio.flags |= PG_SWAPBACKED
    folio_get(k, folio, REF_CACHE)
    move_ref(k, folio, REF_OWNER, REF_TEMP)
    swap.folio_add_lru(k, folio)
    return folio


# --- faults ------------------------------------------------------------------------------------


def eof_pages(inode: Inode) -> i64:
    """The first index that is wholly behind the end of the file."""
    return (inode.i_size + WORDS_PER_PAGE - 1) // WORDS_PER_PAGE


def shmem_fault(k: "Kernel", vmf: "VmFault") -> Page | None:
    """The page behind a faulting address, its folio locked; None: see fault_error()."""
    inode = vmf.vma.inode
    assert inode is not None
    index = linear_page_index(vmf.vma, vmf.va)
    if index >= eof_pages(inode):
        return None
    folio = shmem_get_folio(k, inode, index, SGP_CACHE)
    return None if folio is None else folio.page


def fault_error(k: "Kernel", vmf: "VmFault") -> i64:
    """Why shmem_fault() has found nothing."""
    inode = vmf.vma.inode
    assert inode is not None
    if linear_page_index(vmf.vma, vmf.va) >= eof_pages(inode):
        return VM_FAULT_SIGBUS
    return VM_FAULT_OOM


def filemap_map_pages(k: "Kernel", vmf: "VmFault") -> i64:
    """Fault-around: map what the page cache has around a read fault, within the VMA, the file
    and the page table. Where the VMA cuts the window's beginning off, as much is added at its
    end (do_fault_around()). VM_FAULT_NOPAGE when that includes the faulting page."""
    vma = vmf.vma
    inode = vma.inode
    assert inode is not None
    mm = vmf.mm
    window = min(i64(FAULT_AROUND_PAGES), k.ptrs_per_pte)
    first = max(vmf.va // window * window, vma.start)
    last = min(first + window, min(vma.end, vma.start + eof_pages(inode) - vma.pgoff))
    last = pmd_addr_end(k, vmf.va, last)
    va = first
    folio: Folio | None = None
    while va < last and folio is None:
        folio = next_uptodate_folio(k, inode, linear_page_index(vma, va))
        if folio is None:
            va += 1
    if folio is None:
        return 0
    if vmf.prealloc_pte is not None:
        install_prealloc_pte(k, vmf)
    table = pte_offset_map_lock(k, sites.FILEMAP_MAP_PAGES__LOCK, mm, vmf.va)
    if table is None:
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
        return 0
    ret: i64 = 0
    while va < last:
        if folio is not None:
            if ptep_get(k, table, va) == 0:
                k.step(sites.FILEMAP_MAP_PAGES__SET_PTE, pte_obj(mm.id, va), WRITE)
                set_pte_range(k, mm, table, vma, va, folio.page, False)
                if va == vmf.va:
                    ret = VM_FAULT_NOPAGE
            folio_put(k, folio, REF_TEMP)
            mutex_unlock(k, folio.lock)
        va += 1
        if va < last:
            folio = next_uptodate_folio(k, inode, linear_page_index(vma, va))
    pte_unmap_unlock(k, table)
    return ret


def next_uptodate_folio(k: "Kernel", inode: Inode, index: i64) -> Folio | None:
    """The folio at `index`, locked and with a reference, if it is complete and can be locked at
    once."""
    k.step(sites.NEXT_UPTODATE_FOLIO__LOOKUP, slot_obj(inode.id, index), READ)
    folio = inode.cache[index]
    if folio is None or not folio_try_get(k, folio, REF_TEMP):
        return None
    k.step(sites.NEXT_UPTODATE_FOLIO__RELOAD, slot_obj(inode.id, index), READ)
    if (
        folio.lock.owner < 0
        and inode.cache[index] is folio
        and folio.flags & PG_UPTODATE
        and folio_trylock(k, sites.NEXT_UPTODATE_FOLIO__TRYLOCK, folio.lock)
    ):
        if folio.inode is inode and folio.flags & PG_UPTODATE and index < eof_pages(inode):
            return folio
        mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return None


# --- read() and write() ------------------------------------------------------------------------


def pread(k: "Kernel", handle: i64, index: i64, word: i64) -> i64:
    """One word of the file: its token; 0 for a hole, and behind the end."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    k.step(sites.SHMEM_FILE_READ_ITER__I_SIZE, slot_obj(inode.id, 0), READ)
    if index * WORDS_PER_PAGE + word >= inode.i_size:
        return 0
    folio = shmem_get_folio(k, inode, index, SGP_READ)
    if folio is None:
        return 0
    mutex_unlock(k, folio.lock)
    k.step(sites.SHMEM_FILE_READ_ITER__COPY, folio.obj, READ)
    value = folio.page.words[word]
    k.watch.file_loaded(k, inode, folio.page, word)
    folio_put(k, folio, REF_TEMP)
    return value


def pwrite(k: "Kernel", mm: Mm, handle: i64, index: i64, word: i64) -> i64:
    """Store a new token into the file, which grows as needed; 0 or -ENOMEM."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    down_write(k, sites.SHMEM_FILE_WRITE_ITER__INODE_LOCK, inode.i_rwsem)
    err = shmem_write(k, mm, inode, index, word)
    up_write(k, inode.i_rwsem)
    return err


def shmem_write(k: "Kernel", mm: Mm, inode: Inode, index: i64, word: i64) -> i64:
    """generic_perform_write() of one word, under the inode's lock."""
    make_room(inode, index + 1)
    folio = shmem_get_folio(k, inode, index, SGP_WRITE)
    if folio is None:
        return -ENOMEM
    k.step(sites.SHMEM_WRITE_END__COPY, folio.obj, WRITE)
    token = k.new_token()
    folio.page.words[word] = token
    k.watch.stored(k, mm, 0, folio.page, word, token, True)
    k.step(sites.SHMEM_WRITE_END__I_SIZE, slot_obj(inode.id, 0), WRITE)
    inode.i_size = max(inode.i_size, index * WORDS_PER_PAGE + word + 1)
    if not folio.flags & PG_UPTODATE:
        for i in range(WORDS_PER_PAGE):
            if i != word:
                folio.page.words[i] = 0
        folio.flags |= PG_UPTODATE
    folio.flags |= PG_DIRTY
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return 0


assert ops.NR_FILES <= FIRST_SHARED_ANON
assert FIRST_SHARED_ANON + MAX_OPS <= FIRST_OTHER  # each op makes one mapping at most
assert FIRST_OTHER + ops.NR_OTHER_FILES <= 1 << CONTAINER_BITS, "files that steps cannot name"
