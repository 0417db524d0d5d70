# SPDX-License-Identifier: MIT
"""The state of the machine as text for people: VMAs, page tables, pages, stale translations."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm.mm_types import (
    PFN_SHIFT, PG_NAMES, PTE_DIRTY, PTE_PRESENT, PTE_PROTNONE, PTE_SOFT_DIRTY, PTE_SPECIAL,
    PTE_WRITE, PTE_YOUNG, SWP_MARKER_GUARD, SWP_NAMES, VM_EXEC, VM_GROWSDOWN, VM_READ, VM_SHARED,
    VM_WRITE, Mm, Page, Vma, pte_kind,
)
from simulator.mm.pgtable import DEVICE_PFN_BASE, pfn_to_page

if TYPE_CHECKING:
    from simulator.state import Kernel


def describe(k: "Kernel") -> str:
    """Every live mm, one line an object, in a fixed order."""
    lines: list[str] = []
    for mm in k.mms:
        if not mm.live:
            continue
        lines.append(f"mm{mm.id}:")
        for vma in mm.vmas:
            lines.append("  " + vma_text(vma))
        for table in mm.tables:
            if table is not None:
                base = table.pmd << k.pmd_order
                for i in range(k.ptrs_per_pte):
                    if table.pte[i]:
                        lines.append(f"  page {base + i}: {pte_text(k, table.pte[i])}")
        lines += stale_text(mm)
    return "\n".join(lines)


def vma_text(vma: Vma) -> str:
    flags = vma.flags
    perms = (
        ("r" if flags & VM_READ else "-") + ("w" if flags & VM_WRITE else "-")
        + ("x" if flags & VM_EXEC else "-") + ("s" if flags & VM_SHARED else "p")
    )
    backing = "anon" if vma.inode is None else f"f{vma.inode.id}+{vma.pgoff}"
    grows = " growsdown" if flags & VM_GROWSDOWN else ""
    return f"vma {vma.start}..{vma.end} {perms} {backing}{grows}"


def pte_text(k: "Kernel", pte: i64) -> str:
    """A page table entry and the page behind it."""
    kind = pte_kind(pte)
    if kind == SWP_MARKER_GUARD:
        return "guard marker"
    if kind:
        return f"{SWP_NAMES[kind]} entry -> {page_text(pfn_to_page(k, pte >> PFN_SHIFT))}"
    bits = (
        ("rw" if pte & PTE_WRITE else "ro") + (" dirty" if pte & PTE_DIRTY else "")
        + (" young" if pte & PTE_YOUNG else "")
        + (" soft-dirty" if pte & PTE_SOFT_DIRTY else "")
        + (" prot-none" if pte & PTE_PROTNONE and not pte & PTE_PRESENT else "")
    )
    if pte & PTE_SPECIAL:
        return f"{bits} -> zero page"
    return f"{bits} -> {page_text(pfn_to_page(k, pte >> PFN_SHIFT))}"


def entry_text(k: "Kernel", pte: i64) -> str:
    """A page table entry in few words."""
    if pte == 0:
        return "none"
    kind = pte_kind(pte)
    if kind == SWP_MARKER_GUARD:
        return "a guard marker"
    if kind:
        return f"a {SWP_NAMES[kind]} entry of {frame_text(pte >> PFN_SHIFT)}"
    words = "rw" if pte & PTE_WRITE else "ro"
    words += " dirty" if pte & PTE_DIRTY else ""
    words += " soft-dirty" if pte & PTE_SOFT_DIRTY else ""
    words += " prot-none" if pte & PTE_PROTNONE and not pte & PTE_PRESENT else ""
    return f"{words}, " + ("the zero page" if pte & PTE_SPECIAL else frame_text(pte >> PFN_SHIFT))


def frame_text(pfn: i64) -> str:
    """A frame of memory, or a page of a device's, by its number there."""
    return f"frame {pfn}" if pfn < DEVICE_PFN_BASE else f"device page {pfn - DEVICE_PFN_BASE}"


def page_text(page: Page) -> str:
    folio = page.folio
    flags = page.flags | folio.flags
    words = ",".join(str(page.words[i]) for i in range(4))
    return (
        f"{frame_text(page.pfn)} refs={folio.ref} mapcount={page.mapcount}"
        + "".join(f" {name}" for bit, name in enumerate(PG_NAMES) if flags >> bit & 1)
        + (f" pins={folio.pincount}" if folio.pincount else "")
        + f" data={words}"
    )


def stale_text(mm: Mm) -> list[str]:
    """Translations that some CPU may still use although the tables changed."""
    lines: list[str] = []
    for s in mm.stale:
        if not s.mask:
            continue
        cpus = ",".join(f"CPU{i}" for i in range(16) if (s.mask >> i) & 1)
        if s.table is not None:
            lines.append(f"  stale page table of {s.va}.. on {cpus}")
        else:
            mode = "rw" if s.pte & PTE_WRITE else "ro"
            frame = s.pte >> PFN_SHIFT
            lines.append(f"  stale {mode} translation {s.va} -> frame {frame} on {cpus}")
    return lines
