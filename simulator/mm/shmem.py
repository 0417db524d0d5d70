# SPDX-License-Identifier: MIT
"""mm/shmem.c (Linux 7.2): memory files, the folios in their page cache, and faults on them.

Contract: a folio of the cache holds a reference a page (REF_CACHE) from its insertion until it is
truncated or its inode is evicted, which happens when the last open file (handle or VMA) is gone.
Lookups return the folio locked, with a reference (REF_TEMP). Indices are in pages, sizes in words.
The system calls on open files are in shmem_file.py.

Not modelled: reclaim; `x` files of imported programs have no pages at all, so a touch of their
mappings is a SIGBUS.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.build.native import vec
from simulator.errno import EEXIST, EINVAL, ENOENT, ENOMEM
from simulator.lib import xarray
from simulator.lock_classes import LC_FALLOC, LC_FOLIO
from simulator.mm import mmap_lock, page_alloc, swap, userfaultfd, vma_file
from simulator.mm.filemap import (
    END_OF_FILE,
    filemap_get_entry,
    filemap_remove_folio,
    find_get_entries,
    find_lock_entries,
    folio_end,
    release_batch,
    xa_lock_irq,
    xa_unlock_irq,
)
from simulator.mm.mm_types import (
    PG_DIRTY,
    PG_SWAPBACKED,
    PG_UPTODATE,
    REF_CACHE,
    REF_OWNER,
    REF_TEMP,
    VM_UFFD_MINOR,
    VM_UFFD_MISSING,
    Folio,
    Inode,
    SuperOperations,
    fill,
)
from simulator.mm.page_ref import folio_get, folio_put, move_ref
from simulator.mm.pgtable import pfn_to_page
from simulator.mm.rmap import linear_page_index
from simulator.mm.truncate import truncate_inode_folio, truncate_inode_partial_folio
from simulator.mm.vm_fault import (
    FAULT_FLAG_ALLOW_RETRY,
    FAULT_FLAG_TRIED,
    FAULT_FLAG_VMA_LOCK,
    VM_FAULT_NOPAGE,
    VM_FAULT_OOM,
    VM_FAULT_RETRY,
    VM_FAULT_SIGBUS,
)
from simulator.objects import CONTAINER_BITS, OBJ_NONE, slot_obj
from simulator.scenario import MAX_OPS, WORDS_PER_PAGE
from simulator.sched import core
from simulator.sched.lock import acquired, mutex_lock, mutex_unlock, spin_lock, spin_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.mm.vm_fault import VmFault
    from simulator.state import Kernel

# enum sgp_type: what a missing page means to the caller.
SGP_READ: Final = 0  # a hole stays a hole
SGP_NOALLOC: Final = 1  # an error
SGP_CACHE: Final = 2  # allocate, zeroed
SGP_WRITE: Final = 3  # allocate, even behind the end; the caller fills it
SGP_FALLOC: Final = 4  # the same, and whoever uses it zeroes it

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
    inode.s_op = ShmemOperations()
    inode.refs = 1
    inode.opened_at = k.cur.site
    make_room(inode, pages)
    i_size_write(k, inode, pages * WORDS_PER_PAGE)


def make_room(inode: Inode, pages: i64) -> None:
    """There can be that many pages; what is new reads as zeroes."""
    xarray.reserve(inode.i_pages, pages)
    if len(inode.expected) < pages * WORDS_PER_PAGE:
        expected = vec[i64]([0] * (pages * WORDS_PER_PAGE))
        for i in range(len(inode.expected)):
            expected[i] = inode.expected[i]
        inode.expected = expected


def i_size_write(k: "Kernel", inode: Inode, words: i64) -> None:
    """Whoever changes the size holds the inode's lock, or has the file for itself."""
    inode.i_size = words
    inode.sized_at = k.cur.site


class ShmemOperations(SuperOperations):
    """shmem_ops"""

    def evict_inode(self, k: "Kernel", inode: Inode) -> None:
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
    k.step(sites.SHMEM_EVICT_INODE__REMOVE, slot_obj(inode.id, 0), WRITE)
    inode.i_size = 0
    shmem_undo_range(k, inode, 0, END_OF_FILE * WORDS_PER_PAGE, False)
    k.watch.inode_evicted(k, inode)
    inode.live = False


