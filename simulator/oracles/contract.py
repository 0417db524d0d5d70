# SPDX-License-Identifier: MIT
"""O21 contract: what a call returns, and what it has done when it says that it has.

Results: a number that the call's manual page knows. What an internal function answers
another one (-EBUSY: lock again, -EMLINK: unshare first) must not get out.

Effects: the state of VMAs and page tables that a successful call promises. They are compared
when no other op ran meanwhile; otherwise others may have changed them again, legally.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import ops, sites
from simulator.errno import EAGAIN, EFAULT, EINTR, EIO, ENOMEM
from simulator.lib import xarray
from simulator.lib.maple_tree import find_vma_intersection, vma_index, vma_lookup
from simulator.mm import mmap
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_UFFD_WP,
    PTE_WRITE,
    REF_CACHE,
    SWP_MARKER_GUARD,
    SWP_MARKER_POISON,
    SWP_MARKER_UFFD_WP,
    VM_ACCESS_FLAGS,
    VM_DONTCOPY,
    VM_DONTDUMP,
    VM_DROPPABLE,
    VM_EXEC,
    VM_HUGEPAGE,
    VM_LOCKED,
    VM_LOCKED_MASK,
    VM_NOHUGEPAGE,
    VM_RAND_READ,
    VM_READ,
    VM_SEQ_READ,
    VM_SHARED,
    VM_SOFTDIRTY,
    VM_UFFD_FLAGS,
    VM_UFFD_MINOR,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    VM_WIPEONFORK,
    VM_WRITE,
    Inode,
    Mm,
    is_device_private_pte,
    is_swap_pte,
    pte_kind,
    pte_present,
    userfaultfd_wp_use_markers,
)
from simulator.mm.page_ref import folio_maybe_dma_pinned
from simulator.mm.pgtable import next_entry, peek, pfn_to_page
from simulator.oracles.memory_value import LogicalPages
from simulator.outcome import SIGKILL, SIGSEGV, SKIPPED, result_name
from simulator.scenario import WORDS_PER_PAGE, Op
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel

# Ops whose effect is looked at, and those of which only the result is known.
_EFFECTS: Final = (
    ops.OP_MMAP,
    ops.OP_MUNMAP,
    ops.OP_MREMAP,
    ops.OP_MPROTECT,
    ops.OP_MADVISE,
    ops.OP_FORK,
    ops.OP_CLEAR_REFS,
    ops.OP_MLOCK,
    ops.OP_MLOCK2,
    ops.OP_MUNLOCK,
    ops.OP_UFFD_REGISTER,
    ops.OP_UFFD_UNREGISTER,
    ops.OP_UFFD_COPY,
    ops.OP_UFFD_ZEROPAGE,
    ops.OP_FTRUNCATE,
    ops.OP_FALLOCATE,
    ops.OP_UFFD_WRITEPROTECT,
    ops.OP_UFFD_CONTINUE,
    ops.OP_UFFD_POISON,
)
_RESULTS: Final = (
    ops.OP_READ,
    ops.OP_WRITE,
    ops.OP_EXIT,
    ops.OP_MEMFD,
    ops.OP_PREAD,
    ops.OP_PWRITE,
    ops.OP_PAGEMAP,
    ops.OP_MEM_READ,
    ops.OP_MEM_WRITE,
    ops.OP_PIN,
    ops.OP_PIN_FAST,
    ops.OP_UNPIN,
    ops.OP_DMA_READ,
    ops.OP_DMA_WRITE,
    ops.OP_VMSPLICE,
    ops.OP_PIPE_READ,
    ops.OP_SLEEP,
    ops.OP_MIGRATE_TO_DEVICE,
    ops.OP_MIGRATE_TO_RAM,
    ops.OP_DEVICE_READ,
    ops.OP_DEVICE_WRITE,
    ops.OP_MINCORE,
    ops.OP_SCAN,
    ops.OP_RECLAIM,
    ops.OP_SWAPOFF,
    ops.OP_DEVICE_EXCLUSIVE,
    ops.OP_DEVICE_ATOMIC,
    ops.OP_KILL,
    ops.OP_PROCMAP,
    ops.OP_DEVICE_OPEN,
    ops.OP_DEVICE_CLOSE,
    ops.OP_LSEEK,
    ops.OP_FILE_READ,
    ops.OP_FILE_WRITE,
    ops.OP_FSTAT,
    ops.OP_MLOCKALL,
    ops.OP_USERFAULTFD,
    ops.OP_UFFD_CLOSE,
    ops.OP_UFFD_WAKE,
    ops.OP_UFFD_READ,
    ops.OP_MUNLOCKALL,  # what cannot be locked is passed over
)
_NOT_INHERITED: Final = VM_LOCKED_MASK | VM_UFFD_FLAGS  # flags of VMAs
# What a call of a process that is being killed may say: nobody will see it.
_KILLED: Final = (SIGKILL, -EINTR, -EAGAIN, -ENOMEM, -EIO)
RETURNS_ZERO: Final = [  # by op
    number in ops.BY_NUMBER and ops.BY_NUMBER[number].returns == ops.ZERO
    for number in range(max(ops.BY_NUMBER) + 1)
]
ops.of_every_op("contract: _EFFECTS and _RESULTS", (*_EFFECTS, *_RESULTS))
ADVISED: Final[dict[int, tuple[int, int]]] = {  # by advice: the flags it is about, and their value
    ops.MADV_NORMAL: (VM_RAND_READ | VM_SEQ_READ, 0),
    ops.MADV_RANDOM: (VM_RAND_READ | VM_SEQ_READ, VM_RAND_READ),
    ops.MADV_SEQUENTIAL: (VM_RAND_READ | VM_SEQ_READ, VM_SEQ_READ),
    ops.MADV_DONTFORK: (VM_DONTCOPY, VM_DONTCOPY),
    ops.MADV_DOFORK: (VM_DONTCOPY, 0),
    ops.MADV_WIPEONFORK: (VM_WIPEONFORK, VM_WIPEONFORK),
    ops.MADV_KEEPONFORK: (VM_WIPEONFORK, 0),
    ops.MADV_DONTDUMP: (VM_DONTDUMP, VM_DONTDUMP),
    ops.MADV_DODUMP: (VM_DONTDUMP, 0),
    ops.MADV_HUGEPAGE: (VM_HUGEPAGE | VM_NOHUGEPAGE, VM_HUGEPAGE),
    ops.MADV_NOHUGEPAGE: (VM_HUGEPAGE | VM_NOHUGEPAGE, VM_NOHUGEPAGE),
}
_PAGES_ADVISED: Final = (  # advices whose effect is on page table entries
    ops.MADV_DONTNEED,
    ops.MADV_POPULATE_READ,
    ops.MADV_POPULATE_WRITE,
    ops.MADV_GUARD_INSTALL,
    ops.MADV_GUARD_REMOVE,
    ops.MADV_REMOVE,
)
# They promise nothing that shows at once.
_HINTS: Final = (
    ops.MADV_WILLNEED,
    ops.MADV_FREE,
    ops.MADV_COLD,
    ops.MADV_PAGEOUT,
    ops.MADV_COLLAPSE,
)
ops.of_every_advice(
    "contract: ADVISED, _PAGES_ADVISED and _HINTS", (*ADVISED, *_PAGES_ADVISED, *_HINTS)
)


def check(k: "Kernel", values: LogicalPages, t: Task, op: Op, result: i64, faulted: i64) -> None:
    """`op` is about to return `result` to its actor, which last tried to resolve a fault when so
    many ops had begun."""
    alone = k.sched.nr_begun == t.alone
    if result < 0:
        failed(k, t, op, result, alone)
        if result == -EFAULT and alone and faulted != t.alone:
            device_gave_up(k, t, op)
        return
    code: i64 = op.code
    if code == ops.OP_READ or code == ops.OP_WRITE or not alone:
        return
    mm = t.mm
    if mm is None:
        return
    if RETURNS_ZERO[code]:
        value(k, code, result, 0)
    a = op.args
    if code == ops.OP_MADVISE:
        madvised(k, mm, a[0], a[1], a[2])
    elif code == ops.OP_MMAP:
        value(k, code, result, a[0])
        mmapped(k, mm, op)
    elif code == ops.OP_MUNMAP:
        unmapped(k, mm, a[0], a[1], sites.VM_MUNMAP__LOCK)
    elif code == ops.OP_MPROTECT:
        has_flags(k, mm, a[0], a[1], VM_ACCESS_FLAGS, a[2], sites.MPROTECT_FIXUP__SET_FLAGS)
    elif code == ops.OP_MREMAP:
        value(k, code, result, a[2])
        mremapped(k, mm, op)
    elif code == ops.OP_FORK:
        value(k, code, result, a[0])
        forked(k, values, mm, k.tasks[a[0]].mm)
    elif code == ops.OP_CLEAR_REFS and a[0]:
        soft_dirty_cleared(k, mm)
    elif code == ops.OP_MLOCK or code == ops.OP_MLOCK2:
        onfault: i64 = a[2] if code == ops.OP_MLOCK2 else 0
        locked(k, mm, a[0], a[1], VM_LOCKED, onfault == 0)
    elif code == ops.OP_MUNLOCK:
        locked(k, mm, a[0], a[1], 0, False)
    elif code == ops.OP_UFFD_REGISTER or code == ops.OP_UFFD_UNREGISTER:
        registered(k, a[0], a[1], a[2], a[3] if code == ops.OP_UFFD_REGISTER else 0)
    elif code in (ops.OP_UFFD_COPY, ops.OP_UFFD_ZEROPAGE, ops.OP_UFFD_CONTINUE):
        filled(k, a[0], a[1], a[2])
    elif code == ops.OP_UFFD_POISON:
        poisoned(k, a[0], a[1], a[2])
    elif code == ops.OP_FTRUNCATE:
        sized(k, k.inodes[a[0] >> 2], a[1] * WORDS_PER_PAGE + (a[0] & 3))
    elif code == ops.OP_FALLOCATE:
        allocated(k, k.inodes[a[0]], a[1], a[1] + a[2], a[3])
    elif code == ops.OP_UFFD_WRITEPROTECT:
        write_protected(k, a[0], a[1], a[2], a[3] & ops.WRITEPROTECT_WP != 0)


def failed(k: "Kernel", t: Task, op: Op, result: i64, alone: bool) -> None:
    """A call failed: the number is one it may fail with, and an access fails for a reason."""
    spec = ops.BY_NUMBER[op.code]
    if t.killed and result in _KILLED:
        return
    if result != SKIPPED and result not in spec.failures:
        name = result_name(result) if result <= SIGSEGV else f"errno {-result}"
        k.violate(
            "contract",
            spec.entry,
            "errno",
            f"op {op.uid} failed with {name}, which {spec.name} does not do",
        )
    mm = t.mm
    if not alone or mm is None:
        return
    if op.code == ops.OP_MADVISE and op.args[2] == ops.MADV_COLLAPSE and result == -EAGAIN:
        not_again(k, mm, op)
    if result != SIGSEGV:
        return
    va = op.args[0] // WORDS_PER_PAGE
    vma = vma_lookup(mm, va)
    need = VM_WRITE if op.code == ops.OP_WRITE else VM_READ | VM_WRITE | VM_EXEC
    if vma is not None and vma.flags & need and pte_kind(peek(k, mm, va)) != SWP_MARKER_GUARD:
        k.violate(
            "contract",
            sites.DO_USER_ADDR_FAULT__BEGIN,
            "vma",
            f"op {op.uid} got SIGSEGV at page {va}, which its VMA allows",
        )


def device_gave_up(k: "Kernel", t: Task, op: Op) -> None:
    """A device's access fails, and no fault was tried: then there is nothing that a fault could
    bring. Another device's memory is not nothing."""
    d = t.device
    if d is None or op.code not in (ops.OP_DEVICE_READ, ops.OP_DEVICE_WRITE):
        return
    mm = d.mm
    va = op.args[0] // WORDS_PER_PAGE
    vma = vma_lookup(mm, va)
    if mm.users and vma is not None and vma.flags & VM_READ:
        if is_device_private_pte(peek(k, mm, va)):
            k.violate(
                "contract",
                sites.HMM_VMA_HANDLE_PTE__READ,
                "device-private",
                f"hmm_range_fault() gives up page {va}, which is in the memory of another device: "
                "a fault brings it back",
            )


