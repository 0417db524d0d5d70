# SPDX-License-Identifier: MIT
"""What a step touches, as one number: a kind of objects, what holds the object, which one it is.

Every kind has its encoder here, and `decode` takes any of them apart again: 24 bits for the
object's index, 18 for its container (an mm, a class of locks, a file), the kind above them.
What scenarios may ask for fits; simulator/validate.py asserts that of its limits.
"""

from typing import Final

from mypy_extensions import i64

OBJ_NONE: Final = -1

INDEX_BITS: Final = 24  # pfns of device pages begin at 1 << 20
CONTAINER_BITS: Final = 18  # numbers of opaque files begin at 1 << 16
KIND_SHIFT: Final = INDEX_BITS + CONTAINER_BITS

_PTE: Final[i64] = 1 << KIND_SHIFT
_PMD: Final[i64] = 2 << KIND_SHIFT
_PAGE: Final[i64] = 3 << KIND_SHIFT
_LOCK: Final[i64] = 4 << KIND_SHIFT
_VMA: Final[i64] = 5 << KIND_SHIFT
_MM: Final[i64] = 6 << KIND_SHIFT
_CPU: Final[i64] = 7 << KIND_SHIFT
_ANON_VMA: Final[i64] = 8 << KIND_SHIFT
_FILE: Final[i64] = 9 << KIND_SHIFT
_DEVICE: Final[i64] = 10 << KIND_SHIFT
_UFFD: Final[i64] = 11 << KIND_SHIFT
_SWAP: Final[i64] = 12 << KIND_SHIFT
# Words for an object of each kind, by the number of the kind.
PHRASES: Final = (
    "",
    "pte {index} of mm{container}",
    "pmd {index} of mm{container}",
    "page {index}",
    "{lock} {index}",
    "vma {index}",
    "mm{index}",
    "CPU{index}",
    "anon_vma {index}",
    "page {index} of file {container}",
    "device {index}",
    "uffd {index}",
    "swap slot {index}",
)


def pte_obj(mm: i64, va: i64) -> i64:
    """A page table entry, by its mm's number and its page."""
    return _PTE | mm << INDEX_BITS | va


def pmd_obj(mm: i64, index: i64) -> i64:
    """A PMD entry, by its mm's number and its place in the mm."""
    return _PMD | mm << INDEX_BITS | index


def slot_obj(inode: i64, index: i64) -> i64:
    """A slot of the page cache, by its file's number and its page in the file."""
    return _FILE | inode << INDEX_BITS | index


def device_obj(va: i64) -> i64:
    """A page as the device maps it."""
    return _DEVICE | va


def swap_obj(slot: i64) -> i64:
    """A slot of the swap device: its count, and what the swap cache has for it."""
    return _SWAP | slot


# What has a number of its own encodes it once, when it is made.


def page_obj(pfn: i64) -> i64:
    return _PAGE | _checked(pfn)


def lock_obj(cls: i64, ident: i64) -> i64:
    return _LOCK | cls << INDEX_BITS | _checked(ident)


def vma_obj(ident: i64) -> i64:
    return _VMA | _checked(ident)


def mm_obj(ident: i64) -> i64:
    return _MM | _checked(ident)


def cpu_obj(ident: i64) -> i64:
    return _CPU | _checked(ident)


def anon_vma_obj(ident: i64) -> i64:
    return _ANON_VMA | _checked(ident)


def uffd_obj(ident: i64) -> i64:
    """A userfaultfd context, by its place among those of the run."""
    return _UFFD | _checked(ident)


def _checked(index: i64) -> i64:
    assert 0 <= index < 1 << INDEX_BITS, "more objects of one kind than INDEX_BITS can number"
    return index


def decode(obj: i64) -> tuple[i64, i64, i64]:
    """Kind (a place in PHRASES), container and index of what an encoder made."""
    return (
        obj >> KIND_SHIFT,
        obj >> INDEX_BITS & ((1 << CONTAINER_BITS) - 1),
        obj & ((1 << INDEX_BITS) - 1),
    )
