# SPDX-License-Identifier: MIT
"""mm/shmem.c (Linux 7.2): the system calls on an open memory file, and its size.

A handle is one open file, which all processes share, position included. Positions and sizes are in
words. Whoever changes the file's size, or what it has and has not, holds its i_rwsem; readers, and
faults, do not.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.errno import EACCES, EINTR, EINVAL
from simulator.mm import shmem
from simulator.mm.filemap import END_OF_FILE, folio_end, mapping_seek_hole_data
from simulator.mm.mm_types import (
    PG_DIRTY,
    PG_UPTODATE,
    REF_TEMP,
    VM_LOCKED,
    VM_MAYWRITE,
    VM_SHARED,
    Inode,
    Mm,
    Vma,
)
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import pfn_to_page
from simulator.mm.unmap_mapping import unmap_mapping_range
from simulator.objects import slot_obj
from simulator.outcome import SKIPPED
from simulator.scenario import WORDS_PER_PAGE
from simulator.sched import core
from simulator.sched.lock import (
    down_write,
    mutex_lock,
    mutex_unlock,
    spin_lock,
    spin_unlock,
    up_write,
)
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

_STATS: Final = (ops.STAT_SIZE, ops.STAT_BLOCKS)
_WHENCE: Final = (ops.SEEK_SET, ops.SEEK_DATA, ops.SEEK_HOLE)


# --- read() and write() ------------------------------------------------------------------------


def pread(k: "Kernel", handle: i64, index: i64, word: i64) -> i64:
    """One word of the file: its token; 0 for a hole, and behind the end."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    return max(0, shmem_file_read_iter(k, inode, index * WORDS_PER_PAGE + word))


def read(k: "Kernel", handle: i64) -> i64:
    """pread() at the position, which moves on by what has been read."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    mutex_lock(k, sites.KSYS_READ__F_POS_LOCK, inode.f_pos_lock)
    value = shmem_file_read_iter(k, inode, inode.f_pos)
    if value >= 0:
        inode.f_pos += 1
    mutex_unlock(k, inode.f_pos_lock)
    return max(0, value)


def shmem_file_read_iter(k: "Kernel", inode: Inode, pos: i64) -> i64:
    """The word at `pos`; -1 behind the end, which is looked at again after the lookup: the file may
    be truncated at any time."""
    k.step(sites.SHMEM_FILE_READ_ITER__I_SIZE, slot_obj(inode.id, 0), READ)
    if pos >= inode.i_size:
        return -1
    index = pos // WORDS_PER_PAGE
    error, folio = shmem.shmem_get_folio(k, inode, index, shmem.SGP_READ, None)
    if error:
        return -1
    if folio is not None:
        mutex_unlock(k, folio.lock)
    k.step(sites.SHMEM_FILE_READ_ITER__I_SIZE_AGAIN, slot_obj(inode.id, 0), READ)
    if pos >= inode.i_size:
        if folio is not None:
            folio_put(k, folio, REF_TEMP)
        return -1
    if folio is None:
        return 0
    page = pfn_to_page(k, folio.pfn + index - folio.index)
    k.step(sites.SHMEM_FILE_READ_ITER__COPY, page.obj, READ)
    word = pos % WORDS_PER_PAGE
    value = page.words[word]
    k.watch.file_loaded(k, inode, page, word)
    folio_put(k, folio, REF_TEMP)
    return value


def pwrite(k: "Kernel", mm: Mm, handle: i64, index: i64, word: i64) -> i64:
    """Store a new token into the file, which grows as needed; 0 or -errno."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    return shmem_file_write_iter(k, mm, inode, index * WORDS_PER_PAGE + word)


