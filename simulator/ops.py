# SPDX-License-Identifier: MIT
"""THE table of ops.

Text codec, byte codec, generator, mutators, importers, C export, oracles and documentation
derive from this table. A new op is one row here, one function in the model
(`simulator/syscalls.py` names it) and, where a row cannot say it, one entry in each table keyed
by op; each of those is checked when it is imported, and names what it lacks.

Row numbers, and those of advices and flags, are part of stored byte inputs and of digests: never
reused, never changed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from simulator import sites
from simulator.errno import (
    EACCES,
    EAGAIN,
    EBADF,
    EBUSY,
    EEXIST,
    EFAULT,
    EHWPOISON,
    EINTR,
    EINVAL,
    EIO,
    ENAMETOOLONG,
    ENOENT,
    ENOMEM,
    ENXIO,
    EOPNOTSUPP,
    EPERM,
    ESRCH,
)
from simulator.outcome import SIGBUS, SIGSEGV
from simulator.scenario import DEVICES, KHUGEPAGED, KSWAPD, NR_ACTORS, NR_USER_ACTORS
from simulator.tables import bits, complete, numbered

# Kinds of arguments, with the integer slots each takes.
RANGE: Final = "range"  # 16..32         -> start, end (pages, end exclusive)
DEST: Final = "dest"  # 12 or 12..20     -> start, end; the short form has the source's size
PAGE: Final = "page"  # 3                -> page
WORD: Final = "word"  # 3 or 3.2         -> page * 4 + word
ENUM: Final = "enum"  # one of `names`   -> its index
FLAGS: Final = "flags"  # any of `names` -> bit mask; absent when 0
HANDLE: Final = "handle"  # f0, p1       -> number; `names[0]` is the letter
HWORD: Final = "hword"  # p0 or p0.2     -> number * 4 + word
ACTOR: Final = "actor"  # T2             -> number of an actor that begins
PROCESS: Final = "process"  # T2         -> number of an actor: whose process
COUNT: Final = "count"  # 8              -> number, 1..`limit`
BACKING: Final = "backing"  # anon, f0, f0+3, x1+8 -> 0 anon | 1+n memory file | 9+n other file;
#                              offset in pages

SLOTS: Final = {
    RANGE: 2,
    DEST: 2,
    PAGE: 1,
    WORD: 1,
    ENUM: 1,
    FLAGS: 1,
    HANDLE: 1,
    HWORD: 1,
    ACTOR: 1,
    PROCESS: 1,
    COUNT: 1,
    BACKING: 2,
}

NR_FILES: Final = 4  # f0..f3: memory files (memfd)
NR_OTHER_FILES: Final = 1024  # x0..: files of imported programs, mapped as VMAs only
FIRST_OTHER_FILE: Final = 9  # BACKING slot 0: 1..4 are f0..f3, 9.. are x0..
NR_UFFDS: Final = 4  # u0..u3: userfaultfds
NR_PINS: Final = 8  # p0..p7: page references held from outside (pins, pipes)
MAX_FILE_PAGES: Final = 1024  # what kernel selftests use; the generator makes smaller ones

PROTS: Final = ("none", "r", "w", "rw", "x", "rx", "wx", "rwx")  # index = PROT_* bits 1|2|4
SHARING: Final = ("private", "shared")
MMAP_NOREPLACE: Final = 1
MMAP_GROWSDOWN: Final = 2
MMAP_POPULATE: Final = 4
MMAP_NORESERVE: Final = 8
MMAP_DROPPABLE: Final = 16
MMAP_LOCKED: Final = 32
MMAP_FLAGS: Final = bits(globals(), "MMAP_")
MREMAP_DONTUNMAP: Final = 1
MREMAP_FLAGS: Final = bits(globals(), "MREMAP_")
# Advices: the constant's name is the word in texts, and with MADV_ the C constant.
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
MADV_COLD: Final = 14
MADV_PAGEOUT: Final = 15
MADV_DONTDUMP: Final = 16
MADV_DODUMP: Final = 17
MADV_HUGEPAGE: Final = 18
MADV_NOHUGEPAGE: Final = 19
MADV_COLLAPSE: Final = 20
MADV_REMOVE: Final = 21
ADVICE: Final = tuple([name.upper().replace("-", "_") for name in numbered(globals(), "MADV_")])
MLOCK_ONFAULT: Final = 1
MLOCK_FLAGS: Final = bits(globals(), "MLOCK_")
MCL_CURRENT: Final = 1
MCL_FUTURE: Final = 2
MCL_ONFAULT: Final = 4
MCL_FLAGS: Final = bits(globals(), "MCL_")
GUP_ACCESS: Final = ("r", "w")
GUP_LONGTERM: Final = 1
GUP_FLAGS: Final = ("longterm",)
CLEAR_REFS_YOUNG: Final = 0
CLEAR_REFS_SOFT_DIRTY: Final = 1
CLEAR_REFS: Final = numbered(globals(), "CLEAR_REFS_")
# What a userfaultfd is asked to be: a flag of userfaultfd(), and features of UFFDIO_API.
UFFD_USER_ONLY: Final = 1
UFFD_SIGBUS: Final = 2
UFFD_WP_UNPOPULATED: Final = 4
UFFD_WP_ASYNC: Final = 8
UFFD_FLAGS: Final = bits(globals(), "UFFD_")
REGISTER_MISSING: Final = 1
REGISTER_WP: Final = 2
REGISTER_MINOR: Final = 4
REGISTER_FLAGS: Final = bits(globals(), "REGISTER_")
FILL_DONTWAKE: Final = 1  # UFFDIO_COPY_MODE_DONTWAKE and its like
FILL_WP: Final = 2
FILL_FLAGS: Final = bits(globals(), "FILL_")
WRITEPROTECT_WP: Final = 1  # else it ends
WRITEPROTECT_DONTWAKE: Final = 2
WRITEPROTECT_FLAGS: Final = bits(globals(), "WRITEPROTECT_")
POISON_DONTWAKE: Final = 1
POISON_FLAGS: Final = bits(globals(), "POISON_")
PROCMAP_BUILD_ID: Final = 1
PROCMAP_FLAGS: Final = bits(globals(), "PROCMAP_")

SEEK_SET: Final = 0
SEEK_DATA: Final = 1
SEEK_HOLE: Final = 2
WHENCE: Final = numbered(globals(), "SEEK_")
FALLOC_ALLOCATE: Final = 0
FALLOC_KEEP_SIZE: Final = 1
FALLOC_PUNCH_HOLE: Final = 2
FALLOC_MODES: Final = numbered(globals(), "FALLOC_")
STAT_SIZE: Final = 0
STAT_BLOCKS: Final = 1
STATS: Final = numbered(globals(), "STAT_")

USER: Final = "user"  # T0..T7
DEVICE_ONLY: Final = "device"
KHUGEPAGED_ONLY: Final = "khugepaged"
KSWAPD_ONLY: Final = "kswapd"
MAY_RUN: Final = {  # by who may run a row's ops: the actors
    USER: frozenset(range(NR_USER_ACTORS)),
    DEVICE_ONLY: frozenset(DEVICES),
    KHUGEPAGED_ONLY: frozenset((KHUGEPAGED,)),
    KSWAPD_ONLY: frozenset((KSWAPD,)),
}

MAX_RECLAIM: Final = 64  # folios that one op asks for: all of a small machine

# What an op that succeeds returns.
ZERO: Final = "zero"
TOKEN: Final = "token"  # of the store whose word it has read; 0 for zeroes
VALUE: Final = "value"  # a number that its documentation explains


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
    documentation. `entry` is the site where its kernel function begins, which answers for what
    the op returns; `failures` are the results below 0 that it may have (SKIPPED is ours and
    always may); `returns` is what others mean. `culprit` is the kernel function blamed where a
    real kernel does otherwise.

    `c` is the C call that does it on a real kernel. Placeholders in it are the arguments, which
    `corpus.cform` fills in, and `uid`, the token of a store. A row without a call has no form on
    a stock kernel, and `requires` says what it would take."""

    number: int
    name: str
    args: tuple[Arg, ...]
    actors: str
    doc: str
    entry: int
    culprit: str
    failures: tuple[int, ...] = ()
    returns: str = ZERO
    c: str = ""
    requires: str = ""  # what a real kernel must have, a `# requires:` word

    @property
    def slots(self) -> int:
        return sum(SLOTS[a.kind] for a in self.args)