def holes_filling(k: "Kernel", order: i64, holes: i64) -> None:
    """What is made smaller than a PMD maps is either allowed to be of holes but for one page, or
    must not fill any: a limit in between makes every collapse a reason for the next larger one
    (Documentation/admin-guide/mm/transhuge.rst)."""
    limit = k.max_ptes_none
    if order != k.pmd_order:
        limit = (1 << order) - 1 if limit == k.ptrs_per_pte - 1 else 0
    if holes > limit:
        k.violate(
            "contract",
            k.cur.site,
            "anon",
            f"khugepaged fills {holes} holes to make a folio of {1 << order} pages, "
            f"max_ptes_none={k.max_ptes_none} allows {limit}",
        )


def not_again(k: "Kernel", mm: Mm, op: Op) -> None:
    """MADV_COLLAPSE of one huge page of anonymous memory asks to be tried again, whose first page
    is missing, which userfaultfd waits for: it will never be otherwise. Of a file what is there is
    looked at before what is missing."""
    size = k.ptrs_per_pte
    first = (op.args[0] + size - 1) // size * size
    vma = vma_lookup(mm, first)
    if vma is None or not vma.flags & VM_UFFD_MISSING or op.args[1] // size * size != first + size:
        return
    if vma.inode is not None:
        return
    if peek(k, mm, first) == 0:
        k.violate(
            "contract",
            sites.MADVISE_COLLAPSE__RELOCK,
            "errno",
            f"op {op.uid} failed with EAGAIN, and nothing will be otherwise the next time",
        )


