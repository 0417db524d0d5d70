# SPDX-License-Identifier: MIT
"""include/linux/mm_inline.h (7.2): the markers that userfaultfd's write protection leaves."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm.mm_types import (
    PTE_UFFD_WP,
    SWP_MARKER_UFFD_WP,
    VM_UFFD_WP,
    Mm,
    PageTable,
    Vma,
    mk_swap_pte,
    pte_kind,
)
from simulator.mm.pgtable import set_pte_at
from simulator.objects import pte_obj
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def pte_install_uffd_wp_if_needed(
    k: "Kernel", vma: Vma, mm: Mm, table: PageTable, va: i64, old: i64
) -> None:
    """An entry of a file's mapping has gone, the file has not: if it was write-protected for
    userfaultfd, a marker says so. The lock of the page table is held."""
    if vma.inode is None or not vma.flags & VM_UFFD_WP:
        return
    if old & PTE_UFFD_WP or pte_kind(old) == SWP_MARKER_UFFD_WP:
        k.step(sites.PTE_INSTALL_UFFD_WP_IF_NEEDED__SET, pte_obj(mm.id, va), WRITE)
        set_pte_at(k, mm, table, va, mk_swap_pte(SWP_MARKER_UFFD_WP, 0))
        k.sometimes(features.Z_UFFD_WP_MARKER_LEFT)
