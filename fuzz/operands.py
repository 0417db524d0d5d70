# SPDX-License-Identifier: MIT
"""Arguments that make ops meet: the same few pages, ranges that overlap, abut or split a
mapping, ranges across the border of a page table, handles that are open.

Contract: `make_args` gives valid arguments for any row of the op table from a `Sketch`, most
of which succeed there. Rows whose arguments depend on more than their kinds are keyed by op
here; all others follow from the kinds. `can_run` says whether an op has any chance.
"""

from typing import Final

from mypy_extensions import i64

from fuzz.rng import Rng
from fuzz.sketch import (
    FILE_BACKED,
    GROWS,
    MAPPED,
    READABLE,
    RECENT,
    REGISTERED,
    SHARED,
    TOUCHED,
    WRITABLE,
    Sketch,
)
from fuzz.slots import (
    BOUND,
    CHOICE,
    END,
    FILE,
    IS_HANDLE,
    MAX_SLOTS,
    NR_SLOTS,
    NUMBER,
    OFFSET,
    START,
    WHAT,
    WORD_SLOT,
    fit,
)
from simulator.ops import (
    FALLOC_MODES,
    FALLOC_PUNCH_HOLE,
    FILL_DONTWAKE,
    MADV_COLD,
    MADV_COLLAPSE,
    MADV_DODUMP,
    MADV_DOFORK,
    MADV_DONTDUMP,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_FREE,
    MADV_GUARD_INSTALL,
    MADV_GUARD_REMOVE,
    MADV_HUGEPAGE,
    MADV_KEEPONFORK,
    MADV_NOHUGEPAGE,
    MADV_NORMAL,
    MADV_PAGEOUT,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_RANDOM,
    MADV_REMOVE,
    MADV_SEQUENTIAL,
    MADV_WILLNEED,
    MADV_WIPEONFORK,
    MCL_CURRENT,
    MCL_FUTURE,
    MCL_ONFAULT,
    MMAP_DROPPABLE,
    MMAP_FLAGS,
    MMAP_GROWSDOWN,
    MMAP_LOCKED,
    MMAP_NOREPLACE,
    MMAP_NORESERVE,
    MMAP_POPULATE,
    NR_FILES,
    NR_PINS,
    NR_UFFDS,
    OP_DEVICE_OPEN,
    OP_DMA_READ,
    OP_DMA_WRITE,
    OP_FALLOCATE,
    OP_FILE_READ,
    OP_FILE_WRITE,
    OP_FORK,
    OP_FSTAT,
    OP_FTRUNCATE,
    OP_KILL,
    OP_LSEEK,
    OP_MADVISE,
    OP_MEM_READ,
    OP_MEM_WRITE,
    OP_MEMFD,
    OP_MLOCKALL,
    OP_MMAP,
    OP_MPROTECT,
    OP_MREMAP,
    OP_MUNMAP,
    OP_PIN,
    OP_PIN_FAST,
    OP_PIPE_READ,
    OP_PREAD,
    OP_PWRITE,
    OP_READ,
    OP_SCAN,
    OP_UFFD_CLOSE,
    OP_UFFD_CONTINUE,
    OP_UFFD_COPY,
    OP_UFFD_POISON,
    OP_UFFD_READ,
    OP_UFFD_REGISTER,
    OP_UFFD_UNREGISTER,
    OP_UFFD_WAKE,
    OP_UFFD_WRITEPROTECT,
    OP_UFFD_ZEROPAGE,
    OP_UNPIN,
    OP_USERFAULTFD,
    OP_VMSPLICE,
    OP_WRITE,
    REGISTER_MINOR,
    REGISTER_MISSING,
    REGISTER_WP,
    STATS,
    UFFD_SIGBUS,
    UFFD_USER_ONLY,
    UFFD_WP_ASYNC,
    UFFD_WP_UNPOPULATED,
    WHENCE,
    WRITEPROTECT_WP,
    of_every_advice,
)
from simulator.scenario import NR_USER_ACTORS, WORDS_PER_PAGE

