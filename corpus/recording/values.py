# SPDX-License-Identifier: MIT
"""Single arguments of a traced call: numbers, flags by name or number, strings.

Contract: each function returns None for text that it cannot read, so that the caller lists
the call with a reason; none guesses. Constants are those of Linux on x86-64.
"""

import re
from typing import Final

PROT: Final = {
    "PROT_NONE": 0,
    "PROT_READ": 1,
    "PROT_WRITE": 2,
    "PROT_EXEC": 4,
    "PROT_SEM": 8,
    "PROT_GROWSDOWN": 0x01000000,
    "PROT_GROWSUP": 0x02000000,
}
MAP: Final = {
    "MAP_FILE": 0,
    "MAP_SHARED": 1,
    "MAP_PRIVATE": 2,
    "MAP_SHARED_VALIDATE": 3,
    "MAP_DROPPABLE": 8,
    "MAP_FIXED": 0x10,
    "MAP_ANONYMOUS": 0x20,
    "MAP_ANON": 0x20,
    "MAP_32BIT": 0x40,
    "MAP_ABOVE4G": 0x80,
    "MAP_GROWSDOWN": 0x100,
    "MAP_DENYWRITE": 0x800,
    "MAP_EXECUTABLE": 0x1000,
    "MAP_LOCKED": 0x2000,
    "MAP_NORESERVE": 0x4000,
    "MAP_POPULATE": 0x8000,
    "MAP_NONBLOCK": 0x10000,
    "MAP_STACK": 0x20000,
    "MAP_HUGETLB": 0x40000,
    "MAP_SYNC": 0x80000,
    "MAP_FIXED_NOREPLACE": 0x100000,
    "MAP_UNINITIALIZED": 0x4000000,
}
MREMAP: Final = {"MREMAP_MAYMOVE": 1, "MREMAP_FIXED": 2, "MREMAP_DONTUNMAP": 4}
MADV: Final = {
    "MADV_NORMAL": 0,
    "MADV_RANDOM": 1,
    "MADV_SEQUENTIAL": 2,
    "MADV_WILLNEED": 3,
    "MADV_DONTNEED": 4,
    "MADV_FREE": 8,
    "MADV_REMOVE": 9,
    "MADV_DONTFORK": 10,
    "MADV_DOFORK": 11,
    "MADV_MERGEABLE": 12,
    "MADV_UNMERGEABLE": 13,
    "MADV_HUGEPAGE": 14,
    "MADV_NOHUGEPAGE": 15,
    "MADV_DONTDUMP": 16,
    "MADV_DODUMP": 17,
    "MADV_WIPEONFORK": 18,
    "MADV_KEEPONFORK": 19,
    "MADV_COLD": 20,
    "MADV_PAGEOUT": 21,
    "MADV_POPULATE_READ": 22,
    "MADV_POPULATE_WRITE": 23,
    "MADV_DONTNEED_LOCKED": 24,
    "MADV_COLLAPSE": 25,
    "MADV_HWPOISON": 100,
    "MADV_SOFT_OFFLINE": 101,
    "MADV_GUARD_INSTALL": 102,
    "MADV_GUARD_REMOVE": 103,
}
CLONE: Final = {"CLONE_VM": 0x100, "CLONE_FS": 0x200, "CLONE_FILES": 0x400, "CLONE_VFORK": 0x4000}
UFFDIO: Final = {  # numbers hold the size of the argument, so other sizes are other ioctls
    "UFFDIO_API": 0xC018AA3F,
    "UFFDIO_REGISTER": 0xC020AA00,
    "UFFDIO_UNREGISTER": 0x8010AA01,
    "UFFDIO_WAKE": 0x8010AA02,
    "UFFDIO_COPY": 0xC028AA03,
    "UFFDIO_ZEROPAGE": 0xC020AA04,
    "UFFDIO_MOVE": 0xC028AA05,
    "UFFDIO_WRITEPROTECT": 0xC018AA06,
    "UFFDIO_CONTINUE": 0xC020AA07,
    "UFFDIO_POISON": 0xC020AA08,
}
OPEN: Final = {"O_RDONLY": 0, "O_WRONLY": 1, "O_RDWR": 2, "O_CLOEXEC": 0x80000, "MFD_CLOEXEC": 1}
# Calls about memory that a strace older than the kernel prints as syscall_0x1ce(...).
SYSCALLS: Final = {
    319: "memfd_create",
    323: "userfaultfd",
    325: "mlock2",
    329: "pkey_mprotect",
    330: "pkey_alloc",
    331: "pkey_free",
    435: "clone3",
    437: "openat2",
    440: "process_madvise",
    447: "memfd_secret",
    448: "process_mrelease",
    450: "set_mempolicy_home_node",
    453: "map_shadow_stack",
    462: "mseal",
}