def release_all(k: "Kernel") -> None:
    """The End: handles close. No process is left, so no VMA holds a file either."""
    for inode in k.inodes:
        if inode.live:
            vma_file.fput(k, inode)
            check_gone(k, inode)
    for inode in k.other_files:
        vma_file.fput(k, inode)
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


def shmem_get_folio(
    k: "Kernel", inode: Inode, index: i64, sgp: i64, vmf: "VmFault | None"
) -> tuple[i64, Folio | None]:
    """shmem_get_folio_gfp(): 0 and the folio at `index`, locked and with a reference; or no folio
    and the error: -EINVAL behind the end of the file, -ENOMEM, 0 for a hole for SGP_READ, -ENOENT
    for one for SGP_NOALLOC. `vmf` is the fault that asks, if one does."""
    while True:
        if sgp <= SGP_CACHE and is_behind_end(k, inode, index):
            return -EINVAL, None
        folio = filemap_get_entry(k, sites.SHMEM_GET_FOLIO__LOOKUP, inode, index)
        alloced = False
        if folio is not None and vmf is not None and vmf.vma.flags & VM_UFFD_MINOR:
            folio_put(k, folio, REF_TEMP)
            vmf.fault_type = userfaultfd.handle_userfault(k, vmf, VM_UFFD_MINOR)
            return 0, None
        if folio is not None:
            mutex_lock(k, sites.SHMEM_GET_FOLIO__LOCK, folio.lock)
            if folio.inode is not inode:
                k.sometimes(features.Z_PAGE_CACHE_RACE)
                mutex_unlock(k, folio.lock)
                folio_put(k, folio, REF_TEMP)
                k.retry(sites.SHMEM_GET_FOLIO__AGAIN)
                continue
            k.watch.cache_found(k, inode, index, folio)
            if folio.flags & PG_UPTODATE:
                return 0, folio
            if sgp == SGP_READ:
                mutex_unlock(k, folio.lock)
                folio_put(k, folio, REF_TEMP)
                folio = None
        if folio is None:
            if sgp == SGP_READ:
                return 0, None
            if sgp == SGP_NOALLOC:
                return -ENOENT, None
            if vmf is not None and vmf.vma.flags & VM_UFFD_MISSING:
                vmf.fault_type = userfaultfd.handle_userfault(k, vmf, VM_UFFD_MISSING)
                return 0, None
            error, folio = shmem_alloc_and_add_folio(k, inode, index)
            if error == -EEXIST:
                k.sometimes(features.Z_PAGE_CACHE_RACE)
                k.retry(sites.SHMEM_GET_FOLIO__AGAIN)
                continue
            if folio is None:
                shmem_recalc_inode(k, inode, 0)
                return error, None
            alloced = True
            if vmf is not None:
                k.watch.hole_filled(k, vmf.mm, vmf.va)
            if sgp == SGP_FALLOC:
                return 0, folio  # fallocate() leaves it to be cleared by whoever uses it
        behind = False
        if not alloced and sgp <= SGP_CACHE and not k.bug.shmem_fault_keeps_page_behind_end:
            behind = is_behind_end(k, inode, index)  # fallocate() would not undo what is in use
        if sgp != SGP_WRITE and not behind:
            clear_folio(k, folio)
        if behind or (sgp <= SGP_CACHE and is_behind_end(k, inode, index)):
            k.sometimes(features.Z_FAULT_RACED_TRUNCATE)
            if alloced:
                filemap_remove_folio(k, folio)
            shmem_recalc_inode(k, inode, 0)
            mutex_unlock(k, folio.lock)
            folio_put(k, folio, REF_TEMP)
            return -EINVAL, None
        return 0, folio


def is_behind_end(k: "Kernel", inode: Inode, index: i64) -> bool:
    """Whether the page begins at or behind i_size, which may change at any time."""
    k.step(sites.SHMEM_GET_FOLIO__I_SIZE, slot_obj(inode.id, 0), READ)
    return index * WORDS_PER_PAGE >= inode.i_size