# Advice by what it can disturb: dropping and guarding race with faults, fork flags with
# forks; the hints do next to nothing.
_ADVICE_WEIGHTS: Final[dict[int, int]] = {
    MADV_NORMAL: 1,
    MADV_RANDOM: 1,
    MADV_SEQUENTIAL: 1,
    MADV_WILLNEED: 1,
    MADV_DONTNEED: 24,
    MADV_FREE: 8,
    MADV_DONTFORK: 3,
    MADV_DOFORK: 2,
    MADV_WIPEONFORK: 3,
    MADV_KEEPONFORK: 2,
    MADV_POPULATE_READ: 5,
    MADV_POPULATE_WRITE: 6,
    MADV_GUARD_INSTALL: 5,
    MADV_GUARD_REMOVE: 4,
    MADV_COLD: 3,
    MADV_PAGEOUT: 2,
    MADV_DONTDUMP: 1,
    MADV_DODUMP: 1,
    MADV_HUGEPAGE: 4,
    MADV_NOHUGEPAGE: 2,
    MADV_COLLAPSE: 12,
    MADV_REMOVE: 4,
}
of_every_advice("operands._ADVICE_WEIGHTS", _ADVICE_WEIGHTS)
ADVICE_WEIGHTS: Final[list[int]] = [weight for _, weight in sorted(_ADVICE_WEIGHTS.items())]

# What pages in swap live on.
_SWAP_ADVICE: Final[list[int]] = [*[MADV_PAGEOUT] * 8, MADV_FREE, MADV_FREE, MADV_WILLNEED]

# What mlockall() takes, and sometimes what it does not.
_MCL: Final[list[int]] = [
    MCL_CURRENT,
    MCL_CURRENT,
    MCL_FUTURE,
    MCL_FUTURE,
    MCL_CURRENT | MCL_FUTURE,
    MCL_CURRENT | MCL_ONFAULT,
    MCL_FUTURE | MCL_ONFAULT,
    MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT,
    MCL_ONFAULT,
]
# How memory is registered, and seldom not at all.
_MODES: Final[list[int]] = [
    *[REGISTER_MISSING] * 6,
    *[REGISTER_WP] * 5,
    *[REGISTER_MISSING | REGISTER_WP] * 4,
    0,
]
_FILE_MODES: Final[list[int]] = [
    *[REGISTER_MISSING] * 4,
    *[REGISTER_MINOR] * 3,
    *[REGISTER_MISSING | REGISTER_MINOR] * 3,
    *[REGISTER_WP] * 4,
    *[REGISTER_MISSING | REGISTER_WP] * 2,
    REGISTER_MINOR | REGISTER_WP,
]
_ON_UFFD: Final = (
    OP_UFFD_CLOSE,
    OP_UFFD_CONTINUE,
    OP_UFFD_COPY,
    OP_UFFD_POISON,
    OP_UFFD_READ,
    OP_UFFD_REGISTER,
    OP_UFFD_UNREGISTER,
    OP_UFFD_WAKE,
    OP_UFFD_WRITEPROTECT,
    OP_UFFD_ZEROPAGE,
)
_ON_REGISTERED: Final = (
    OP_UFFD_CONTINUE,
    OP_UFFD_COPY,
    OP_UFFD_POISON,
    OP_UFFD_UNREGISTER,
    OP_UFFD_WAKE,
    OP_UFFD_WRITEPROTECT,
    OP_UFFD_ZEROPAGE,
)
# What needs an open file.
_ON_FILES: Final = (
    OP_PREAD,
    OP_PWRITE,
    OP_FTRUNCATE,
    OP_FALLOCATE,
    OP_LSEEK,
    OP_FILE_READ,
    OP_FILE_WRITE,
    OP_FSTAT,
)
PROT_R: Final[i64] = 1
PROT_RW: Final[i64] = 3