_IOC: Final = re.compile(r"_IOC\(([^,]+), ([^,]+), ([^,]+), ([^,]+)\)")
_IOC_DIRECTIONS: Final = {"_IOC_NONE": 0, "_IOC_WRITE": 1, "_IOC_READ": 2}
_NUMBER: Final = re.compile(r"-?(?:0x[0-9a-fA-F]+|\d+)")
_DESCRIPTOR: Final = re.compile(r"(-?\d{1,18})(?:<.*>)?", re.DOTALL)
_STRING: Final = re.compile(r'(?:&0x[0-9a-f]+=)?"((?:[^"\\]|\\.)*)"(\.\.\.)?', re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPED: Final = {
    b"n": b"\n",
    b"t": b"\t",
    b"r": b"\r",
    b"v": b"\v",
    b"f": b"\f",
    b"a": b"\a",
    b"b": b"\b",
}
_TERM: Final = re.compile(r"[A-Z][A-Z0-9_]*|-?0x[0-9a-fA-F]+|-?\d+|(\d+)<<(\d+)")


def number(word: str) -> int | None:
    """A decimal, octal or hexadecimal number, NULL, or a product such as 64*1024."""
    if word == "NULL":
        return 0
    product = 1
    for factor in word.split("*"):
        if not _NUMBER.fullmatch(factor):
            return None
        bare = factor.lstrip("-")
        octal = len(bare) > 1 and bare[0] == "0" and bare.isdigit()
        try:
            product *= int(factor, 8) if octal else int(factor, 0)
        except ValueError:
            return None
    return product


def address(word: str) -> int | None:
    """An address: a number, or a pointer with what it points at, as in `&0x7ff0="text"`."""
    if word.startswith("&"):
        word = word[1:].partition("=")[0]
    return number(word)


def descriptor(word: str) -> int | None:
    """A file descriptor, as -y prints it or without its path."""
    match = _DESCRIPTOR.fullmatch(word)
    return int(match[1]) if match else None


def flags(word: str, names: dict[str, int]) -> int | None:
    """A bit mask of names and numbers; None when a name is not among `names`."""
    mask = 0
    for term in word.split("|"):
        term = term.strip()
        if term in names:
            mask |= names[term]
        else:
            value = number(term)
            if value is None:
                return None
            mask |= value
    return mask


def ioctl(word: str) -> int | None:
    """The number of an ioctl that strace takes apart because it does not know it:
    `_IOC(_IOC_READ|_IOC_WRITE, 0xaa, 0x3, 0x28)` is direction, type, number and size (asm/ioctl.h).
    """
    match = _IOC.fullmatch(word)
    if match is None:
        return None
    direction = flags(match[1], _IOC_DIRECTIONS)
    kind, nr, size = (number(match[group]) for group in (2, 3, 4))
    if direction is None or kind is None or nr is None or size is None:
        return None
    return direction << 30 | size << 16 | kind << 8 | nr


def uffdio(word: str) -> str:
    """The name of an ioctl of userfaultfd by its number, or what stands there."""
    value = ioctl(word) if word.startswith("_IOC(") else flags(word, UFFDIO)
    return next((name for name, number in UFFDIO.items() if number == value), word[:40])


def some_flags(word: str, names: dict[str, int]) -> int:
    """The bits of a mask that `names` knows; all bits of its numbers."""
    mask = 0
    for term in word.split("|"):
        mask |= names.get(term.strip(), 0) or number(term.strip()) or 0
    return mask


def string(word: str) -> bytes | None:
    """A string that was printed whole."""
    match = _STRING.fullmatch(word)
    if not match or match[2]:
        return None
    return _ESCAPE.sub(_unescape, match[1].encode("utf-8", "surrogateescape"))


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code[:1] == b"x" and len(code) == 3:
        return bytes([int(code[1:], 16)])
    if b"0" <= code[:1] <= b"7":
        return bytes([int(code, 8) & 0xFF])
    return _ESCAPED.get(code, code)


def named(word: str) -> str:
    """The value after `name=`, as strace prints clone()'s arguments, or the word itself."""
    before, equals, after = word.partition("=")
    return after if equals and before.isidentifier() else word
