# SPDX-License-Identifier: MIT
"""THE table of ops.

Text codec, byte codec, generator, mutators, importers, C export and documentation derive
from this table. A new op is one row here, one function in the model (`simulator/syscalls.py`
names it) and, where a row cannot say it, one entry in each codec keyed by op.

Row numbers are part of stored byte inputs and of digests: never reused, never changed.
"""

from dataclasses import dataclass
from typing import Final

# Kinds of arguments, with the integer slots each takes.
RANGE: Final = "range"  # 16..32         -> start, end (pages, end exclusive)
DEST: Final = "dest"  # 12 or 12..20     -> start, end; the short form has the source's size
PAGE: Final = "page"  # 3                -> page
WORD: Final = "word"  # 3 or 3.2         -> page * 4 + word
ENUM: Final = "enum"  # one of `names`   -> its index
FLAGS: Final = "flags"  # any of `names` -> bit mask; absent when 0
HANDLE: Final = "handle"  # f0, p1       -> number; `names[0]` is the letter
HWORD: Final = "hword"  # p0 or p0.2     -> number * 4 + word
ACTOR: Final = "actor"  # T2             -> actor number
COUNT: Final = "count"  # 8              -> number, 1..`limit`
BACKING: Final = "backing"  # anon, f0, f0+3, x1+8 -> 0 anon | 1+n memory file | 9+n other file;
#                              offset in pages

SLOTS: Final = {
    RANGE: 2, DEST: 2, PAGE: 1, WORD: 1, ENUM: 1, FLAGS: 1, HANDLE: 1, HWORD: 1, ACTOR: 1,
    COUNT: 1, BACKING: 2,
}

NR_FILES: Final = 4  # f0..f3: memory files (memfd)
NR_OTHER_FILES: Final = 1024  # x0..: files of imported programs, mapped as VMAs only
FIRST_OTHER_FILE: Final = 9  # BACKING slot 0: 1..4 are f0..f3, 9.. are x0..
NR_PINS: Final = 8  # p0..p7: page references held from outside (pins, pipes)
MAX_FILE_PAGES: Final = 1024  # what kernel selftests use; the generator makes smaller ones

PROTS: Final = ("none", "r", "w", "rw", "x", "rx", "wx", "rwx")  # index = PROT_* bits 1|2|4
SHARING: Final = ("private", "shared")
MMAP_FLAGS: Final = ("noreplace", "growsdown", "populate", "noreserve", "droppable")
MMAP_NOREPLACE: Final = 1
MMAP_GROWSDOWN: Final = 2
MMAP_POPULATE: Final = 4
MMAP_NORESERVE: Final = 8
MMAP_DROPPABLE: Final = 16
MREMAP_FLAGS: Final = ("dontunmap",)
ADVICE: Final = (
    "NORMAL", "RANDOM", "SEQUENTIAL", "WILLNEED", "DONTNEED", "FREE", "DONTFORK", "DOFORK",
    "WIPEONFORK", "KEEPONFORK", "POPULATE_READ", "POPULATE_WRITE", "GUARD_INSTALL",
    "GUARD_REMOVE",
)
MADV_NORMAL: Final = 0
MADV_RANDOM: Final = 1
MADV_SEQUENTIAL: Final = 2
MADV_WILLNEED: Final = 3
MADV_DONTNEED: Final = 4
MADV_FREE: Final = 5
MADV_DONTFORK: Final = 6
MADV_DOFORK: Final = 7
MADV_WIPEONFORK: Final = 8
MADV_KEEPONFORK: Final = 9
MADV_POPULATE_READ: Final = 10
MADV_POPULATE_WRITE: Final = 11
MADV_GUARD_INSTALL: Final = 12
MADV_GUARD_REMOVE: Final = 13
GUP_ACCESS: Final = ("r", "w")
GUP_FLAGS: Final = ("longterm",)
CLEAR_REFS: Final = ("young", "soft-dirty")

USER: Final = "user"  # T0..T7
DEVICE_ONLY: Final = "device"


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument: what it is called, its kind, and the kind's names or limit."""

    name: str
    kind: str
    names: tuple[str, ...] = ()
    limit: int = 0
    keyword: str = ""  # a literal word that stands before it in the text