def can_run(sketch: Sketch, actor: i64, code: i64) -> bool:
    """Whether the op has a chance to do something where the sketch stands."""
    if not sketch.exists(actor):
        return False
    if code == OP_UNPIN:
        return sketch.pins != 0
    if code == OP_DMA_READ:
        return sketch.pins & ~sketch.pipes != 0
    if code == OP_DMA_WRITE:
        return sketch.pins_written != 0
    if code == OP_PIPE_READ:
        return sketch.pipes != 0
    if code in _ON_FILES:
        return sketch.files != 0
    if code in _ON_UFFD:
        if code in _ON_REGISTERED:
            return sketch.find(sketch.mm_of[actor], 0, REGISTERED) >= 0
        return sketch.uffds != 0
    if code == OP_DEVICE_OPEN:
        return (sketch.closed >> actor) & 1 == 1
    return not (sketch.closed >> actor) & 1


def make_args(sketch: Sketch, rng: Rng, actor: i64, code: i64) -> tuple[int, ...]:
    """Arguments for one op of `actor`, which must exist in the sketch. For a fork the child
    is the caller's business: the number given here is only in bounds."""
    mm = sketch.mm_of[actor]
    args = _special_args(sketch, rng, mm, code)
    if not args:
        args = _args_by_kind(sketch, rng, mm, code)
    return fit(code, args, sketch.pages)


def make_slot(
    sketch: Sketch, rng: Rng, actor: i64, code: i64, slot: i64, args: tuple[int, ...]
) -> tuple[int, ...]:
    """`args` with one slot (and what must follow it) replaced: by a neighbouring value half
    the time, else by what a fresh op would have there."""
    new: list[int] = list(args)
    what = WHAT[code * MAX_SLOTS + slot]
    bound = BOUND[code * MAX_SLOTS + slot]
    if what == CHOICE and bound > 2 and bound & (bound - 1) == 0 and rng.chance(1, 2):
        new[slot] ^= 1 << rng.below(_log2(bound))  # one flag, or one bit of a handle word
    elif what != CHOICE and what != FILE and rng.chance(1, 2):
        new[slot] += rng.between(1, 2) if rng.chance(1, 2) else -rng.between(1, 2)
        if what == START and rng.chance(1, 2):  # move the range, do not stretch it
            new[slot + 1] += new[slot] - args[slot]
    elif what == CHOICE and not IS_HANDLE[code * MAX_SLOTS + slot]:
        new[slot] = rng.below(bound)
    else:  # what is open, for one: better taken from a fresh op
        fresh = make_args(sketch, rng, actor, code)
        new[slot] = fresh[slot]
        if what in (START, FILE):
            new[slot + 1] = fresh[slot + 1]
    return fit(code, new, sketch.pages)


def _log2(power: i64) -> i64:
    bits: i64 = 0
    while power > 1:
        power >>= 1
        bits += 1
    return bits


# --- pages and ranges ---------------------------------------------------------------------------


def pick_page(sketch: Sketch, rng: Rng, mm: i64, need: i64) -> i64:
    """A page, mostly a hot one, mostly one that has the bits of `need`; of a stack at times
    one below it, which makes it grow."""
    page = sketch.hot_page(rng) if rng.chance(5, 8) else rng.below(sketch.pages)
    if rng.chance(1, 16):
        return page
    found = sketch.find(mm, page, need)
    if found < 0:
        return page
    if sketch.maps[mm][found] & GROWS and rng.chance(1, 3):
        return max(0, sketch.vma_start(mm, found) - rng.between(1, 3))
    return found


def pick_word(sketch: Sketch, rng: Rng, mm: i64, need: i64) -> i64:
    """A word of such a page: mostly word 0, so that stores meet loads."""
    word: i64 = 0 if rng.chance(5, 8) else rng.below(WORDS_PER_PAGE)
    return pick_page(sketch, rng, mm, need) * WORDS_PER_PAGE + word


