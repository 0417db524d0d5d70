# SPDX-License-Identifier: MIT
"""Looking up VMAs in their tree, which is `Mm.vmas`, a list by address (lib/maple_tree.c, and
the look-ups of mm/mmap.c and mm/vma.c). No steps: callers announce what they look at."""

from mypy_extensions import i64

from simulator.mm.mm_types import Mm, Vma


def vma_index(mm: Mm, va: i64) -> i64:
    """Place of the first VMA that ends above `va`; len(mm.vmas) for none."""
    vmas = mm.vmas
    low: i64 = 0
    high: i64 = len(vmas)
    while low < high:
        mid = (low + high) >> 1
        if vmas[mid].end > va:
            high = mid
        else:
            low = mid + 1
    return low


def find_vma(mm: Mm, va: i64) -> Vma | None:
    """The first VMA that ends above `va`; it may begin above it too."""
    i = vma_index(mm, va)
    return mm.vmas[i] if i < len(mm.vmas) else None


def vma_lookup(mm: Mm, va: i64) -> Vma | None:
    """The VMA that holds `va`."""
    i = vma_index(mm, va)
    if i < len(mm.vmas):
        vma = mm.vmas[i]
        if vma.start <= va:
            return vma
    return None


def find_vma_intersection(mm: Mm, start: i64, end: i64) -> Vma | None:
    """The first VMA that shares a page with [start, end)."""
    vma = find_vma(mm, start)
    return vma if vma is not None and vma.start < end else None


def vma_prev(mm: Mm, va: i64) -> Vma | None:
    """The last VMA that ends at or below `va`."""
    i = vma_index(mm, va)
    return mm.vmas[i - 1] if i else None