def value(k: "Kernel", code: i64, result: i64, want: i64) -> None:
    if result != want:
        spec = ops.BY_NUMBER[code]
        k.violate(
            "contract",
            spec.entry,
            "errno",
            f"{spec.name} returned {result}, and should return {want}",
        )


# --- effects -----------------------------------------------------------------------------------


def unmapped(k: "Kernel", mm: Mm, start: i64, end: i64, site: i64) -> None:
    """No VMA and no entry in [start, end)."""
    vma = find_vma_intersection(mm, start, end)
    if vma is not None:
        k.violate("contract", site, "vma", f"VMA {vma.start}..{vma.end} is left in {start}..{end}")
    empty(k, mm, start, end, site)


def empty(k: "Kernel", mm: Mm, start: i64, end: i64, site: i64) -> None:
    """No entry in [start, end)."""
    va = next_entry(k, mm, start, end)
    if va < end:
        k.violate("contract", site, "pte", f"page {va} should have no entry, and has one")


def mmapped(k: "Kernel", mm: Mm, op: Op) -> None:
    """One mapping as it was asked for, and nothing in it yet."""
    a = op.args
    start: i64 = a[0]
    end: i64 = a[1]
    vma = vma_lookup(mm, start)
    site = sites.VM_MMAP_PGOFF__LOCK
    if vma is None or vma.end < end:
        k.violate("contract", site, "vma", f"mmap() has not mapped all of {start}..{end}")
        return
    shared = vma.flags & VM_SHARED != 0
    if vma.flags & VM_ACCESS_FLAGS != a[2] or shared != (a[3] != 0):
        k.violate(
            "contract", site, "vma", f"VMA {vma.start}..{vma.end} has not the flags asked for"
        )
    inode = vma.inode
    if a[4] == 0:
        wrong = inode is not None and not shared
    else:
        wrong = inode is not mmap.backing_file(k, a[4]) or vma.pgoff + start - vma.start != a[5]
    if wrong:
        k.violate(
            "contract", site, "vma", f"VMA {vma.start}..{vma.end} maps not what was asked for"
        )
    prefaulted = a[6] & (ops.MMAP_POPULATE | ops.MMAP_LOCKED) or mm.def_flags & VM_LOCKED
    if not prefaulted:
        empty(k, mm, start, end, site)