def clear_folio(k: "Kernel", folio: Folio) -> None:
    """A new folio, or one that fallocate() has left, becomes zeroes and up to date."""
    k.step(sites.SHMEM_GET_FOLIO__CLEAR, folio.obj, WRITE)
    for i in range(1 << folio.order):
        fill(pfn_to_page(k, folio.pfn + i), 0)
    folio.flags |= PG_UPTODATE


def shmem_alloc_and_add_folio(k: "Kernel", inode: Inode, index: i64) -> tuple[i64, Folio | None]:
    """A new folio in the page cache: locked, not yet up to date. -ENOMEM, or -EEXIST: somebody
    else's folio is there already."""
    folio = page_alloc.folio_alloc(k, sites.SHMEM_ALLOC_FOLIO__ALLOC, False)
    if folio is None:
        return -ENOMEM, None
    folio.lock.owner = k.cur.id  # __folio_set_locked(): nobody can see it yet
    acquired(k, k.cur, LC_FOLIO, ordered=False)
    folio.flags |= PG_SWAPBACKED
    error = shmem_add_to_page_cache(k, inode, folio, index)
    if error:
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_OWNER)
        return error, None
    move_ref(k, folio, REF_OWNER, REF_TEMP)
    shmem_inode_acct_blocks(k, inode, 1 << folio.order)
    shmem_recalc_inode(k, inode, 1 << folio.order)
    swap.folio_add_lru(k, folio)
    return 0, folio


def shmem_add_to_page_cache(k: "Kernel", inode: Inode, folio: Folio, index: i64) -> i64:
    """The locked folio enters the cache where nothing is: 0 or -EEXIST."""
    pages: i64 = 1 << folio.order
    make_room(inode, index + pages)
    for _ in range(pages):
        folio_get(k, folio, REF_CACHE)
    folio.inode = inode
    folio.index = index
    xa_lock_irq(k, sites.SHMEM_ADD_TO_PAGE_CACHE__LOCK, inode)
    k.step(sites.SHMEM_ADD_TO_PAGE_CACHE__INSERT, slot_obj(inode.id, index), WRITE)
    if xarray.find(inode.i_pages, index, index + pages - 1) >= 0:
        xa_unlock_irq(k, inode)
        folio.inode = None
        for _ in range(pages):
            folio_put(k, folio, REF_CACHE)
        return -EEXIST
    k.watch.cache_adding(k, inode, index, xarray.load(inode.i_pages, index))
    xarray.store(inode.i_pages, index, folio.order, folio)
    inode.nrpages += pages
    if folio.flags & PG_UPTODATE:
        k.watch.cache_filled(k, inode, folio)
    xa_unlock_irq(k, inode)
    return 0


def shmem_inode_acct_blocks(k: "Kernel", inode: Inode, pages: i64) -> None:
    """So many pages more belong to the file. There is no limit on them."""
    inode.i_blocks += pages


def shmem_recalc_inode(k: "Kernel", inode: Inode, alloced: i64) -> None:
    """Blocks follow what the cache has lost since they were counted last."""
    k.step(sites.SHMEM_RECALC_INODE__NRPAGES, slot_obj(inode.id, 0), WRITE)
    inode.alloced += alloced
    freed = inode.alloced - inode.nrpages
    if freed > 0:
        inode.alloced -= freed
        inode.i_blocks -= freed


def shmem_mfill_filemap_add(k: "Kernel", inode: Inode, folio: Folio, index: i64) -> i64:
    """A folio that is complete enters the cache where nothing is: 0, and it is locked; or
    -EEXIST."""
    folio.lock.owner = k.cur.id  # __folio_set_locked()
    acquired(k, k.cur, LC_FOLIO, ordered=False)
    folio.flags |= PG_SWAPBACKED
    error = shmem_add_to_page_cache(k, inode, folio, index)
    if error:
        mutex_unlock(k, folio.lock)
        return error
    shmem_inode_acct_blocks(k, inode, 1)
    swap.folio_add_lru(k, folio)
    shmem_recalc_inode(k, inode, 1)
    return 0


