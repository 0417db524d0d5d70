# SPDX-License-Identifier: MIT
"""mm/interval_tree.c (Linux 7.2): the VMAs of an anon_vma or a file in the order of rmap walks.

A walk meets VMAs by their first page offset, those with the same one in the order in which they
came. Code that moves pages without the rmap locks relies on that, so it is kept as a sorted list.
A VMA whose range changes is taken out before and put in again after.
"""

from mypy_extensions import i64

from simulator.mm.mm_types import Vma


def insert(vmas: list[Vma], vma: Vma) -> None:
    """Behind those with the same offset (vma_interval_tree_insert())."""
    i: i64 = len(vmas)
    while i > 0 and vmas[i - 1].pgoff > vma.pgoff:
        i -= 1
    vmas.insert(i, vma)


def insert_anon(vmas: list[Vma], vma: Vma) -> None:
    """The same by the offsets of anonymous pages (anon_vma_interval_tree_insert())."""
    i: i64 = len(vmas)
    while i > 0 and vmas[i - 1].anon_pgoff > vma.anon_pgoff:
        i -= 1
    vmas.insert(i, vma)


def insert_after(vmas: list[Vma], vma: Vma, prev: Vma) -> None:
    """Next to `prev`, which has the same offset (vma_interval_tree_insert_after())."""
    vmas.insert(vmas.index(prev) + 1, vma)


def remove(vmas: list[Vma], vma: Vma) -> None:
    vmas.remove(vma)