def has_flags(k: "Kernel", mm: Mm, start: i64, end: i64, mask: i64, want: i64, site: i64) -> None:
    """[start, end) is mapped without a hole, by VMAs with these flags."""
    va = start
    i = vma_index(mm, start)
    while va < end:
        vma = mm.vmas[i] if i < len(mm.vmas) else None
        if vma is None or vma.start > va or vma.flags & mask != want:
            k.violate(
                "contract",
                site,
                "vma",
                f"page {va} has no VMA with the flags that the call says it has set",
            )
            return
        va = vma.end
        i += 1


def mremapped(k: "Kernel", mm: Mm, op: Op) -> None:
    """The destination is mapped, and the source empty. Its VMA may be left: by DONTUNMAP, and
    when there was no memory to split it (unmap_source_vma())."""
    a = op.args
    start: i64 = a[0]
    end: i64 = a[1]
    new_start: i64 = a[2]
    site = sites.DO_MREMAP__LOCK
    if vma_lookup(mm, new_start) is None:
        k.violate("contract", site, "vma", f"mremap() has not mapped page {new_start}")
    if new_start != start or a[4]:
        empty(k, mm, start, end, site)
    elif a[3] < end:
        unmapped(k, mm, a[3], end, site)


def file_marker(mm: Mm, va: i64, pte: i64) -> bool:
    """Whether `pte` says that nothing of a file is mapped at `va`, and that is write-protected."""
    vma = vma_lookup(mm, va)
    return pte_kind(pte) == SWP_MARKER_UFFD_WP and vma is not None and vma.inode is not None