_RANGE: Final = Arg("range", RANGE)
_WORD: Final = Arg("word", WORD)
_PROT: Final = Arg("prot", ENUM, PROTS)
_PIN: Final = Arg("pin", HANDLE, ("p",), NR_PINS)
_FILE: Final = Arg("file", HANDLE, ("f",), NR_FILES)
_UFFD: Final = Arg("uffd", HANDLE, ("u",), NR_UFFDS)
_ACCESS: Final = Arg("access", ENUM, GUP_ACCESS)
_FILE_WORD: Final = Arg("word", HWORD, ("f",), NR_FILES)  # the page of the file stands behind it

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
OP_MINCORE: Final = 29
OP_MLOCK: Final = 30
OP_MUNLOCK: Final = 31
OP_MLOCK2: Final = 32
OP_MLOCKALL: Final = 33
OP_MUNLOCKALL: Final = 34
OP_KILL: Final = 35
OP_PROCMAP: Final = 36
OP_DEVICE_OPEN: Final = 37
OP_DEVICE_CLOSE: Final = 38
OP_SCAN: Final = 40
OP_DEVICE_EXCLUSIVE: Final = 41
OP_DEVICE_ATOMIC: Final = 42
OP_USERFAULTFD: Final = 60
OP_UFFD_CLOSE: Final = 61
OP_UFFD_REGISTER: Final = 62
OP_UFFD_UNREGISTER: Final = 63
OP_UFFD_COPY: Final = 64
OP_UFFD_ZEROPAGE: Final = 65
OP_UFFD_WAKE: Final = 66
OP_UFFD_READ: Final = 67
OP_FTRUNCATE: Final = 85
OP_FALLOCATE: Final = 86
OP_LSEEK: Final = 87
OP_FILE_READ: Final = 88
OP_FILE_WRITE: Final = 89
OP_FSTAT: Final = 90
OP_UFFD_WRITEPROTECT: Final = 68
OP_UFFD_CONTINUE: Final = 69
OP_UFFD_POISON: Final = 70
OP_RECLAIM: Final = 120
OP_SWAPOFF: Final = 121

