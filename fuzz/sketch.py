# SPDX-License-Identifier: MIT
"""A light guess at the state that a list of ops leaves behind, run top to bottom.

Contract: `Sketch` says which pages are mapped and how, which actors have an address space
and which handles are open, well enough that most ops made from it succeed. It costs a few
nanoseconds a page touched, and is never an oracle: it knows nothing of schedules, of memory
that runs out, or of what Linux refuses for subtle reasons.
"""

from typing import Final

from mypy_extensions import i64

from fuzz.rng import Rng
from simulator.build.native import final, vec
from simulator.ops import (
    ADVICE,
    BY_NUMBER,
    FALLOC_ALLOCATE,
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
    MMAP_GROWSDOWN,
    MMAP_LOCKED,
    MMAP_NOREPLACE,
    MMAP_POPULATE,
    NR_FILES,
    OP_CLEAR_REFS,
    OP_DEVICE_ATOMIC,
    OP_DEVICE_CLOSE,
    OP_DEVICE_EXCLUSIVE,
    OP_DEVICE_OPEN,
    OP_DEVICE_READ,
    OP_DEVICE_WRITE,
    OP_DMA_READ,
    OP_DMA_WRITE,
    OP_EXIT,
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
    OP_MIGRATE_TO_DEVICE,
    OP_MIGRATE_TO_RAM,
    OP_MINCORE,
    OP_MLOCK,
    OP_MLOCK2,
    OP_MLOCKALL,
    OP_MMAP,
    OP_MPROTECT,
    OP_MREMAP,
    OP_MUNLOCK,
    OP_MUNLOCKALL,
    OP_MUNMAP,
    OP_PAGEMAP,
    OP_PIN,
    OP_PIN_FAST,
    OP_PIPE_READ,
    OP_PREAD,
    OP_PROCMAP,
    OP_PWRITE,
    OP_READ,
    OP_RECLAIM,
    OP_SCAN,
    OP_SLEEP,
    OP_SWAPOFF,
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
    REGISTER_WP,
)
from simulator.scenario import NR_ACTORS, NR_USER_ACTORS, WORDS_PER_PAGE, Op

# What is known of one page of one address space.
READABLE: Final[i64] = 1  # bits 0..2 are PROT_*
WRITABLE: Final[i64] = 2
PROT_MASK: Final[i64] = 7
MAPPED: Final[i64] = 8
SHARED: Final[i64] = 16
FILE_BACKED: Final[i64] = 32
TOUCHED: Final[i64] = 64
GUARD: Final[i64] = 128
FIRST: Final[i64] = 256  # a VMA begins here
GROWS: Final[i64] = 512
DONTFORK: Final[i64] = 1024
WIPEONFORK: Final[i64] = 2048
REGISTERED: Final[i64] = 4096  # with a userfaultfd, for missing pages
MOVED_SHIFT: Final[i64] = 13  # above: how far mremap has moved the page, up or down

# What changes nothing that is known here.
_LEAVES_ALL: Final = (
    OP_PREAD,
    OP_PROCMAP,
    OP_PWRITE,
    OP_CLEAR_REFS,
    OP_PAGEMAP,
    OP_MEM_READ,
    OP_DMA_READ,
    OP_DMA_WRITE,
    OP_SLEEP,
    OP_DEVICE_READ,
    OP_DEVICE_WRITE,
    OP_MLOCKALL,
    OP_MUNLOCKALL,
    OP_SCAN,
    OP_RECLAIM,
    OP_SWAPOFF,
    OP_DEVICE_EXCLUSIVE,
    OP_DEVICE_ATOMIC,
    OP_UFFD_WAKE,
    OP_UFFD_READ,
    OP_LSEEK,
    OP_FILE_READ,
    OP_FILE_WRITE,
    OP_FSTAT,
    OP_UFFD_WRITEPROTECT,
)
_HINTS: Final = (
    MADV_NORMAL,
    MADV_RANDOM,
    MADV_SEQUENTIAL,
    MADV_WILLNEED,
    MADV_FREE,
    MADV_COLD,
    MADV_PAGEOUT,
    MADV_COLLAPSE,
    MADV_REMOVE,
)

NO_MM: Final[i64] = -1
RECENT: Final[i64] = 8  # pages and ranges remembered: few, so that ops meet on them