def madvised(k: "Kernel", mm: Mm, start: i64, end: i64, advice: i64) -> None:
    if advice == ops.MADV_DONTNEED or advice == ops.MADV_GUARD_REMOVE:
        va = next_entry(k, mm, start, end)
        while va < end:
            stays = advice == ops.MADV_DONTNEED and file_marker(mm, va, peek(k, mm, va))
            guard = pte_kind(peek(k, mm, va)) == SWP_MARKER_GUARD
            if not stays and guard != (advice == ops.MADV_DONTNEED):
                site = sites.GUARD_REMOVE_PTE_ENTRY__CLEAR
                if advice == ops.MADV_DONTNEED:
                    site = sites.ZAP_PTE_RANGE__CLEAR_PTE
                k.violate(
                    "contract",
                    site,
                    "pte",
                    f"page {va} still has the entry that madvise() should have removed",
                )
            va = next_entry(k, mm, va + 1, end)
    elif advice == ops.MADV_GUARD_INSTALL:
        va = start
        while va < end:
            if pte_kind(peek(k, mm, va)) != SWP_MARKER_GUARD:
                k.violate(
                    "contract",
                    sites.GUARD_INSTALL_PTE_ENTRY__LOCK,
                    "pte",
                    f"page {va} has no guard marker after MADV_GUARD_INSTALL",
                )
            va += 1
    elif advice == ops.MADV_POPULATE_READ or advice == ops.MADV_POPULATE_WRITE:
        va = start
        while va < end:
            pte = peek(k, mm, va)
            va += 1
            # The call's own reclaim may have split huge pages, whose zeroes have gone then.
            split = pte & PTE_SPECIAL and k.cur.reclaimed == k.cur.uid
            needs_write = advice == ops.MADV_POPULATE_WRITE and not split
            if is_swap_pte(pte):
                continue  # reclaim has taken it away again
            if not pte_present(pte) or (needs_write and not pte & PTE_WRITE):
                k.violate(
                    "contract",
                    sites.GET_USER_PAGES__RETRY,
                    "pte",
                    f"page {va - 1} is not populated after MADV_POPULATE",
                )
    elif advice == ops.MADV_REMOVE:
        removed(k, mm, start, end)
    elif advice in ADVISED:
        flags, want = ADVISED[advice]
        has_flags(k, mm, start, end, flags, want, sites.MADVISE_UPDATE_VMA__SET_FLAGS)


def locked(k: "Kernel", mm: Mm, start: i64, end: i64, want: i64, prefaulted: bool) -> None:
    """What is mapped in [start, end) is locked or not, but for what cannot be; and nothing of it is
    missing, if it was prefaulted."""
    for vma in mm.vmas:
        if vma.end <= start or end <= vma.start:
            continue
        if vma.flags & VM_LOCKED != want and not vma.flags & VM_DROPPABLE:
            k.violate(
                "contract",
                sites.MLOCK_VMA_PAGES_RANGE__SET_FLAGS,
                "vma",
                f"VMA {vma.start}..{vma.end} is {'not ' if want else ''}locked after the call",
            )
        va = max(vma.start, start)
        while prefaulted and va < min(vma.end, end):
            if peek(k, mm, va) == 0:
                k.violate(
                    "contract",
                    sites.GET_USER_PAGES__RETRY,
                    "pte",
                    f"page {va} is not there after mlock()",
                )
            va += 1