def pick_size(rng: Rng, ptrs: i64) -> i64:
    """Pages of a range: a few, a page table's worth, or a little more than one."""
    r = rng.below(16)
    if r < 4:
        return 1
    if r < 7:
        return 2
    if r < 10:
        return rng.between(3, 4)
    if r < 13:
        return ptrs
    if r < 15:
        return ptrs + rng.between(1, 2)
    return 2 * ptrs


def pick_mapped(sketch: Sketch, rng: Rng, mm: i64, need: i64) -> tuple[i64, i64]:
    """A range that overlaps, splits, covers or abuts a mapping with the bits of `need`."""
    r = rng.below(16)
    if r < 3 and sketch.nr_ranges_seen > 0:
        i = rng.below(min(sketch.nr_ranges_seen, RECENT))
        start = sketch.recent_starts[i]
        end = sketch.recent_ends[i]
        if end <= sketch.pages and sketch.count(mm, start, end, need) == end - start:
            return start, end
    page = sketch.hot_page(rng) if rng.chance(3, 4) else rng.below(sketch.pages)
    page = sketch.find(mm, page, need)
    if page < 0:
        return pick_any(sketch, rng)
    first = sketch.vma_start(mm, page)
    last = sketch.vma_end(mm, page)
    ptrs = sketch.ptrs
    if r < 6:
        return first, last
    if r < 9:
        return page, page + 1
    if r == 9:
        return first, page + 1
    if r == 10:
        return page, last
    if r < 13:
        return page, min(last, page + pick_size(rng, ptrs))
    if r == 13:  # what one page table maps
        start = page - page % ptrs
        return max(first, start), min(last, start + ptrs)
    if r == 14 and sketch.pages > ptrs:  # across the border of two page tables
        border = max(ptrs, page - page % ptrs)
        start = max(0, border - rng.between(1, 2))
        end = min(sketch.pages, border + rng.between(1, 2))
        if start < first < end or start < last < end:
            return max(start, first), max(min(end, last), max(start, first) + 1)
        return start, end
    return page, min(sketch.pages, last + rng.between(1, ptrs))


def pick_any(sketch: Sketch, rng: Rng) -> tuple[i64, i64]:
    """Any range."""
    start = rng.below(sketch.pages)
    return start, min(sketch.pages, start + pick_size(rng, sketch.ptrs))


def pick_place(sketch: Sketch, rng: Rng, mm: i64, size: i64) -> i64:
    """Where a new mapping of `size` pages goes: free room, next to a mapping, or over one."""
    r = rng.below(8)
    page = sketch.find(mm, sketch.hot_page(rng), MAPPED)
    if r < 2 and page >= 0:  # right behind, so that it may merge
        start = sketch.vma_end(mm, page)
    elif r == 2 and page >= 0:  # right before
        start = sketch.vma_start(mm, page) - size
    elif r == 3 and page >= 0:  # over
        start = page
    else:
        start = sketch.find_gap(mm, _near_border(sketch, rng), size)
    if start < 0 or start + size > sketch.pages:
        start = max(0, sketch.find_gap(mm, 0, size))
    return start