def write(k: "Kernel", mm: Mm, handle: i64) -> i64:
    """pwrite() at the position, which moves on by what has been written."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    mutex_lock(k, sites.KSYS_WRITE__F_POS_LOCK, inode.f_pos_lock)
    err = shmem_file_write_iter(k, mm, inode, inode.f_pos)
    if err == 0:
        inode.f_pos += 1
    mutex_unlock(k, inode.f_pos_lock)
    return err


def shmem_file_write_iter(k: "Kernel", mm: Mm, inode: Inode, pos: i64) -> i64:
    down_write(k, sites.SHMEM_FILE_WRITE_ITER__INODE_LOCK, inode.i_rwsem)
    err = generic_perform_write(k, mm, inode, pos)
    up_write(k, inode.i_rwsem)
    return err


def generic_perform_write(k: "Kernel", mm: Mm, inode: Inode, pos: i64) -> i64:
    """Of one word, under the inode's lock."""
    index = pos // WORDS_PER_PAGE
    word = pos % WORDS_PER_PAGE
    error, folio = shmem.shmem_get_folio(k, inode, index, shmem.SGP_WRITE, None)
    if folio is None:
        return error
    page = pfn_to_page(k, folio.pfn + index - folio.index)
    k.step(sites.SHMEM_WRITE_END__COPY, page.obj, WRITE)
    token = k.new_token()
    page.words[word] = token
    k.watch.stored(k, mm, 0, page, word, token, True)
    if pos >= inode.i_size:
        k.step(sites.SHMEM_WRITE_END__I_SIZE, slot_obj(inode.id, 0), WRITE)
        shmem.i_size_write(k, inode, pos + 1)
    if not folio.flags & PG_UPTODATE:
        first = (index - folio.index) * WORDS_PER_PAGE + word
        for i in range(WORDS_PER_PAGE << folio.order):
            if i != first:
                pfn_to_page(k, folio.pfn + i // WORDS_PER_PAGE).words[i % WORDS_PER_PAGE] = 0
        folio.flags |= PG_UPTODATE
    folio.flags |= PG_DIRTY
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return 0


# --- lseek() and fstat() -----------------------------------------------------------------------


def lseek(k: "Kernel", handle: i64, index: i64, word: i64, whence: i64) -> i64:
    """Set the position, which is returned, to the one given, or to the next data or hole there or
    behind: then -ENXIO when there is none, or it would be behind the end."""
    assert whence in _WHENCE
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    pos = index * WORDS_PER_PAGE + word
    mutex_lock(k, sites.KSYS_LSEEK__F_POS_LOCK, inode.f_pos_lock)
    if whence == ops.SEEK_SET:
        inode.f_pos = pos
    else:
        down_write(k, sites.SHMEM_FILE_LLSEEK__INODE_LOCK, inode.i_rwsem)
        pos = mapping_seek_hole_data(k, inode, pos, inode.i_size, whence)
        if pos >= 0:
            inode.f_pos = pos
        up_write(k, inode.i_rwsem)
    mutex_unlock(k, inode.f_pos_lock)
    return pos


def fstat(k: "Kernel", handle: i64, what: i64) -> i64:
    """shmem_getattr(): the size in words, or how many pages have blocks."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    k.step(sites.SHMEM_GETATTR__NRPAGES, slot_obj(inode.id, 0), READ)
    if inode.alloced != inode.nrpages:
        shmem.shmem_recalc_inode(k, inode, 0)
    k.step(sites.SHMEM_GETATTR__FILL, slot_obj(inode.id, 0), READ)
    assert what in _STATS
    return inode.i_size if what == ops.STAT_SIZE else inode.i_blocks


# --- ftruncate() -------------------------------------------------------------------------------


def ftruncate(k: "Kernel", handle: i64, index: i64, word: i64) -> i64:
    """Set the size: 0."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    down_write(k, sites.DO_TRUNCATE__INODE_LOCK, inode.i_rwsem)
    err = shmem_setattr(k, inode, index * WORDS_PER_PAGE + word)
    up_write(k, inode.i_rwsem)
    return err


def shmem_setattr(k: "Kernel", inode: Inode, newsize: i64) -> i64:
    """The new size, under the inode's lock. First nobody can come in behind it, then what is there
    goes; private copies that faults have made meanwhile are looked for again."""
    oldsize = inode.i_size
    if newsize != oldsize:
        k.step(sites.SHMEM_SETATTR__I_SIZE, slot_obj(inode.id, 0), WRITE)
        shmem.make_room(inode, (newsize + WORDS_PER_PAGE - 1) // WORDS_PER_PAGE)
        shmem.i_size_write(k, inode, newsize)
    if newsize > oldsize:
        return 0
    hole = (newsize + WORDS_PER_PAGE - 1) // WORDS_PER_PAGE
    unmaps = oldsize > hole * WORDS_PER_PAGE
    if unmaps:
        unmap_mapping_range(k, inode, hole, END_OF_FILE, True)
    if inode.alloced:
        shmem.shmem_undo_range(k, inode, newsize, END_OF_FILE * WORDS_PER_PAGE, False)
    if unmaps:
        unmap_mapping_range(k, inode, hole, END_OF_FILE, True)
        k.watch.file_truncated(k, inode, hole)
    return 0


# --- fallocate() -------------------------------------------------------------------------------


def fallocate(k: "Kernel", handle: i64, start: i64, end: i64, mode: i64) -> i64:
    """Of pages: 0, -ENOMEM, or -EINTR."""
    inode = k.inodes[handle]
    if not inode.live:
        return SKIPPED
    return shmem_fallocate(k, inode, start, end, mode)


def shmem_fallocate(k: "Kernel", inode: Inode, start: i64, end: i64, mode: i64) -> i64:
    assert mode <= ops.FALLOC_PUNCH_HOLE
    down_write(k, sites.SHMEM_FALLOCATE__INODE_LOCK, inode.i_rwsem)
    err: i64 = 0
    if mode == ops.FALLOC_PUNCH_HOLE:
        punch_hole(k, inode, start, end)
    else:
        err = allocate(k, inode, start, end, mode == ops.FALLOC_KEEP_SIZE)
    up_write(k, inode.i_rwsem)
    return err


def punch_hole(k: "Kernel", inode: Inode, start: i64, end: i64) -> None:
    """FALLOC_FL_PUNCH_HOLE. Faults in the hole wait, or they could keep it from ever being done.
    Private copies stay."""
    spin_lock(k, sites.SHMEM_FALLOCATE__I_PRIVATE, inode.i_lock)
    inode.falloc_start = start
    inode.falloc_next = end
    inode.falloc_by = k.cur.id
    spin_unlock(k, inode.i_lock)
    unmap_mapping_range(k, inode, start, end, False)
    shmem.shmem_undo_range(k, inode, start * WORDS_PER_PAGE, end * WORDS_PER_PAGE - 1, False)
    spin_lock(k, sites.SHMEM_FALLOCATE__WAKE, inode.i_lock)
    inode.falloc_by = -1
    waiters = inode.falloc_waiters
    inode.falloc_waiters = 0
    spin_unlock(k, inode.i_lock)
    if waiters:
        core.wake(k, waiters)


def allocate(k: "Kernel", inode: Inode, start: i64, end: i64, keep_size: bool) -> i64:
    """Pages, not up to date. When memory runs out those that it has added go again."""
    undo_fallocend = inode.fallocend
    inode.fallocend = max(undo_fallocend, end)
    index = start
    while index < end:
        error: i64 = -EINTR
        if not k.cur.killed:
            error, folio = shmem.shmem_get_folio(k, inode, index, shmem.SGP_FALLOC, None)
        if error:
            k.sometimes(features.Z_FALLOCATE_UNDONE)
            inode.fallocend = undo_fallocend
            if index > start:
                shmem.shmem_undo_range(
                    k, inode, start * WORDS_PER_PAGE, index * WORDS_PER_PAGE - 1, True
                )
            return error
        assert folio is not None
        index = folio_end(folio)
        folio.flags |= PG_DIRTY
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
    if not keep_size and end * WORDS_PER_PAGE > inode.i_size:
        k.step(sites.SHMEM_FALLOCATE__I_SIZE, slot_obj(inode.id, 0), WRITE)
        shmem.i_size_write(k, inode, end * WORDS_PER_PAGE)
    return 0


# --- MADV_REMOVE -------------------------------------------------------------------------------


def may_remove(vma: Vma) -> i64:
    """Whether MADV_REMOVE may punch into the VMA's file: 0 or -errno."""
    if vma.flags & VM_LOCKED or vma.inode is None:
        return -EINVAL
    if vma.flags & (VM_SHARED | VM_MAYWRITE) != VM_SHARED | VM_MAYWRITE:
        return -EACCES
    return 0


def remove(k: "Kernel", inode: Inode, start: i64, end: i64) -> i64:
    """vfs_fallocate() of what MADV_REMOVE removes: nothing of opaque files, which have no pages."""
    if inode.opaque:
        return 0
    return shmem_fallocate(k, inode, start, end, ops.FALLOC_PUNCH_HOLE)