def registered(k: "Kernel", handle: i64, start: i64, end: i64, mode: i64) -> None:
    """What is mapped in [start, end) of the userfaultfd's mm is registered as asked for, with it;
    or with none."""
    ctx = k.uffds[handle]
    if ctx is None:
        return
    want: i64 = 0
    if mode & ops.REGISTER_MISSING:
        want |= VM_UFFD_MISSING
    if mode & ops.REGISTER_WP:
        want |= VM_UFFD_WP
    if mode & ops.REGISTER_MINOR:
        want |= VM_UFFD_MINOR
    for vma in ctx.mm.vmas:
        if vma.end <= start or end <= vma.start:
            continue
        if vma.flags & want != want or (vma.uffd is ctx) != (want != 0):
            k.violate(
                "contract",
                sites.USERFAULTFD_SET_CTX__SET,
                "vma",
                f"VMA {vma.start}..{vma.end} is {'not ' if want else ''}registered after the call",
            )


def filled(k: "Kernel", handle: i64, start: i64, end: i64) -> None:
    """Something is mapped everywhere in [start, end) of the userfaultfd's mm."""
    ctx = k.uffds[handle]
    va = start
    while ctx is not None and va < end:
        if not pte_present(peek(k, ctx.mm, va)):
            k.violate(
                "contract",
                sites.MFILL_ATOMIC_INSTALL_PTE__SET_PTE,
                "pte",
                f"page {va} is not there after UFFDIO_COPY or UFFDIO_ZEROPAGE",
            )
        va += 1


def poisoned(k: "Kernel", handle: i64, start: i64, end: i64) -> None:
    """Every page in [start, end) of the userfaultfd's mm is lost."""
    ctx = k.uffds[handle]
    va = start
    while ctx is not None and va < end:
        if pte_kind(peek(k, ctx.mm, va)) != SWP_MARKER_POISON:
            k.violate(
                "contract",
                sites.MFILL_ATOMIC_PTE_POISON__SET_PTE,
                "pte",
                f"page {va} is not lost after UFFDIO_POISON",
            )
        va += 1