@dataclass(frozen=True, slots=True)
class OpSpec:
    """One row: `number` for ever, the text name, the arguments, who may run it, one line of
    documentation, and the C call that does it on a real kernel. Placeholders in the call are
    the arguments, which `corpus.cform` fills in, and `uid`, the token of a store. A row without
    a call has no form on a stock kernel, and `requires` says what it would take."""

    number: int
    name: str
    args: tuple[Arg, ...]
    actors: str
    doc: str
    c: str = ""
    requires: str = ""  # what a real kernel must have, a `# requires:` word

    @property
    def slots(self) -> int:
        return sum(SLOTS[a.kind] for a in self.args)


_RANGE: Final = Arg("range", RANGE)
_WORD: Final = Arg("word", WORD)
_PIN: Final = Arg("pin", HANDLE, ("p",), NR_PINS)
_FILE: Final = Arg("file", HANDLE, ("f",), NR_FILES)
_ACCESS: Final = Arg("access", ENUM, GUP_ACCESS)

OP_READ: Final = 1
OP_WRITE: Final = 2
OP_MMAP: Final = 3
OP_MUNMAP: Final = 4
OP_MREMAP: Final = 5
OP_MPROTECT: Final = 6
OP_MADVISE: Final = 7
OP_FORK: Final = 8
OP_EXIT: Final = 9
OP_MEMFD: Final = 10
OP_PREAD: Final = 11
OP_PWRITE: Final = 12
OP_CLEAR_REFS: Final = 13
OP_PAGEMAP: Final = 14
OP_MEM_READ: Final = 15
OP_MEM_WRITE: Final = 16
OP_PIN: Final = 17
OP_PIN_FAST: Final = 18
OP_UNPIN: Final = 19
OP_DMA_READ: Final = 20
OP_DMA_WRITE: Final = 21
OP_VMSPLICE: Final = 22
OP_PIPE_READ: Final = 23
OP_SLEEP: Final = 24
OP_MIGRATE_TO_DEVICE: Final = 25
OP_MIGRATE_TO_RAM: Final = 26
OP_DEVICE_READ: Final = 27
OP_DEVICE_WRITE: Final = 28