def _near_border(sketch: Sketch, rng: Rng) -> i64:
    """A page at or a little before the border of a page table, in the arena's first half."""
    border = rng.between(0, sketch.pages // sketch.ptrs // 2) * sketch.ptrs
    return max(0, border - (0 if rng.chance(1, 2) else rng.between(1, 3)))


# --- arguments ----------------------------------------------------------------------------------


def _args_by_kind(sketch: Sketch, rng: Rng, mm: i64, code: i64) -> list[int]:
    args: list[int] = []
    slot: i64 = 0
    while slot < NR_SLOTS[code]:
        what = WHAT[code * MAX_SLOTS + slot]
        bound = BOUND[code * MAX_SLOTS + slot]
        if what == START:
            start, end = pick_mapped(sketch, rng, mm, MAPPED)
            args.append(start)
            args.append(end)
        elif what == CHOICE:
            args.append(0 if bound > 2 and rng.chance(1, 2) else rng.below(bound))
        elif what == NUMBER:
            args.append(1 + rng.below(min(bound, 2 * sketch.ptrs)))
        elif what == WORD_SLOT:
            args.append(pick_word(sketch, rng, mm, MAPPED))
        elif what == FILE:
            handle = _open_bit(rng, sketch.files)
            args.append(handle + 1)
            args.append(0)
        elif what != END and what != OFFSET:
            args.append(pick_page(sketch, rng, mm, MAPPED))
        slot += 1
    return args


def _special_args(sketch: Sketch, rng: Rng, mm: i64, code: i64) -> list[int]:
    """Arguments of the rows that want more than their kinds say; else an empty list."""
    if code in (OP_READ, OP_MEM_READ):
        return [pick_word(sketch, rng, mm, MAPPED | READABLE)]
    if code == OP_WRITE:
        return [pick_word(sketch, rng, mm, MAPPED | WRITABLE)]
    if code == OP_MEM_WRITE:  # FOLL_FORCE is about mappings that are not writable
        return [pick_word(sketch, rng, mm, MAPPED | READABLE)]
    if code == OP_MMAP:
        return _mmap_args(sketch, rng, mm)
    if code == OP_MREMAP:
        return _mremap_args(sketch, rng, mm)
    if code == OP_MPROTECT:
        start, end = pick_mapped(sketch, rng, mm, MAPPED)
        return [start, end, _prot(rng)]
    if code == OP_MADVISE:
        start, end = pick_mapped(sketch, rng, mm, MAPPED)
        if sketch.swap and rng.chance(1, 2):
            return [start, end, rng.pick(_SWAP_ADVICE)]
        return [start, end, rng.weighted(ADVICE_WEIGHTS)]
    if code == OP_MUNMAP:  # whole mappings would soon leave nothing
        start, end = pick_mapped(sketch, rng, mm, MAPPED)
        if end - start > 2 and rng.chance(1, 2):
            end = start + 1 + rng.below(2)
        return [start, end]
    if code == OP_MEMFD:
        return [_open_bit(rng, ~sketch.files & ((1 << NR_FILES) - 1)), pick_size(rng, sketch.ptrs)]
    if code in (OP_PREAD, OP_PWRITE):
        handle = _open_bit(rng, sketch.files) % NR_FILES
        word: i64 = 0 if rng.chance(5, 8) else rng.below(WORDS_PER_PAGE)
        return [handle * WORDS_PER_PAGE + word, rng.below(max(1, sketch.file_pages[handle]))]
    if code in (OP_FTRUNCATE, OP_LSEEK):
        handle = _open_bit(rng, sketch.files) % NR_FILES
        word = 0 if rng.chance(3, 4) else rng.below(WORDS_PER_PAGE)
        return [
            handle * WORDS_PER_PAGE + word,
            rng.below(sketch.file_pages[handle] + 2),
            rng.below(len(WHENCE)),
        ]
    if code == OP_FALLOCATE:
        handle = _open_bit(rng, sketch.files) % NR_FILES
        start = rng.below(sketch.file_pages[handle] + 2)
        mode = FALLOC_PUNCH_HOLE if rng.chance(5, 8) else rng.below(len(FALLOC_MODES))
        return [handle, start, pick_size(rng, sketch.ptrs), mode]
    if code in (OP_FILE_READ, OP_FILE_WRITE, OP_FSTAT):
        return [_open_bit(rng, sketch.files) % NR_FILES, rng.below(len(STATS))]
    if code in (OP_PIN, OP_PIN_FAST):
        write: i64 = rng.below(2)
        need = MAPPED | (WRITABLE if write else READABLE)
        longterm: i64 = 1 if rng.chance(1, 4) else 0
        return [_free_pin(sketch, rng), pick_page(sketch, rng, mm, need), write, longterm]
    if code == OP_VMSPLICE:
        return [_free_pin(sketch, rng), pick_page(sketch, rng, mm, MAPPED | READABLE)]
    if code == OP_UNPIN:
        return [_open_bit(rng, sketch.pins)]
    if code == OP_DMA_READ:
        return [_open_bit(rng, sketch.pins & ~sketch.pipes) * WORDS_PER_PAGE]
    if code == OP_DMA_WRITE:
        return [_open_bit(rng, sketch.pins_written) * WORDS_PER_PAGE]
    if code == OP_PIPE_READ:
        return [_open_bit(rng, sketch.pipes) * WORDS_PER_PAGE]
    if code == OP_MLOCKALL:
        return [rng.pick(_MCL)]
    if code == OP_SCAN:
        return [0 if rng.chance(3, 4) else rng.below(4)]
    if code in (OP_DEVICE_OPEN, OP_KILL):
        return [_process(sketch, rng)]
    if code == OP_USERFAULTFD or code in _ON_UFFD:
        return _uffd_args(sketch, rng, mm, code)
    if code == OP_FORK:
        return [1 + rng.below(NR_USER_ACTORS - 1)]
    return []


def _uffd_args(sketch: Sketch, rng: Rng, mm: i64, code: i64) -> list[int]:
    """A userfaultfd, registered memory, and what of it is missing yet."""
    if code == OP_USERFAULTFD:
        free = ~sketch.uffds & ((1 << NR_UFFDS) - 1)
        r = rng.below(8)
        features: i64 = UFFD_USER_ONLY if r & 1 else 0
        if r < 2:
            features |= UFFD_SIGBUS
        elif r < 4:
            features |= UFFD_WP_UNPOPULATED if rng.chance(1, 2) else UFFD_WP_ASYNC
        return [_open_bit(rng, free & 1 if free & 1 else free), features]
    handle = _open_bit(rng, sketch.uffds) % NR_UFFDS
    if code in (OP_UFFD_CLOSE, OP_UFFD_READ):
        return [handle]
    if code == OP_UFFD_REGISTER:
        start, end = pick_mapped(sketch, rng, mm, MAPPED)
        if sketch.count(mm, start, end, SHARED) + sketch.count(mm, start, end, FILE_BACKED):
            return [handle, start, end, rng.pick(_FILE_MODES)]
        return [handle, start, end, rng.pick(_MODES)]
    start, end = pick_mapped(sketch, rng, mm, REGISTERED)
    if rng.chance(7, 8):  # one VMA at a time
        end = max(start + 1, min(end, sketch.vma_end(mm, start)))
    if code in (OP_UFFD_UNREGISTER, OP_UFFD_WAKE):
        return [handle, start, end]
    if code == OP_UFFD_WRITEPROTECT:
        return [handle, start, end, WRITEPROTECT_WP if rng.chance(5, 8) else rng.below(4)]
    if rng.chance(7, 8):  # what is there already is refused
        start, end = _missing(sketch, mm, start, end)
    flags: i64 = rng.below(4) if rng.chance(1, 4) else 0
    if code == OP_UFFD_POISON:
        return [handle, start, end, flags & FILL_DONTWAKE]
    if code in (OP_UFFD_ZEROPAGE, OP_UFFD_CONTINUE):
        return [handle, start, end, flags if rng.chance(1, 4) else flags & FILL_DONTWAKE]
    size = end - start
    source = sketch.find(mm, rng.below(sketch.pages), MAPPED | READABLE)
    if source < 0 or source + size > sketch.pages:
        source = rng.below(sketch.pages - size + 1)
    return [handle, start, end, source, source + size, flags]


def _missing(sketch: Sketch, mm: i64, start: i64, end: i64) -> tuple[i64, i64]:
    """The first pages from `start` on that may be missing, to the next that is not."""
    table = sketch.maps[mm]
    while start < end - 1 and table[start] & TOUCHED:
        start += 1
    last = start + 1
    while last < end and not table[last] & TOUCHED:
        last += 1
    return start, last


def _process(sketch: Sketch, rng: Rng) -> i64:
    """A user actor that is there: as often a child as one of the first process."""
    there = [a for a in range(NR_USER_ACTORS) if sketch.exists(a)]
    children = [a for a in there if sketch.mm_of[a] != 0]
    if children and rng.chance(1, 2):
        return rng.pick(children)
    return rng.pick(there) if there else 0


def _open_bit(rng: Rng, mask: i64) -> i64:
    """The number of a random set bit of a mask below 2^16; any if there is none."""
    i = rng.below(16)
    if mask == 0:
        return i
    while not (mask >> i) & 1:
        i = (i + 1) & 15
    return i


def _free_pin(sketch: Sketch, rng: Rng) -> i64:
    free = ~sketch.pins & ((1 << NR_PINS) - 1)
    return _open_bit(rng, free & 3 if free & 3 else free)


def _prot(rng: Rng) -> i64:
    r = rng.below(16)
    if r < 6:
        return PROT_R
    if r < 12:
        return PROT_RW
    if r < 14:
        return 0
    return rng.below(8)


def _mmap_args(sketch: Sketch, rng: Rng, mm: i64) -> list[int]:
    size = pick_size(rng, sketch.ptrs)
    start = pick_place(sketch, rng, mm, size)
    shared: i64 = 1 if rng.chance(1, 4) else 0
    backing: i64 = 0
    offset: i64 = 0
    if sketch.files and rng.chance(1, 2):
        handle = _open_bit(rng, sketch.files) % NR_FILES
        backing = handle + 1
        if rng.chance(1, 4):
            offset = rng.below(max(1, sketch.file_pages[handle]))
    flags: i64 = 0
    r = rng.below(32)
    if r < 8:
        flags = MMAP_POPULATE
    elif r < 10:
        flags = MMAP_NOREPLACE
    elif r < 11:
        flags = MMAP_NORESERVE
    elif r < 12:
        flags = rng.below(1 << len(MMAP_FLAGS))
    elif r < 15 and not shared and not backing:
        flags = MMAP_GROWSDOWN
    elif r < 16 and not shared and not backing:
        flags = MMAP_DROPPABLE
    elif r < 17:
        flags = MMAP_LOCKED
    prot: i64 = PROT_RW if rng.chance(13, 16) else _prot(rng)
    return [start, start + size, prot, shared, backing, offset, flags]


def _mremap_args(sketch: Sketch, rng: Rng, mm: i64) -> list[int]:
    start, end = pick_mapped(sketch, rng, mm, MAPPED)
    if rng.chance(7, 8):  # else over several mappings, which 6.17 and later may move together
        end = min(end, sketch.vma_end(mm, start))
    size = max(1, end - start)
    end = start + size
    r = rng.below(16)
    if r < 3:  # grow in place
        return [start, end, start, min(sketch.pages, end + rng.between(1, 2)), 0]
    if r < 5:  # shrink
        return [start, end, start, start + 1 + rng.below(size), 0]
    to_size = size if rng.chance(7, 8) else pick_size(rng, sketch.ptrs)
    to = pick_place(sketch, rng, mm, to_size)
    home = sketch.home(mm, start)
    if home != start and 0 <= home <= sketch.pages - to_size and rng.chance(1, 2):
        to = home  # back, where it may merge with what is left
    elif r < 9:  # keep the offset inside the page table: whole tables may move
        aligned = to - to % sketch.ptrs + start % sketch.ptrs
        if aligned + to_size <= sketch.pages:
            to = aligned
    if to < end and start < to + to_size:  # no overlap: EINVAL otherwise
        to = max(0, sketch.find_gap(mm, end % sketch.pages, to_size))
    dontunmap: i64 = 0
    if to_size == size and sketch.maps[mm][start] & (SHARED | FILE_BACKED) == 0:
        dontunmap = 1 if rng.chance(1, 4) else 0
    return [start, end, to, to + to_size, dontunmap]
