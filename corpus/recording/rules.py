# SPDX-License-Identifier: MIT
"""What the kernel answers to arguments that a scenario cannot say, whatever is mapped.

Contract: `of_range` and the others give the answers that Linux may give ("ok" or names of errnos),
after the checks at the head of each system call, or nothing where the arguments are such that a
scenario can say the call. Addresses and lengths are bytes, as 64-bit numbers without sign.
"""

from typing import Final

from corpus.recording.causes import OVERCOMMIT_BYTES, Causes
from corpus.recording.events import Call
from corpus.recording.follow import DEVICE, OTHER, SEAL_WRITE, UNKNOWN, File
from corpus.recording.layout import Layout
from corpus.recording.values import MAP, MREMAP

PAGE_SIZE: Final = 4096
TASK_PAGES: Final = (1 << 35) - 1  # 47 bits of user addresses on x86-64, but for the last page
TASK_SIZE: Final = TASK_PAGES * PAGE_SIZE
OK: Final = "ok"
_MASK: Final = (1 << 64) - 1
_PROT_WRITE: Final = 2
_PROT_EXEC: Final = 4
_LOWEST: Final = 64 << 10  # vm.mmap_min_addr: 4 or 64 KiB

Answers = tuple[str, ...]


def of_range(name: str, start: int, length: int) -> Answers:
    """munmap(), mprotect(), madvise() and their like at start..start+length."""
    start, length = start & _MASK, length & _MASK
    unaligned = start % PAGE_SIZE != 0
    end = (start + length + PAGE_SIZE - 1) // PAGE_SIZE * PAGE_SIZE
    beyond = end > TASK_SIZE
    if name == "munmap":
        return ("EINVAL",) if unaligned or not length or beyond else ()
    if name == "mremap":
        # Its first checks are of_mremap(); then the VMA is looked for.
        return ("EINVAL",) if unaligned else ("EFAULT",) if beyond else ()
    if unaligned:
        return ("EINVAL",)
    if not length:
        return (OK, "EINVAL") if name == "madvise" else (OK,)
    if beyond:
        return ("ENOMEM", "EINVAL")
    return ()


def of_mremap(new_length: int, flags: int, to: int) -> Answers:
    """What the arguments of mremap() but its source say."""
    fixed = flags & MREMAP["MREMAP_FIXED"]
    keep = flags & MREMAP["MREMAP_DONTUNMAP"]
    new_length, to = new_length & _MASK, to & _MASK
    if flags & ~7 or (fixed or keep) and not flags & MREMAP["MREMAP_MAYMOVE"]:
        return ("EINVAL",)
    if not new_length or new_length > TASK_SIZE:
        return ("EINVAL",)
    if fixed and (to % PAGE_SIZE or to > TASK_SIZE - new_length):
        return ("EINVAL",)
    return ()


def of_mmap(start: int, length: int, flags: int, offset: int) -> Answers:
    """What place, size and offset of mmap() say."""
    start, length = start & _MASK, length & _MASK
    fixed = flags & (MAP["MAP_FIXED"] | MAP["MAP_FIXED_NOREPLACE"])
    if offset % PAGE_SIZE:
        return ("EINVAL",)
    if not length or fixed and start % PAGE_SIZE:
        return ("EINVAL", "EBADF", "EACCES", "ENODEV")
    if length > TASK_SIZE or fixed and start > TASK_SIZE - length:
        return ("ENOMEM", "EBADF", "EOVERFLOW", "EACCES", "ENODEV")
    return ()


def mmap_refused(
    call: Call,
    prot: int,
    flags: int,
    length: int,
    start: int,
    file: File | None,
    causes: Causes,
    layout: Layout,
) -> str:
    """Why mmap() may have failed as it did, or nothing: then it should not have."""
    errno = call.errno
    anonymous = flags & MAP["MAP_ANONYMOUS"]
    shared = flags & 15 in (MAP["MAP_SHARED"], MAP["MAP_SHARED_VALIDATE"])
    if causes.filtered and errno in ("EPERM", "EACCES", "ENOSYS"):
        return f"line {causes.filtered} sets a filter, which may refuse any call"
    if errno == "EACCES" and causes.no_exec_gain and prot & 6 == 6:
        return (
            f"prctl(PR_SET_MDWE) of line {causes.no_exec_gain} forbids memory that is "
            "writable and executable"
        )
    if errno == "EPERM" and flags & MAP["MAP_FIXED"] and start < _LOWEST:
        return "below vm.mmap_min_addr"
    if errno == "EPERM" and flags & MAP["MAP_FIXED"]:
        line = causes.sealed(start // PAGE_SIZE, -(-(start + length) // PAGE_SIZE))
        if line:
            return f"line {line} sealed what is mapped there"
    if errno in ("EAGAIN", "EPERM") and (flags & MAP["MAP_LOCKED"] or causes.locks_future):
        return "RLIMIT_MEMLOCK limits locked memory"
    if errno == "ENOMEM":
        return _no_room(flags, length, causes, layout)
    if errno in ("EINVAL", "EOPNOTSUPP") and (
        not flags & 3 or flags & ~_COMMON_FLAGS or shared and anonymous and flags & 15 != 1
    ):
        return "flags that not every kernel takes"
    if not anonymous:
        return _of_file(errno, prot, shared, file)
    return ""


_COMMON_FLAGS: Final = 0x10 | 0x20 | 0x40 | 0x800 | 0x1000 | 0x4000 | 0x8000 | 0x10000 | 0x20000 | 3


def _no_room(flags: int, length: int, causes: Causes, layout: Layout) -> str:
    if flags & MAP["MAP_HUGETLB"]:
        return "the machine may have no huge pages"
    if flags & MAP["MAP_32BIT"]:
        return "MAP_32BIT leaves little room"
    if length > OVERCOMMIT_BYTES and flags & MAP["MAP_NORESERVE"] and length < TASK_SIZE // 4:
        return causes.limited(length, layout)
    return causes.too_much(length, layout)


def _of_file(errno: str, prot: int, shared: bool, file: File | None) -> str:
    """What the descriptor says about it."""
    if file is None:
        return "no descriptor" if errno == "EBADF" else ""
    if file.kind in (UNKNOWN, DEVICE):
        return f"what {file} allows is not in the log"
    if errno == "EACCES" and file.access and "r" not in file.access:
        return f"{file} was opened in line {file.line}, and not for reading"
    if errno == "EACCES" and shared and prot & _PROT_WRITE and "w" not in file.access:
        return f"{file} was opened in line {file.line}, and not for writing"
    if errno == "EPERM" and shared and file.seals & SEAL_WRITE:
        return f"{file} was sealed in line {file.sealed_in_line}"
    if errno == "EPERM" and prot & _PROT_EXEC & ~file.mapped and file.kind == OTHER:
        return f"{file} may be on a file system that is mounted noexec"
    if errno in ("ENODEV", "EACCES", "EINVAL") and file.kind != "memfd" and not file.mapped:
        return f"{file} may be no file that can be mapped"
    return ""