OPS: Final[tuple[OpSpec, ...]] = (
    OpSpec(
        OP_READ,
        "read",
        (_WORD,),
        USER,
        "Load one word; the result is the token of the store it sees, 0 for zeroes.",
        entry=sites.DO_USER_ADDR_FAULT__BEGIN,
        culprit="do_user_addr_fault",
        failures=(SIGSEGV, SIGBUS),
        returns=TOKEN,
        c="load({word.addr})",
    ),
    OpSpec(
        OP_WRITE,
        "write",
        (_WORD,),
        USER,
        "Store a new token into one word.",
        entry=sites.DO_USER_ADDR_FAULT__BEGIN,
        culprit="do_user_addr_fault",
        failures=(SIGSEGV, SIGBUS),
        c="store({word.addr}, {uid})",
    ),
    OpSpec(
        OP_MMAP,
        "mmap",
        (
            _RANGE,
            _PROT,
            Arg("sharing", ENUM, SHARING),
            Arg("backing", BACKING),
            Arg("flags", FLAGS, MMAP_FLAGS),
        ),
        USER,
        "mmap() with MAP_FIXED, or MAP_FIXED_NOREPLACE with `noreplace`.",
        entry=sites.VM_MMAP_PGOFF__LOCK,
        culprit="do_mmap",
        failures=(-EINVAL, -ENOMEM, -EEXIST, -EAGAIN),
        returns=VALUE,
        c="mmap({range.addr}, {range.len}, {prot}, {map_flags}, {backing.fd}, {backing.offset})",
    ),
    OpSpec(
        OP_MUNMAP,
        "munmap",
        (_RANGE,),
        USER,
        "munmap().",
        entry=sites.VM_MUNMAP__LOCK,
        culprit="do_munmap",
        failures=(-EINVAL, -ENOMEM),
        c="munmap({range.addr}, {range.len})",
    ),
    OpSpec(
        OP_MREMAP,
        "mremap",
        (_RANGE, Arg("dest", DEST, keyword="to"), Arg("flags", FLAGS, MREMAP_FLAGS)),
        USER,
        "mremap(): to another place, or with `dontunmap`, MREMAP_MAYMOVE|MREMAP_FIXED; else to "
        "its own start without flags (shrink, or grow in place).",
        entry=sites.DO_MREMAP__LOCK,
        culprit="do_mremap",
        failures=(-EINVAL, -EFAULT, -ENOMEM, -EAGAIN),
        returns=VALUE,
        c="mremap({range.addr}, {range.len}, {dest.len}, {mremap_flags}, {dest.addr})",
    ),
    OpSpec(
        OP_MPROTECT,
        "mprotect",
        (_RANGE, _PROT),
        USER,
        "mprotect().",
        entry=sites.DO_MPROTECT_PKEY__LOCK,
        culprit="do_mprotect_pkey",
        failures=(-EACCES, -ENOMEM),
        c="mprotect({range.addr}, {range.len}, {prot})",
    ),
    OpSpec(
        OP_MADVISE,
        "madvise",
        (_RANGE, Arg("advice", ENUM, ADVICE)),
        USER,
        "madvise().",
        entry=sites.MADVISE_LOCK__READ,
        culprit="do_madvise",
        failures=(-EINVAL, -ENOMEM, -EAGAIN, -EFAULT, -EBUSY, -EACCES, -EHWPOISON),
        c="madvise({range.addr}, {range.len}, {advice})",
    ),
    OpSpec(
        OP_FORK,
        "fork",
        (Arg("child", ACTOR),),
        USER,
        "fork(); the child goes on as the named actor.",
        entry=sites.DUP_MMAP__LOCK_PARENT,
        culprit="dup_mmap",
        failures=(-ENOMEM,),
        returns=VALUE,
        c="fork_actor({child})",
    ),
    OpSpec(
        OP_EXIT,
        "exit",
        (),
        USER,
        "The thread exits; the last one of a process takes the mm with it.",
        entry=sites.EXIT_MM__LOCK,
        culprit="exit_mmap",
        c="syscall(SYS_exit, 0)",
    ),
    OpSpec(
        OP_MEMFD,
        "memfd",
        (_FILE, Arg("pages", COUNT, limit=MAX_FILE_PAGES)),
        USER,
        "memfd_create() and ftruncate() to that many pages.",
        entry=sites.MEMFD_CREATE__ALLOC,
        culprit="memfd_create",
        failures=(-ENOMEM, -EEXIST),
        c="open_memfd({file}, {pages})",
    ),
    OpSpec(
        OP_PREAD,
        "pread",
        (_FILE_WORD, Arg("index", PAGE)),
        USER,
        "pread() of one word of the file's page `index`.",
        entry=sites.SHMEM_FILE_READ_ITER__I_SIZE,
        culprit="shmem_file_read_iter",
        returns=TOKEN,
        c="file_read({word.handle}, {index}, {word.word})",
    ),
    OpSpec(
        OP_PWRITE,
        "pwrite",
        (_FILE_WORD, Arg("index", PAGE)),
        USER,
        "pwrite() of a new token.",
        entry=sites.SHMEM_WRITE_END__COPY,
        culprit="shmem_file_write_iter",
        failures=(-ENOMEM,),
        c="file_write({word.handle}, {index}, {word.word}, {uid})",
    ),
    OpSpec(
        OP_CLEAR_REFS,
        "clear_refs",
        (Arg("what", ENUM, CLEAR_REFS),),
        USER,
        "Write 1 (young) or 4 (soft-dirty) to /proc/self/clear_refs.",
        entry=sites.CLEAR_REFS_WRITE__LOCK,
        culprit="clear_refs_write",
        c="clear_refs({what})",
        requires="soft-dirty",
    ),
    OpSpec(
        OP_PAGEMAP,
        "pagemap",
        (Arg("page", PAGE),),
        USER,
        "The page's entry in /proc/self/pagemap without the frame number.",
        entry=sites.PAGEMAP_READ__LOCK,
        culprit="pagemap_read",
        returns=VALUE,
        c="pagemap_entry({page.addr})",
    ),
    OpSpec(
        OP_MEM_READ,
        "mem_read",
        (_WORD,),
        USER,
        "Read through /proc/self/mem (FOLL_FORCE).",
        entry=sites.ACCESS_REMOTE_VM__LOCK,
        culprit="access_remote_vm",
        failures=(-EIO,),
        returns=TOKEN,
        c="mem_read({word.addr})",
    ),
    OpSpec(
        OP_MEM_WRITE,
        "mem_write",
        (_WORD,),
        USER,
        "Write through /proc/self/mem (FOLL_FORCE|FOLL_WRITE).",
        entry=sites.ACCESS_REMOTE_VM__LOCK,
        culprit="access_remote_vm",
        failures=(-EIO,),
        c="mem_write({word.addr}, {uid})",
    ),
    OpSpec(
        OP_PIN,
        "pin",
        (_PIN, Arg("page", PAGE), _ACCESS, Arg("flags", FLAGS, GUP_FLAGS)),
        USER,
        "pin_user_pages() of one page, kept until `unpin`.",
        entry=sites.PIN_USER_PAGES__LOCK,
        culprit="pin_user_pages",
        failures=(-EEXIST, -EFAULT, -ENOMEM),
        requires="gup_test",
    ),
    OpSpec(
        OP_PIN_FAST,
        "pin_fast",
        (_PIN, Arg("page", PAGE), _ACCESS, Arg("flags", FLAGS, GUP_FLAGS)),
        USER,
        "pin_user_pages_fast() of one page.",
        entry=sites.GUP_FAST__SEQ_BEGIN,
        culprit="pin_user_pages_fast",
        failures=(-EEXIST, -EFAULT, -ENOMEM),
        requires="gup_test",
    ),
    OpSpec(
        OP_UNPIN,
        "unpin",
        (_PIN,),
        USER,
        "unpin_user_page(), or close the pipe of a `vmsplice`.",
        entry=sites.UNPIN_USER_PAGE__PUT,
        culprit="unpin_user_page",
        c="pipe_close({pin})",
    ),
    OpSpec(
        OP_DMA_READ,
        "dma_read",
        (Arg("pin", HWORD, ("p",), NR_PINS),),
        USER,
        "A device reads one word of a pinned page.",
        entry=sites.DMA__LOAD,
        culprit="unpin_user_page",
        failures=(-EINVAL,),
        returns=TOKEN,
        requires="gup_test",
    ),
    OpSpec(
        OP_DMA_WRITE,
        "dma_write",
        (Arg("pin", HWORD, ("p",), NR_PINS),),
        USER,
        "A device writes a new token into a page pinned for write.",
        entry=sites.DMA__STORE,
        culprit="unpin_user_page",
        failures=(-EINVAL, -EACCES),
        requires="gup_test",
    ),
    OpSpec(
        OP_VMSPLICE,
        "vmsplice",
        (_PIN, Arg("page", PAGE)),
        USER,
        "vmsplice() the page into a pipe: a FOLL_GET reference for reading.",
        entry=sites.GUP_FAST__SEQ_BEGIN,
        culprit="vmsplice",
        failures=(-EEXIST, -EFAULT, -ENOMEM),
        c="pipe_splice({pin}, {page.addr})",
    ),
    OpSpec(
        OP_PIPE_READ,
        "pipe_read",
        (Arg("pin", HWORD, ("p",), NR_PINS),),
        USER,
        "Read the page out of the pipe of a `vmsplice`, which drops the reference.",
        entry=sites.PIPE_READ__COPY,
        culprit="pipe_read",
        failures=(-EINVAL,),
        returns=TOKEN,
        c="pipe_read({pin.handle}, {pin.word})",
    ),
    OpSpec(
        OP_SLEEP,
        "sleep",
        (),
        USER,
        "Sleep until the actor's next op: its CPU idles in lazy TLB mode.",
        entry=sites.SLEEP__IDLE,
        culprit="schedule",
        c="usleep(1)",
    ),
    OpSpec(
        OP_MIGRATE_TO_DEVICE,
        "migrate_to_device",
        (_RANGE,),
        DEVICE_ONLY,
        "dmirror_migrate_to_device() on the mm that the device mirrors, T0's at first.",
        entry=sites.DMIRROR_MIGRATE__MMAP_LOCK,
        culprit="dmirror_migrate_to_device",
        failures=(-EINVAL, -EBADF),
        returns=VALUE,
        requires="device-private",
    ),
    OpSpec(
        OP_MIGRATE_TO_RAM,
        "migrate_to_ram",
        (_RANGE,),
        DEVICE_ONLY,
        "dmirror_migrate_to_system() on that mm.",
        entry=sites.DMIRROR_MIGRATE__MMAP_LOCK,
        culprit="dmirror_migrate_to_system",
        failures=(-EINVAL, -EBADF, -ENOMEM),
        returns=VALUE,
        requires="device-private",
    ),
    OpSpec(
        OP_DEVICE_READ,
        "device_read",
        (_WORD,),
        DEVICE_ONLY,
        "dmirror_read() of one word.",
        entry=sites.DMIRROR_ACCESS__LOCK,
        culprit="dmirror_read",
        failures=(-EFAULT, -EBADF),
        returns=TOKEN,
        requires="device-private",
    ),
    OpSpec(
        OP_DEVICE_WRITE,
        "device_write",
        (_WORD,),
        DEVICE_ONLY,
        "dmirror_write() of a new token.",
        entry=sites.DMIRROR_ACCESS__LOCK,
        culprit="dmirror_write",
        failures=(-EPERM, -EFAULT, -EBADF),
        requires="device-private",
    ),
    OpSpec(
        OP_MINCORE,
        "mincore",
        (_RANGE,),
        USER,
        "mincore(): how many pages of the range are in core.",
        entry=sites.MINCORE__LOCK,
        culprit="do_mincore",
        failures=(-ENOMEM, -EAGAIN),
        returns=VALUE,
        c="pages_in_core({range.addr}, {range.len})",
    ),
    OpSpec(
        OP_MLOCK,
        "mlock",
        (_RANGE,),
        USER,
        "mlock(): lock the range, and prefault it.",
        entry=sites.DO_MLOCK__LOCK,
        culprit="do_mlock",
        failures=(-ENOMEM, -EAGAIN),
        c="mlock({range.addr}, {range.len})",
    ),
    OpSpec(
        OP_MUNLOCK,
        "munlock",
        (_RANGE,),
        USER,
        "munlock().",
        entry=sites.MUNLOCK__LOCK,
        culprit="apply_vma_lock_flags",
        failures=(-ENOMEM,),
        c="munlock({range.addr}, {range.len})",
    ),
    OpSpec(
        OP_MLOCK2,
        "mlock2",
        (_RANGE, Arg("flags", FLAGS, MLOCK_FLAGS)),
        USER,
        "mlock2(): with `onfault` pages are locked as they come, and none is prefaulted.",
        entry=sites.DO_MLOCK__LOCK,
        culprit="do_mlock",
        failures=(-ENOMEM, -EAGAIN),
        c="mlock2({range.addr}, {range.len}, {flags})",
    ),
    OpSpec(
        OP_MLOCKALL,
        "mlockall",
        (Arg("flags", FLAGS, MCL_FLAGS),),
        USER,
        "mlockall(): lock what there is (`current`), what comes (`future`), or both.",
        entry=sites.MLOCKALL__LOCK,
        culprit="apply_mlockall_flags",
        failures=(-EINVAL, -ENOMEM),
        c="mlockall({flags})",
    ),
    OpSpec(
        OP_MUNLOCKALL,
        "munlockall",
        (),
        USER,
        "munlockall().",
        entry=sites.MLOCKALL__LOCK,
        culprit="apply_mlockall_flags",
        c="munlockall()",
    ),
    OpSpec(
        OP_KILL,
        "kill",
        (Arg("process", PROCESS),),
        USER,
        "kill() of that process with SIGKILL: its threads die, at the latest where they would "
        "return to user space.",
        entry=sites.COMPLETE_SIGNAL__SET,
        culprit="complete_signal",
        failures=(-ESRCH,),
        requires="kill",
    ),
    OpSpec(
        OP_PROCMAP,
        "procmap",
        (Arg("page", PAGE), Arg("flags", FLAGS, PROCMAP_FLAGS)),
        USER,
        "PROCMAP_QUERY: where the mapping that holds the page begins, or else the next one; it "
        "asks for the name, and with `build-id` for one byte of that.",
        entry=sites.LOCK_NEXT_VMA__WALK,
        culprit="do_procmap_query",
        failures=(-ENOENT, -ESRCH, -ENOMEM, -ENAMETOOLONG),
        returns=VALUE,
        requires="procmap-query",
    ),
    OpSpec(
        OP_DEVICE_OPEN,
        "device_open",
        (Arg("process", PROCESS),),
        DEVICE_ONLY,
        "That process opens the device, which mirrors it; it must be closed.",
        entry=sites.MMU_NOTIFIER_REGISTER__MMAP_LOCK,
        culprit="dmirror_fops_open",
        failures=(-EEXIST, -ESRCH),
        requires="device-private",
    ),
    OpSpec(
        OP_DEVICE_CLOSE,
        "device_close",
        (),
        DEVICE_ONLY,
        "Close the device: its pages go back to memory.",
        entry=sites.MMU_INTERVAL_NOTIFIER_REMOVE__SEQ,
        culprit="dmirror_fops_release",
        failures=(-EBADF,),
        requires="device-private",
    ),
    OpSpec(
        OP_FTRUNCATE,
        "ftruncate",
        (_FILE_WORD, Arg("index", PAGE)),
        USER,
        "ftruncate() to so many pages and words: `f0.2 3` is three pages and two words.",
        entry=sites.DO_TRUNCATE__INODE_LOCK,
        culprit="shmem_setattr",
        c="file_truncate({word.handle}, {index}, {word.word})",
    ),
    OpSpec(
        OP_FALLOCATE,
        "fallocate",
        (
            _FILE,
            Arg("index", PAGE),
            Arg("pages", COUNT, limit=MAX_FILE_PAGES),
            Arg("mode", ENUM, FALLOC_MODES),
        ),
        USER,
        "fallocate() of `pages` from page `index` on; `punch-hole` keeps the size, too.",
        entry=sites.SHMEM_FALLOCATE__INODE_LOCK,
        culprit="shmem_fallocate",
        failures=(-ENOMEM, -EINTR),
        c="file_allocate({file}, {index}, {pages}, {mode})",
    ),
    OpSpec(
        OP_LSEEK,
        "lseek",
        (_FILE_WORD, Arg("index", PAGE), Arg("whence", ENUM, WHENCE)),
        USER,
        "lseek() to a word of page `index`, or to data or a hole from there: the place in words.",
        entry=sites.KSYS_LSEEK__F_POS_LOCK,
        culprit="shmem_file_llseek",
        failures=(-ENXIO,),
        returns=VALUE,
        c="file_seek({word.handle}, {index}, {word.word}, {whence})",
    ),
    OpSpec(
        OP_FILE_READ,
        "file_read",
        (_FILE,),
        USER,
        "read() of the word at the file's position.",
        entry=sites.KSYS_READ__F_POS_LOCK,
        culprit="shmem_file_read_iter",
        returns=TOKEN,
        c="file_read_next({file})",
    ),
    OpSpec(
        OP_FILE_WRITE,
        "file_write",
        (_FILE,),
        USER,
        "write() of a new token at the file's position.",
        entry=sites.KSYS_WRITE__F_POS_LOCK,
        culprit="shmem_file_write_iter",
        failures=(-ENOMEM,),
        c="file_write_next({file}, {uid})",
    ),
    OpSpec(
        OP_FSTAT,
        "fstat",
        (_FILE, Arg("what", ENUM, STATS)),
        USER,
        "fstat(): the size in words, or the blocks in pages.",
        entry=sites.SHMEM_GETATTR__NRPAGES,
        culprit="shmem_getattr",
        returns=VALUE,
        c="file_stat({file}, {what})",
    ),
    OpSpec(
        OP_SCAN,
        "scan",
        (Arg("whose", PROCESS),),
        KHUGEPAGED_ONLY,
        "khugepaged goes once through the memory of an actor's process.",
        entry=sites.COLLAPSE_SCAN_MM_SLOT__TRYLOCK,
        culprit="collapse_scan_mm_slot",
        requires="khugepaged",
    ),
    OpSpec(
        OP_DEVICE_EXCLUSIVE,
        "device_exclusive",
        (_RANGE,),
        DEVICE_ONLY,
        "dmirror_exclusive(): no CPU has the pages of T0's mm, until one touches them.",
        entry=sites.DMIRROR_EXCLUSIVE__MMAP_LOCK,
        culprit="make_device_exclusive",
        failures=(-EINVAL, -EFAULT, -ENOMEM, -EOPNOTSUPP, -EBADF, -EBUSY),
        requires="device-private",
    ),
    OpSpec(
        OP_DEVICE_ATOMIC,
        "device_atomic",
        (_WORD,),
        DEVICE_ONLY,
        "The device changes a word of a page that it has for itself; EFAULT if it has not.",
        entry=sites.DMIRROR_ACCESS__LOCK,
        culprit="make_device_exclusive",
        failures=(-EFAULT, -EBADF),
        requires="device-private",
    ),
    OpSpec(
        OP_USERFAULTFD,
        "userfaultfd",
        (_UFFD, Arg("features", FLAGS, UFFD_FLAGS)),
        USER,
        "userfaultfd() and UFFDIO_API: for the faults of the caller's process; with `user-only` "
        "not for those of the kernel.",
        entry=sites.NEW_USERFAULTFD__ALLOC,
        culprit="userfaultfd_api",
        failures=(-ENOMEM, -EEXIST),
        c="uffd_open({uffd}, {features})",
    ),
    OpSpec(
        OP_UFFD_CLOSE,
        "uffd_close",
        (_UFFD,),
        USER,
        "Close a userfaultfd: nothing is registered with it any more, and who waits goes on.",
        entry=sites.USERFAULTFD_RELEASE__RELEASED,
        culprit="userfaultfd_release",
        c="uffd_close({uffd})",
    ),
    OpSpec(
        OP_UFFD_REGISTER,
        "uffd_register",
        (_UFFD, _RANGE, Arg("mode", FLAGS, REGISTER_FLAGS)),
        USER,
        "UFFDIO_REGISTER: user space resolves faults of the range.",
        entry=sites.USERFAULTFD_REGISTER__LOCK,
        culprit="userfaultfd_register",
        failures=(-EINVAL, -EPERM, -EBUSY, -ENOMEM),
        c="uffd_register({uffd}, {range.addr}, {range.len}, {mode})",
    ),
    OpSpec(
        OP_UFFD_UNREGISTER,
        "uffd_unregister",
        (_UFFD, _RANGE),
        USER,
        "UFFDIO_UNREGISTER.",
        entry=sites.USERFAULTFD_UNREGISTER__LOCK,
        culprit="userfaultfd_unregister",
        failures=(-EINVAL, -ENOMEM),
        c="uffd_unregister({uffd}, {range.addr}, {range.len})",
    ),
    OpSpec(
        OP_UFFD_COPY,
        "uffd_copy",
        (_UFFD, _RANGE, Arg("source", DEST, keyword="from"), Arg("flags", FLAGS, FILL_FLAGS)),
        USER,
        "UFFDIO_COPY: fill the missing pages of the range with copies of the caller's pages from "
        "`source` on.",
        entry=sites.MFILL_GET_VMA__LOCK,
        culprit="mfill_atomic",
        failures=(-EAGAIN, -EEXIST, -EFAULT, -EINTR, -EINVAL, -ENOENT, -ENOMEM, -ESRCH),
        c="uffd_copy({uffd}, {range.addr}, {range.len}, {source.addr}, {flags})",
    ),
    OpSpec(
        OP_UFFD_ZEROPAGE,
        "uffd_zeropage",
        (_UFFD, _RANGE, Arg("flags", FLAGS, FILL_FLAGS)),
        USER,
        "UFFDIO_ZEROPAGE: fill the missing pages of the range with zeroes.",
        entry=sites.MFILL_GET_VMA__LOCK,
        culprit="mfill_atomic",
        failures=(-EAGAIN, -EEXIST, -EFAULT, -EINTR, -EINVAL, -ENOENT, -ENOMEM, -ESRCH),
        c="uffd_zeropage({uffd}, {range.addr}, {range.len}, {flags})",
    ),
    OpSpec(
        OP_UFFD_WAKE,
        "uffd_wake",
        (_UFFD, _RANGE),
        USER,
        "UFFDIO_WAKE: who waits for a page of the range looks again.",
        entry=sites.WAKE_USERFAULT__ACTIVE,
        culprit="wake_userfault",
        c="uffd_wake({uffd}, {range.addr}, {range.len})",
    ),
    OpSpec(
        OP_UFFD_READ,
        "uffd_read",
        (_UFFD,),
        USER,
        "Read one message, if there is one: of a fault, its page times 16, and 1 for a write, 2 "
        "for one that meets write protection, 4 for one whose page the file has.",
        entry=sites.USERFAULTFD_CTX_READ__PENDING,
        culprit="userfaultfd_ctx_read",
        failures=(-EAGAIN,),
        returns=VALUE,
        c="uffd_read({uffd})",
    ),
    OpSpec(
        OP_UFFD_WRITEPROTECT,
        "uffd_writeprotect",
        (_UFFD, _RANGE, Arg("flags", FLAGS, WRITEPROTECT_FLAGS)),
        USER,
        "UFFDIO_WRITEPROTECT: stores to the range wait for user space, with `wp`; or no longer.",
        entry=sites.MWRITEPROTECT_RANGE__LOCK,
        culprit="mwriteprotect_range",
        failures=(-EAGAIN, -EINVAL, -ENOENT, -ENOMEM, -ESRCH),
        c="uffd_writeprotect({uffd}, {range.addr}, {range.len}, {flags})",
    ),
    OpSpec(
        OP_UFFD_CONTINUE,
        "uffd_continue",
        (_UFFD, _RANGE, Arg("flags", FLAGS, FILL_FLAGS)),
        USER,
        "UFFDIO_CONTINUE: map the pages of the range that the file has.",
        entry=sites.MFILL_GET_VMA__LOCK,
        culprit="mfill_atomic",
        failures=(-EAGAIN, -EEXIST, -EFAULT, -EINTR, -EINVAL, -ENOENT, -ENOMEM, -ESRCH),
        c="uffd_continue({uffd}, {range.addr}, {range.len}, {flags})",
    ),
    OpSpec(
        OP_UFFD_POISON,
        "uffd_poison",
        (_UFFD, _RANGE, Arg("flags", FLAGS, POISON_FLAGS)),
        USER,
        "UFFDIO_POISON: the missing pages of the range are lost, and every access to them fails.",
        entry=sites.MFILL_GET_VMA__LOCK,
        culprit="mfill_atomic",
        failures=(-EAGAIN, -EEXIST, -EFAULT, -EINTR, -EINVAL, -ENOENT, -ENOMEM, -ESRCH),
        c="uffd_poison({uffd}, {range.addr}, {range.len}, {flags})",
    ),
    OpSpec(
        OP_RECLAIM,
        "reclaim",
        (Arg("folios", COUNT, limit=MAX_RECLAIM),),
        KSWAPD_ONLY,
        "kswapd looks for so many folios that it can write to swap or drop.",
        entry=sites.SHRINK_NODE__PRIORITY,
        culprit="balance_pgdat",
        requires="swap",
    ),
    OpSpec(
        OP_SWAPOFF,
        "swapoff",
        (),
        USER,
        "swapoff(): everybody has his pages back, and the device goes.",
        entry=sites.SWAPOFF__DEL_FROM_AVAIL_LIST,
        culprit="swapoff",
        failures=(-EINTR, -EINVAL, -ENOMEM),
        requires="swap",
    ),
)