def removed(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """The files behind [start, end) have holes there."""
    for vma in mm.vmas:
        inode = vma.inode
        first = max(start, vma.start)
        last = min(end, vma.end)
        if inode is not None and first < last:
            index = vma.pgoff + first - vma.start
            allocated(k, inode, index, index + last - first, ops.FALLOC_PUNCH_HOLE)


def sized(k: "Kernel", inode: Inode, size: i64) -> None:
    """The file has the size that it was given, and no page behind it but those that fallocate() has
    put there, which only a smaller size takes."""
    if inode.i_size != size:
        k.violate(
            "contract",
            inode.sized_at,
            "file",
            f"a file has {inode.i_size} words after ftruncate() to {size}",
        )
    behind = max((size + WORDS_PER_PAGE - 1) // WORDS_PER_PAGE, inode.fallocend)
    no_page(k, inode, behind, len(inode.i_pages.folios))


def no_page(k: "Kernel", inode: Inode, start: i64, end: i64) -> None:
    """Of large folios that could not be split there may be some, which read as zeroes."""
    index = xarray.find(inode.i_pages, start, end - 1)
    while index >= 0:
        folio = xarray.load(inode.i_pages, index)
        if folio is not None and folio.order == 0:
            k.violate(
                "contract",
                folio.taken_at[REF_CACHE],
                "file",
                f"page {index} of a file is there, which the call says it has removed",
            )
        index = xarray.find(inode.i_pages, index + 1, end - 1)


def allocated(k: "Kernel", inode: Inode, start: i64, end: i64, mode: i64) -> None:
    """fallocate() has left all pages of the range, or none, and a size that holds them, if it is
    to."""
    if mode == ops.FALLOC_PUNCH_HOLE:
        no_page(k, inode, start, end)
        return
    index = start
    while index < end:
        if xarray.load(inode.i_pages, index) is None:
            k.violate(
                "contract",
                sites.SHMEM_ADD_TO_PAGE_CACHE__INSERT,
                "file",
                f"page {index} of a file is not there, which fallocate() has allocated",
            )
        index += 1
    if mode == ops.FALLOC_ALLOCATE and inode.i_size < end * WORDS_PER_PAGE:
        k.violate(
            "contract",
            inode.sized_at,
            "file",
            f"a file has {inode.i_size} words after fallocate() up to page {end}",
        )


def write_protected(k: "Kernel", handle: i64, start: i64, end: i64, wp: bool) -> None:
    """Every entry in [start, end) says that it is write-protected, or none does; and where markers
    can, what maps nothing says so, too."""
    ctx = k.uffds[handle]
    if ctx is None:
        return
    for vma in ctx.mm.vmas:
        markers = wp and userfaultfd_wp_use_markers(vma)
        for va in range(max(start, vma.start), min(end, vma.end)):
            pte = peek(k, ctx.mm, va)
            kind = pte_kind(pte)
            has = pte & PTE_UFFD_WP != 0 or kind == SWP_MARKER_UFFD_WP
            if has != wp and kind not in _STAYS and (pte or markers):
                k.violate(
                    "contract",
                    sites.CHANGE_PTE_RANGE__COMMIT,
                    "pte",
                    f"page {va} is {'not ' if wp else ''}write-protected after UFFDIO_WRITEPROTECT",
                )


def forked(k: "Kernel", values: LogicalPages, mm: Mm, child: Mm | None) -> None:
    """The child has every VMA but those advised away, and in private memory the same data."""
    assert child is not None
    parents = mm.shadow
    childs = child.shadow
    for vma in mm.vmas:
        copy = vma_lookup(child, vma.start)
        if vma.flags & VM_DONTCOPY:
            if copy is not None:
                k.violate(
                    "contract",
                    sites.DUP_MMAP__LOCK_PARENT,
                    "vma",
                    f"the child has VMA {vma.start}..{vma.end}, which is VM_DONTCOPY",
                )
            continue
        if copy is None or copy.end != vma.end or copy.flags != vma.flags & ~_NOT_INHERITED:
            k.violate(
                "contract",
                sites.DUP_MMAP__LOCK_PARENT,
                "vma",
                f"the child has not the VMA {vma.start}..{vma.end} of its parent",
            )
        wiped = vma.flags & VM_WIPEONFORK != 0
        va = vma.start
        end = vma.end
        while va < end:
            lp: i64 = 0
            if not wiped:
                lp = parents[va]
            own = childs[va]
            if lp != own and not same_words(values, lp, own):
                k.violate(
                    "contract",
                    sites.COPY_PMD_RANGE__PMD,
                    "anon",
                    f"the child has other data in page {va} than fork() promises",
                )
            va += 1


_STAYS: Final = (SWP_MARKER_GUARD, SWP_MARKER_POISON)  # whatever is to be write-protected


def same_words(values: LogicalPages, a: i64, b: i64) -> bool:
    """Whether two logical pages of O5 hold the same."""
    return all(values.word(a, i) == values.word(b, i) for i in range(WORDS_PER_PAGE))


def soft_dirty_cleared(k: "Kernel", mm: Mm) -> None:
    """Nothing is soft-dirty but what a device may write at any time."""
    for vma in mm.vmas:
        if vma.flags & VM_SOFTDIRTY:
            k.violate(
                "contract",
                sites.CLEAR_REFS_WRITE__CLEAR_VM_SOFTDIRTY,
                "vma",
                f"VMA {vma.start}..{vma.end} is soft-dirty after clear_refs",
            )
        va = next_entry(k, mm, vma.start, vma.end)
        while va < vma.end:
            pte = peek(k, mm, va)
            if pte & PTE_SOFT_DIRTY and not (
                pte_present(pte) and folio_maybe_dma_pinned(pfn_to_page(k, pte >> PFN_SHIFT).folio)
            ):
                k.violate(
                    "contract",
                    sites.CLEAR_SOFT_DIRTY__SET_PTE,
                    "pte",
                    f"the entry of page {va} is soft-dirty after clear_refs",
                )
            va = next_entry(k, mm, va + 1, vma.end)