def shmem_mfill_filemap_remove(k: "Kernel", inode: Inode, folio: Folio) -> None:
    """It could not be mapped."""
    filemap_remove_folio(k, folio)
    shmem_recalc_inode(k, inode, 0)
    mutex_unlock(k, folio.lock)


# --- truncation --------------------------------------------------------------------------------


def shmem_get_partial_folio(k: "Kernel", inode: Inode, index: i64) -> Folio | None:
    """The folio at `index`, locked, be it behind the end of the file or not up to date."""
    folio = filemap_get_entry(k, sites.SHMEM_GET_PARTIAL_FOLIO__LOOKUP, inode, index)
    if folio is None:
        return None
    mutex_lock(k, sites.SHMEM_GET_PARTIAL_FOLIO__LOCK, folio.lock)
    if folio.inode is inode:
        return folio
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return shmem_get_folio(k, inode, index, SGP_READ, None)[1]


def shmem_undo_range(k: "Kernel", inode: Inode, lstart: i64, lend: i64, unfalloc: bool) -> None:
    """Remove lstart..lend, in words, from the page cache: first what can be locked at once, then
    the pages that are there in part only, then everything that is left. With `unfalloc` only what
    is not up to date, and no parts. END_OF_FILE pages have no end: they are looked for again until
    nothing is there."""
    start = (lstart + WORDS_PER_PAGE - 1) // WORDS_PER_PAGE
    end = (lend + 1) // WORDS_PER_PAGE
    to_the_end = end >= END_OF_FILE
    if start < inode.fallocend <= end and not unfalloc:
        inode.fallocend = start
    fbatch: list[Folio] = []
    index = start
    while index < end:
        index = find_lock_entries(k, inode, index, end - 1, fbatch)
        if not fbatch:
            break
        for folio in fbatch:
            if not unfalloc or not folio.flags & PG_UPTODATE:
                truncate_inode_folio(k, inode, folio)
            mutex_unlock(k, folio.lock)
        release_batch(k, fbatch)
    if not unfalloc:
        start, end = undo_partial(k, inode, lstart, lend, start, end)
    undo_whole(k, inode, lstart, lend, start, end, unfalloc, to_the_end)
    shmem_recalc_inode(k, inode, 0)