@final
class Sketch:
    """The guessed state. `children` is the mask of actors that some fork of the scenario
    names; every other actor is there from the start."""

    def __init__(self, pages: i64, ptrs: i64, children: i64) -> None:
        self.pages: i64 = pages
        self.ptrs: i64 = ptrs  # pages that one page table maps
        self.swap: bool = False  # whether there is any: who made the sketch says so
        self.maps: list[vec[i64]] = [vec[i64]([0] * pages)]
        self.mm_of: vec[i64] = vec[i64]([0] * NR_ACTORS)
        actor: i64 = 0
        while actor < NR_ACTORS:
            if (children >> actor) & 1:
                self.mm_of[actor] = NO_MM
            actor += 1
        self.closed: i64 = 0  # mask of actors whose device is
        self.files: i64 = 0  # mask of open handles
        self.file_pages: vec[i64] = vec[i64]([0] * NR_FILES)
        self.pins: i64 = 0  # mask of open handles, pipes included
        self.pins_written: i64 = 0
        self.pipes: i64 = 0
        self.uffds: i64 = 0  # mask of open handles
        self.recent_pages: vec[i64] = vec[i64]([0] * RECENT)
        self.recent_starts: vec[i64] = vec[i64]([0] * RECENT)
        self.recent_ends: vec[i64] = vec[i64]([1] * RECENT)
        self.nr_pages_seen: i64 = 0
        self.nr_ranges_seen: i64 = 0

    # --- what the ops do -----------------------------------------------------------------------

    def apply(self, op: Op) -> None:
        """Follow one op. An op that cannot work leaves everything as it was."""
        code: i64 = op.code
        mm = self.mm_of[op.actor]
        if mm == NO_MM or mm >= len(self.maps):
            return
        args = op.args
        if code in (OP_READ, OP_WRITE, OP_MEM_WRITE):
            self._touch(mm, args[0] // WORDS_PER_PAGE, code != OP_READ)
        elif code == OP_MMAP:
            self._mmap(mm, args)
        elif code == OP_MUNMAP:
            self._fill(mm, args[0], args[1], 0)
            self._saw_range(args[0], args[1])
        elif code == OP_MREMAP:
            self._mremap(mm, args)
        elif code == OP_MPROTECT:
            self._mprotect(mm, args[0], args[1], args[2])
        elif code == OP_MADVISE:
            self._madvise(mm, args[0], args[1], args[2])
        elif code == OP_FORK:
            self._fork(mm, args[0])
        elif code == OP_EXIT:
            self.mm_of[op.actor] = NO_MM
        elif code == OP_MEMFD:
            handle: i64 = args[0]
            self.files |= 1 << handle
            self.file_pages[handle] = args[1]
        elif code == OP_FTRUNCATE:
            self.file_pages[args[0] // WORDS_PER_PAGE] = args[1]
        elif code == OP_FALLOCATE:
            end: i64 = args[1] + args[2]
            if args[3] == FALLOC_ALLOCATE and end > self.file_pages[args[0]]:
                self.file_pages[args[0]] = end
        elif code in (OP_PIN, OP_PIN_FAST):
            pin: i64 = args[0]
            self.pins |= 1 << pin
            if args[2]:
                self.pins_written |= 1 << pin
            self.saw_page(args[1])
        elif code == OP_VMSPLICE:
            pipe: i64 = args[0]
            self.pins |= 1 << pipe
            self.pipes |= 1 << pipe
            self.saw_page(args[1])
        elif code == OP_UNPIN:
            self._unpin(args[0])
        elif code == OP_KILL:
            self._kill(self.mm_of[args[0]])
        elif code == OP_DEVICE_CLOSE:
            self.closed |= 1 << op.actor
        elif code == OP_DEVICE_OPEN:
            if (self.closed >> op.actor) & 1 and self.mm_of[args[0]] != NO_MM:
                self.closed &= ~(1 << op.actor)
                self.mm_of[op.actor] = self.mm_of[args[0]]
        elif code == OP_PIPE_READ:
            self._unpin(args[0] // WORDS_PER_PAGE)
        elif code in (OP_MIGRATE_TO_DEVICE, OP_MIGRATE_TO_RAM, OP_MINCORE):
            self._saw_range(args[0], args[1])
        elif code in (OP_MLOCK, OP_MLOCK2, OP_MUNLOCK):
            self._saw_range(args[0], args[1])
            self._split(mm, args[0], args[1])
        elif code == OP_USERFAULTFD:
            self.uffds |= 1 << args[0]
        elif code == OP_UFFD_CLOSE:
            self.uffds &= ~(1 << args[0])
        elif code in (OP_UFFD_REGISTER, OP_UFFD_UNREGISTER):
            on = code == OP_UFFD_REGISTER
            self._register(mm, args[1], args[2], on, on and args[3] & REGISTER_WP != 0)
        elif code in (OP_UFFD_COPY, OP_UFFD_ZEROPAGE, OP_UFFD_CONTINUE, OP_UFFD_POISON):
            self._fill_missing(mm, args[1], args[2])
        elif code not in _LEAVES_ALL:
            raise AssertionError(f"{BY_NUMBER[code].name} is new: teach Sketch.apply()")

    def _touch(self, mm: i64, page: i64, write: bool) -> None:
        table = self.maps[mm]
        need = MAPPED | (WRITABLE if write else READABLE)
        if table[page] & need == need:
            table[page] |= TOUCHED
        self.saw_page(page)

    def _fill(self, mm: i64, start: i64, end: i64, value: i64) -> None:
        """Replace a range by one mapping of `value`, or by nothing."""
        table = self.maps[mm]
        if end < self.pages and table[end] & MAPPED:
            table[end] |= FIRST
        page = start
        while page < end:
            table[page] = value
            page += 1
        if value:
            table[start] |= FIRST

    def _mmap(self, mm: i64, args: tuple[int, ...]) -> None:
        start: i64 = args[0]
        end: i64 = args[1]
        backing: i64 = args[4]
        flags: i64 = args[6]
        self._saw_range(start, end)
        if flags & MMAP_NOREPLACE and self.count(mm, start, end, MAPPED) > 0:
            return
        if 0 < backing <= NR_FILES and not (self.files >> (backing - 1)) & 1:
            return
        value: i64 = MAPPED | (args[2] & PROT_MASK)
        if args[3]:
            value |= SHARED
        if backing:
            value |= FILE_BACKED
        if flags & (MMAP_POPULATE | MMAP_LOCKED):
            value |= TOUCHED
        if flags & MMAP_GROWSDOWN:
            value |= GROWS
        self._fill(mm, start, end, value)

    def _mremap(self, mm: i64, args: tuple[int, ...]) -> None:
        start: i64 = args[0]
        end: i64 = args[1]
        to: i64 = args[2]
        to_end: i64 = args[3]
        table = self.maps[mm]
        value = table[start]
        self._saw_range(start, end)
        self._saw_range(to, to_end)
        if not value & MAPPED:
            return
        if to == start:
            if to_end < end:
                self._fill(mm, to_end, end, 0)
            elif to_end > end and self.count(mm, end, to_end, MAPPED) == 0:
                self._fill(mm, end, to_end, value & ~(TOUCHED | FIRST))
                table[end] &= ~FIRST
            return
        if to < end and start < to_end:
            return
        if not args[4] & 1:
            self._fill(mm, start, end, 0)
        self._fill(mm, to, to_end, (value & ~FIRST) + ((to - start) << MOVED_SHIFT))

    def _mprotect(self, mm: i64, start: i64, end: i64, prot: i64) -> None:
        self._saw_range(start, end)
        table = self.maps[mm]
        page = start
        while page < end and table[page] & MAPPED:
            table[page] = (table[page] & ~PROT_MASK) | prot
            page += 1
        self._split(mm, start, end)

    def _split(self, mm: i64, start: i64, end: i64) -> None:
        table = self.maps[mm]
        if table[start] & MAPPED:
            table[start] |= FIRST
        if end < self.pages and table[end] & MAPPED:
            table[end] |= FIRST

    def _madvise(self, mm: i64, start: i64, end: i64, advice: i64) -> None:
        self._saw_range(start, end)
        put: i64 = 0
        drop: i64 = 0
        if advice == MADV_DONTNEED:
            drop = TOUCHED
        elif advice == MADV_GUARD_INSTALL:
            put = GUARD
            drop = TOUCHED
        elif advice == MADV_GUARD_REMOVE:
            drop = GUARD
        elif advice in (MADV_POPULATE_READ, MADV_POPULATE_WRITE):
            put = TOUCHED
        elif advice == MADV_DONTFORK:
            put = DONTFORK
        elif advice == MADV_DOFORK:
            drop = DONTFORK
        elif advice == MADV_WIPEONFORK:
            put = WIPEONFORK
        elif advice in (MADV_DONTDUMP, MADV_DODUMP, MADV_HUGEPAGE, MADV_NOHUGEPAGE):
            self._split(mm, start, end)
            return
        elif advice == MADV_KEEPONFORK:
            drop = WIPEONFORK
        elif advice in _HINTS:
            return
        else:
            raise AssertionError(f"MADV_{ADVICE[advice]} is new: teach Sketch._madvise()")
        table = self.maps[mm]
        page = start
        while page < end:
            if table[page] & MAPPED:
                table[page] = (table[page] & ~drop) | put
            page += 1
        if (put | drop) & (DONTFORK | WIPEONFORK):
            self._split(mm, start, end)

    def _register(self, mm: i64, start: i64, end: i64, on: bool, wp: bool) -> None:
        self._saw_range(start, end)
        if wp and self.count(mm, start, end, SHARED) + self.count(mm, start, end, FILE_BACKED):
            return  # the model refuses it yet
        table = self.maps[mm]
        page = start
        while page < end:
            table[page] &= ~REGISTERED
            if on and table[page] & MAPPED:
                table[page] |= REGISTERED
            page += 1
        self._split(mm, start, end)

    def _fill_missing(self, mm: i64, start: i64, end: i64) -> None:
        self._saw_range(start, end)
        table = self.maps[mm]
        page = start
        while page < end:
            if table[page] & REGISTERED:
                table[page] |= TOUCHED
            page += 1

    def _fork(self, mm: i64, child: i64) -> None:
        copy = self.maps[mm][:]
        page: i64 = 0
        while page < self.pages:
            if copy[page] & DONTFORK:
                copy[page] = 0
            copy[page] &= ~REGISTERED
            page += 1
        self.mm_of[child] = len(self.maps)
        self.maps.append(copy)

    def _kill(self, mm: i64) -> None:
        actor: i64 = 0
        while actor < NR_USER_ACTORS:
            if self.mm_of[actor] == mm:
                self.mm_of[actor] = NO_MM
            actor += 1

    def _unpin(self, pin: i64) -> None:
        keep = ~(1 << pin)
        self.pins &= keep
        self.pins_written &= keep
        self.pipes &= keep

    # --- what lately mattered --------------------------------------------------------------------

    def saw_page(self, page: i64) -> None:
        self.recent_pages[self.nr_pages_seen % RECENT] = page
        self.nr_pages_seen += 1

    def _saw_range(self, start: i64, end: i64) -> None:
        self.recent_starts[self.nr_ranges_seen % RECENT] = start
        self.recent_ends[self.nr_ranges_seen % RECENT] = end
        self.nr_ranges_seen += 1

    # --- questions -------------------------------------------------------------------------------

    def exists(self, actor: i64) -> bool:
        """Whether the actor can run ops now. Kernel actors work on T0's mm."""
        return self.mm_of[actor] != NO_MM

    def count(self, mm: i64, start: i64, end: i64, mask: i64) -> i64:
        """Pages of the range with all bits of `mask`."""
        table = self.maps[mm]
        found: i64 = 0
        page = start
        while page < end:
            if table[page] & mask == mask:
                found += 1
            page += 1
        return found

    def find(self, mm: i64, page: i64, mask: i64) -> i64:
        """The first page at or after `page`, wrapping, that has all bits of `mask` and no
        guard; -1 if there is none."""
        table = self.maps[mm]
        left = self.pages
        while left > 0:
            if table[page] & (mask | GUARD) == mask:
                return page
            page += 1
            if page == self.pages:
                page = 0
            left -= 1
        return -1

    def vma_start(self, mm: i64, page: i64) -> i64:
        """First page of the mapping that holds the mapped `page`."""
        table = self.maps[mm]
        while page > 0 and not table[page] & FIRST and table[page - 1] & MAPPED:
            page -= 1
        return page

    def vma_end(self, mm: i64, page: i64) -> i64:
        """One past the last page of that mapping."""
        table = self.maps[mm]
        page += 1
        while page < self.pages and table[page] & (MAPPED | FIRST) == MAPPED:
            page += 1
        return page

    def home(self, mm: i64, page: i64) -> i64:
        """Where the page was mapped before mremap moved it; its own place if none did."""
        return page - (self.maps[mm][page] >> MOVED_SHIFT)

    def find_gap(self, mm: i64, page: i64, size: i64) -> i64:
        """The first page at or after `page`, wrapping once, where `size` pages are free;
        -1 if there is no such place."""
        table = self.maps[mm]
        run: i64 = 0
        left = self.pages + size
        while left > 0:
            if page == self.pages:
                page = 0
                run = 0
            run = 0 if table[page] & MAPPED else run + 1
            page += 1
            if run == size:
                return page - size
            left -= 1
        return -1

    def hot_page(self, rng: Rng) -> i64:
        """A page that ops lately touched, or any page if there was none."""
        if self.nr_pages_seen == 0:
            return rng.below(self.pages)
        return self.recent_pages[rng.below(min(self.nr_pages_seen, RECENT))]


def children_of(ops: list[Op]) -> i64:
    """Mask of the actors that forks name."""
    mask: i64 = 0
    for op in ops:
        if op.code == OP_FORK:
            mask |= 1 << op.args[0]
    return mask


def sketch_of(ops: list[Op], position: i64, pages: i64, ptrs: i64, swap: bool) -> Sketch:
    """The state before `ops[position]`."""
    sketch = Sketch(pages, ptrs, children_of(ops))
    sketch.swap = swap
    i: i64 = 0
    while i < position:
        sketch.apply(ops[i])
        i += 1
    return sketch
