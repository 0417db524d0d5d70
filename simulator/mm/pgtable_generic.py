# SPDX-License-Identifier: MIT
"""mm/pgtable-generic.c: entries that are taken out together with every cached copy."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm import tlb
from simulator.mm.mm_types import PTE_PRESENT, PTE_PROTNONE, Mm, PageTable
from simulator.mm.pgtable import write_pte

if TYPE_CHECKING:
    from simulator.state import Kernel


def pte_accessible(mm: Mm, pte: i64) -> bool:
    """Whether a CPU may hold a translation of the entry: also of a PROT_NONE one whose flush
    is still on its way."""
    if pte & PTE_PRESENT:
        return True
    return pte & PTE_PROTNONE != 0 and mm.tlb_flush_pending > 0


def ptep_clear_flush(k: "Kernel", mm: Mm, table: PageTable, va: i64) -> i64:
    """Take the entry out and make sure that no CPU has it cached."""
    pte = write_pte(k, mm, table, va, 0, False)
    if pte_accessible(mm, pte):
        tlb.flush_tlb_page(k, mm, va)
    return pte