def undo_partial(
    k: "Kernel", inode: Inode, lstart: i64, lend: i64, start: i64, end: i64
) -> tuple[i64, i64]:
    """The pages at the ends of lstart..lend. Returns what is left of start..end: a large folio that
    could not be split keeps its pages."""
    same_folio = lstart // WORDS_PER_PAGE == lend // WORDS_PER_PAGE
    folio = shmem_get_partial_folio(k, inode, lstart // WORDS_PER_PAGE)
    if folio is not None:
        same_folio = lend < folio_end(folio) * WORDS_PER_PAGE
        folio.flags |= PG_DIRTY
        behind = folio_end(folio)
        if not truncate_inode_partial_folio(k, folio, lstart, lend):
            start = behind
            if same_folio:
                end = folio.index
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
    if not same_folio and lend < END_OF_FILE:  # nothing is there otherwise
        folio = shmem_get_partial_folio(k, inode, lend // WORDS_PER_PAGE)
        if folio is not None:
            folio.flags |= PG_DIRTY
            if not truncate_inode_partial_folio(k, folio, lstart, lend):
                end = folio.index
            mutex_unlock(k, folio.lock)
            folio_put(k, folio, REF_TEMP)
    return start, end


def undo_whole(
    k: "Kernel",
    inode: Inode,
    lstart: i64,
    lend: i64,
    start: i64,
    end: i64,
    unfalloc: bool,
    to_the_end: bool,
) -> None:
    """All folios of start..end-1, waiting for their locks."""
    fbatch: list[Folio] = []
    index = start
    while index < end:
        indices: list[int] = []
        begun = index
        index = find_get_entries(k, inode, index, end - 1, fbatch, indices)
        if not fbatch:
            if begun == start or not to_the_end:
                return
            index = start
            continue
        for i in range(len(fbatch)):
            folio = fbatch[i]
            mutex_lock(k, sites.SHMEM_UNDO_RANGE__LOCK, folio.lock)
            if unfalloc and folio.flags & PG_UPTODATE:
                mutex_unlock(k, folio.lock)
                continue
            if folio.inode is not inode:
                mutex_unlock(k, folio.lock)
                k.retry(sites.SHMEM_UNDO_RANGE__AGAIN)
                index = indices[i]
                break
            if folio.order == 0:
                truncate_inode_folio(k, inode, folio)
            elif truncate_inode_partial_folio(k, folio, lstart, lend):
                if folio.order == 0:
                    mutex_unlock(k, folio.lock)
                    index = start  # it has been split: pick its parts up
                    break
            elif folio.index < start and not k.bug.shmem_undo_range_spins:
                start = folio_end(folio)  # as above: it will not go
            mutex_unlock(k, folio.lock)
        release_batch(k, fbatch)


# --- faults ------------------------------------------------------------------------------------


def shmem_fault(k: "Kernel", vmf: "VmFault") -> i64:
    """Bring the page behind a faulting address into `vmf.page`, its folio locked: 0 or
    VM_FAULT_*."""
    inode = vmf.vma.inode
    assert inode is not None
    if inode.falloc_by >= 0:
        ret = shmem_falloc_wait(k, vmf, inode)
        if ret:
            return ret
    index = linear_page_index(vmf.vma, vmf.va)
    error, folio = shmem_get_folio(k, inode, index, SGP_CACHE, vmf)
    if folio is not None:
        vmf.page = pfn_to_page(k, folio.pfn + index - folio.index)
        return 0
    if vmf.fault_type:
        return vmf.fault_type
    return VM_FAULT_OOM if error == -ENOMEM else VM_FAULT_SIGBUS  # vmf_error()


def shmem_falloc_wait(k: "Kernel", vmf: "VmFault", inode: Inode) -> i64:
    """A fault in a hole that is being punched waits for the end of that, without its lock if it
    can; 0: it is elsewhere."""
    t = k.cur
    index = linear_page_index(vmf.vma, vmf.va)
    spin_lock(k, sites.SHMEM_FALLOC_WAIT__I_LOCK, inode.i_lock)
    if inode.falloc_by < 0 or not inode.falloc_start <= index < inode.falloc_next:
        spin_unlock(k, inode.i_lock)
        return 0
    k.sometimes(features.Z_FAULT_WAITED_FOR_PUNCH)
    unlocked = maybe_unlock_mmap_for_io(k, vmf, inode)
    bit: i64 = 1 << t.id
    inode.falloc_waiters |= bit
    spin_unlock(k, inode.i_lock)
    while inode.falloc_waiters & bit:
        core.block(k, inode.falloc_by, LC_FALLOC, inode.i_rwsem.obj, sleeps=True)
    if not unlocked:
        return VM_FAULT_NOPAGE
    vma_file.fput(k, inode)
    return VM_FAULT_RETRY


def maybe_unlock_mmap_for_io(k: "Kernel", vmf: "VmFault", inode: Inode) -> bool:
    """Drop the lock of a fault that may be tried again, with a count on the file, which the VMA
    might be the last to have."""
    if vmf.flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED) != FAULT_FLAG_ALLOW_RETRY:
        return False
    vma_file.get_file(inode)
    if vmf.flags & FAULT_FLAG_VMA_LOCK:
        mmap_lock.vma_end_read(k, vmf.vma)
    else:
        mmap_lock.mmap_read_unlock(k, vmf.mm)
    return True


assert ops.NR_FILES <= FIRST_SHARED_ANON
assert FIRST_SHARED_ANON + MAX_OPS <= FIRST_OTHER  # each op makes one mapping at most
assert FIRST_OTHER + ops.NR_OTHER_FILES <= 1 << CONTAINER_BITS, "files that steps cannot name"