BY_NUMBER: Final = {spec.number: spec for spec in OPS}
BY_NAME: Final = {spec.name: spec for spec in OPS}


def may_run(spec: OpSpec, actor: int) -> bool:
    """Whether `actor` may run ops of this row."""
    return actor in MAY_RUN[spec.actors]


def of_every_op(table: str, there: Collection[int]) -> None:
    """Assert that a table keyed by op has an entry for each row, by its number, and no other."""
    complete(table, "op", {spec.number: spec.name for spec in OPS}, there)


def of_every_advice(table: str, there: Collection[int]) -> None:
    """Assert that a table keyed by advice has an entry for each, and no other."""
    complete(table, "advice", ADVICE, there)


def _check_rows() -> None:
    """Assert that numbers and names stand once, and that each row can be run by somebody."""
    constants = {value for name, value in globals().items() if name.startswith("OP_")}
    complete("OPS", "number", {number: str(number) for number in constants}, BY_NUMBER)
    if not len(OPS) == len(BY_NUMBER) == len(BY_NAME):
        raise AssertionError("two rows of OPS have one number or one name")
    for spec in OPS:
        if not any(may_run(spec, actor) for actor in range(NR_ACTORS)):
            raise AssertionError(f"nobody may run {spec.name}")
        if not spec.c and not spec.requires:
            raise AssertionError(f"{spec.name} has no C form and does not say what it requires")


_check_rows()