OPS: Final[tuple[OpSpec, ...]] = (
    OpSpec(OP_READ, "read", (_WORD,), USER,
           "Load one word; the result is the token of the store it sees, 0 for zeroes.",
           "load({word.addr})"),
    OpSpec(OP_WRITE, "write", (_WORD,), USER,
           "Store a new token into one word.", "store({word.addr}, {uid})"),
    OpSpec(OP_MMAP, "mmap",
           (_RANGE, Arg("prot", ENUM, PROTS), Arg("sharing", ENUM, SHARING),
            Arg("backing", BACKING), Arg("flags", FLAGS, MMAP_FLAGS)), USER,
           "mmap() with MAP_FIXED, or MAP_FIXED_NOREPLACE with `noreplace`.",
           "mmap({range.addr}, {range.len}, {prot}, {map_flags}, {backing.fd}, {backing.offset})"),
    OpSpec(OP_MUNMAP, "munmap", (_RANGE,), USER, "munmap().", "munmap({range.addr}, {range.len})"),
    OpSpec(OP_MREMAP, "mremap",
           (_RANGE, Arg("dest", DEST, keyword="to"), Arg("flags", FLAGS, MREMAP_FLAGS)), USER,
           "mremap(): to another place, or with `dontunmap`, MREMAP_MAYMOVE|MREMAP_FIXED; else to "
           "its own start without flags (shrink, or grow in place).",
           "mremap({range.addr}, {range.len}, {dest.len}, {mremap_flags}, {dest.addr})"),
    OpSpec(OP_MPROTECT, "mprotect", (_RANGE, Arg("prot", ENUM, PROTS)), USER,
           "mprotect().", "mprotect({range.addr}, {range.len}, {prot})"),
    OpSpec(OP_MADVISE, "madvise", (_RANGE, Arg("advice", ENUM, ADVICE)), USER,
           "madvise().", "madvise({range.addr}, {range.len}, {advice})"),
    OpSpec(OP_FORK, "fork", (Arg("child", ACTOR),), USER,
           "fork(); the child goes on as the named actor.", "fork_actor({child})"),
    OpSpec(OP_EXIT, "exit", (), USER,
           "The thread exits; the last one of a process takes the mm with it.",
           "syscall(SYS_exit, 0)"),
    OpSpec(OP_MEMFD, "memfd", (_FILE, Arg("pages", COUNT, limit=MAX_FILE_PAGES)), USER,
           "memfd_create() and ftruncate() to that many pages.", "open_memfd({file}, {pages})"),
    OpSpec(OP_PREAD, "pread", (Arg("word", HWORD, ("f",), NR_FILES), Arg("index", PAGE)), USER,
           "pread() of one word of the file's page `index`.",
           "file_read({word.handle}, {index}, {word.word})"),
    OpSpec(OP_PWRITE, "pwrite", (Arg("word", HWORD, ("f",), NR_FILES), Arg("index", PAGE)), USER,
           "pwrite() of a new token.", "file_write({word.handle}, {index}, {word.word}, {uid})"),
    OpSpec(OP_CLEAR_REFS, "clear_refs", (Arg("what", ENUM, CLEAR_REFS),), USER,
           "Write 1 (young) or 4 (soft-dirty) to /proc/self/clear_refs.", "clear_refs({what})",
           "soft-dirty"),
    OpSpec(OP_PAGEMAP, "pagemap", (Arg("page", PAGE),), USER,
           "The page's entry in /proc/self/pagemap without the frame number.",
           "pagemap_entry({page.addr})"),
    OpSpec(OP_MEM_READ, "mem_read", (_WORD,), USER,
           "Read through /proc/self/mem (FOLL_FORCE).", "mem_read({word.addr})"),
    OpSpec(OP_MEM_WRITE, "mem_write", (_WORD,), USER,
           "Write through /proc/self/mem (FOLL_FORCE|FOLL_WRITE).",
           "mem_write({word.addr}, {uid})"),
    OpSpec(OP_PIN, "pin", (_PIN, Arg("page", PAGE), _ACCESS, Arg("flags", FLAGS, GUP_FLAGS)),
           USER, "pin_user_pages() of one page, kept until `unpin`.",
           requires="gup_test"),
    OpSpec(OP_PIN_FAST, "pin_fast",
           (_PIN, Arg("page", PAGE), _ACCESS, Arg("flags", FLAGS, GUP_FLAGS)), USER,
           "pin_user_pages_fast() of one page.", requires="gup_test"),
    OpSpec(OP_UNPIN, "unpin", (_PIN,), USER,
           "unpin_user_page(), or close the pipe of a `vmsplice`.", "pipe_close({pin})"),
    OpSpec(OP_DMA_READ, "dma_read", (Arg("pin", HWORD, ("p",), NR_PINS),), USER,
           "A device reads one word of a pinned page.", requires="gup_test"),
    OpSpec(OP_DMA_WRITE, "dma_write", (Arg("pin", HWORD, ("p",), NR_PINS),), USER,
           "A device writes a new token into a page pinned for write.", requires="gup_test"),
    OpSpec(OP_VMSPLICE, "vmsplice", (_PIN, Arg("page", PAGE)), USER,
           "vmsplice() the page into a pipe: a FOLL_GET reference for reading.",
           "pipe_splice({pin}, {page.addr})"),
    OpSpec(OP_PIPE_READ, "pipe_read", (Arg("pin", HWORD, ("p",), NR_PINS),), USER,
           "Read the page out of the pipe of a `vmsplice`, which drops the reference.",
           "pipe_read({pin.handle}, {pin.word})"),
    OpSpec(OP_SLEEP, "sleep", (), USER,
           "Sleep until the actor's next op: its CPU idles in lazy TLB mode.", "usleep(1)"),
    OpSpec(OP_MIGRATE_TO_DEVICE, "migrate_to_device", (_RANGE,), DEVICE_ONLY,
           "dmirror_migrate_to_device() on T0's mm.", requires="device-private"),
    OpSpec(OP_MIGRATE_TO_RAM, "migrate_to_ram", (_RANGE,), DEVICE_ONLY,
           "dmirror_migrate_to_system() on T0's mm.", requires="device-private"),
    OpSpec(OP_DEVICE_READ, "device_read", (_WORD,), DEVICE_ONLY,
           "dmirror_read() of one word.", requires="device-private"),
    OpSpec(OP_DEVICE_WRITE, "device_write", (_WORD,), DEVICE_ONLY,
           "dmirror_write() of a new token.", requires="device-private"),
)

BY_NUMBER: Final = {spec.number: spec for spec in OPS}
BY_NAME: Final = {spec.name: spec for spec in OPS}


def may_run(spec: OpSpec, actor: int) -> bool:
    """Whether `actor` may run ops of this row."""
    if spec.actors == DEVICE_ONLY:
        return actor == 11
    return actor < 8
