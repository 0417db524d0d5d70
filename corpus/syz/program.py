# SPDX-License-Identifier: MIT
"""What a syzkaller program consists of: calls, and arguments as the text has them.

Contract: plain data. Types of arguments are not known here: those stand in syzkaller's
descriptions, not in its programs. So a number may be a constant, a flag, a length or a
descriptor, and `{0x1, 0x2}` may have fields of any width.
"""

from dataclasses import dataclass, field
from typing import Final

# Where the data area of a program begins in its text, whatever the machine (syzkaller's
# prog/encoding.go), and where on x86-64: there since 2024, at OLD_BASE before. It is mapped
# before the program runs: private, anonymous, rwx, with a PROT_NONE page on either side.
TEXT_BASE: Final = 0x7F0000000000
DATA_BASE: Final = 0x200000000000
OLD_BASE: Final = 0x20000000
DATA_PAGES: Final = 4096
PAGE_SIZE: Final = 4096
DATA_PAGE: Final = DATA_BASE // PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Number:
    value: int


@dataclass(frozen=True, slots=True)
class Result:
    """`r0`, `r0/2+8`: what a call before returned or stored."""

    name: str
    div: int = 0
    add: int = 0


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes; `size` of them, the rest of them zeroes. None where the program only names a
    buffer (`""/64`), or a compressed image."""

    content: bytes | None
    size: int


@dataclass(frozen=True, slots=True)
class Group:
    """A structure or an array."""

    items: tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Pointer:
    """`&(0x7f0000001000/0x2000)=nil` with its address as on x86-64. `pages` is the vma's size
    in bytes, 0 for other pointers; `to` is nothing where the text leaves the default out."""

    address: int
    size: int = 0
    to: "Value | None" = None


@dataclass(frozen=True, slots=True)
class Bound:
    """`<r1=>0x0`: a value that a call stores, and its name."""

    name: str
    value: "Value"


@dataclass(frozen=True, slots=True)
class Nothing:
    """nil, AUTO, or a member of a union that the text names without a value."""


Value = Number | Result | Data | Group | Pointer | Bound | Nothing


@dataclass(frozen=True, slots=True)
class ProgramCall:
    """One line. `name` is the system call, `variant` what stands behind the $."""

    line: int
    name: str
    variant: str
    arguments: tuple[Value, ...]
    result: str = ""  # r0
    asynchronous: bool = False
    fail_nth: int = 0
    rerun: int = 0
    comment: str = ""


@dataclass(slots=True)
class Program:
    """A program's calls, the options of its header by lower-case name without underscores,
    and the lines that are no calls."""

    name: str
    calls: list[ProgramCall] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    odd_lines: list[tuple[int, str]] = field(default_factory=list)  # (line, what is wrong)
