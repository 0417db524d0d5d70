# SPDX-License-Identifier: MIT
"""The state of the machine as text for people: VMAs, page tables, pages, stale translations."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_NAMES,
    PTE_DIRTY,
    PTE_PRESENT,
    PTE_PROTNONE,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_SWP_EXCLUSIVE,
    PTE_WRITE,
    PTE_YOUNG,
    SWP_MARKER_GUARD,
    SWP_NAMES,
    SWP_SWAP,
    VM_EXEC,
    VM_GROWSDOWN,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
    AnonVma,
    Lock,
    Mm,
    Page,
    RwSem,
    Vma,
    pte_kind,
    swp_offset,
)
from simulator.mm.pgtable import frame_text, pfn_to_page
from simulator.sites import ACTOR_LABELS
from simulator.touched import name_of

if TYPE_CHECKING:
    from simulator.state import Kernel


def describe(k: "Kernel") -> str:
    """Every live mm, and what is behind its pages, one line an object, in a fixed order. A lock
    and who has it is a line of its own, which begins with its name."""
    lines: list[str] = []
    for mm in k.mms:
        if not mm.live:
            continue
        lines.append(f"mm{mm.id}:")
        lines.append("  " + sem_text(mm.mmap_lock))
        for vma in mm.vmas:
            av = vma.anon_vma
            lines.append(f"  {vma_text(vma)}" + (f" anon_vma {av.id}" if av is not None else ""))
        lines.append("  " + lock_text(mm.page_table_lock))
        for table in mm.tables:
            if table is not None:
                base = table.pmd << k.pmd_order
                lines.append(f"  {lock_text(table.ptl)}, of pages {base}..{base + k.ptrs_per_pte}")
                for i in range(k.ptrs_per_pte):
                    if table.pte[i]:
                        lines.append(f"  page {base + i}: {pte_text(k, table.pte[i])}")
        lines += stale_text(mm)
    for av in k.anon_vmas.taken():
        if av.live:
            lines += anon_vma_text(av)
    for inode in k.inodes + k.shared_anon:
        if inode.live:
            lines.append(sem_text(inode.i_rwsem))
            lines.append(sem_text(inode.i_mmap_rwsem))
            for lock in (inode.f_pos_lock, inode.i_lock, inode.i_pages_lock):
                lines.append(lock_text(lock))
    for t in k.tasks:
        mutex = getattr(t.device, "mutex", None)  # a driver's own, of whatever driver
        if isinstance(mutex, Lock):
            lines.append(lock_text(mutex))
    for frames in [k.frames] + [pgmap.slab for pgmap in k.pagemaps]:
        for page in frames.taken():
            if page.folio.live and page.folio.page is page:
                lines.append(lock_text(page.folio.lock))
    return "\n".join(lines)


def lock_text(lock: Lock) -> str:
    """`ptl 0: T1 has it, T0 waits`."""
    who = ACTOR_LABELS[lock.owner] + " has it" if lock.owner >= 0 else "free"
    return f"{name_of(lock.obj)}: {who}" + waiting_text(lock.waiters)


def sem_text(sem: RwSem) -> str:
    """`mmap_lock 0: T0, T1 have it for read, T2 waits`."""
    if sem.writer >= 0:
        who = ACTOR_LABELS[sem.writer] + " has it for write"
    elif sem.readers:
        names = actors_text(sem.readers)
        who = names + (" have" if ", " in names else " has") + " it for read"
    else:
        who = "free"
    return f"{name_of(sem.obj)}: {who}" + waiting_text(sem.waiters)


def waiting_text(mask: i64) -> str:
    return f", waited for by {actors_text(mask)}" if mask else ""


def actors_text(mask: i64) -> str:
    return ", ".join(ACTOR_LABELS[i] for i in range(len(ACTOR_LABELS)) if (mask >> i) & 1)


def anon_vma_text(av: AnonVma) -> list[str]:
    """Its VMAs, and its lock if it is a root."""
    linked = ", ".join(f"{vma.start}..{vma.end} of {owner_text(vma)}" for vma in av.vmas) or "none"
    root = av.root
    below = f", root anon_vma {root.id}" if root is not None and root is not av else ""
    lines = [f"anon_vma {av.id}: refs={av.refcount}, VMAs: {linked}{below}"]
    if root is av:
        lines.append(sem_text(av.rwsem))
    return lines


def owner_text(vma: Vma) -> str:
    return f"mm{vma.mm.id}" if vma.mm is not None else "no mm"


def vma_text(vma: Vma) -> str:
    flags = vma.flags
    perms = (
        ("r" if flags & VM_READ else "-")
        + ("w" if flags & VM_WRITE else "-")
        + ("x" if flags & VM_EXEC else "-")
        + ("s" if flags & VM_SHARED else "p")
    )
    backing = "anon" if vma.inode is None else f"f{vma.inode.id}+{vma.pgoff}"
    grows = " growsdown" if flags & VM_GROWSDOWN else ""
    return f"vma {vma.start}..{vma.end} {perms} {backing}{grows}"


# By kind, from SWP_MARKER_GUARD on.
MARKERS: Final = ("guard marker", "poison marker", "write protection marker")


def pte_text(k: "Kernel", pte: i64) -> str:
    """A page table entry and the page behind it."""
    kind = pte_kind(pte)
    if kind >= SWP_MARKER_GUARD:
        return MARKERS[kind - SWP_MARKER_GUARD]
    if kind == SWP_SWAP:
        return f"swap entry{exclusive_text(pte)} -> slot {swp_offset(pte)}"
    if kind:
        return f"{SWP_NAMES[kind]} entry -> {page_text(pfn_to_page(k, pte >> PFN_SHIFT))}"
    bits = (
        ("rw" if pte & PTE_WRITE else "ro")
        + (" dirty" if pte & PTE_DIRTY else "")
        + (" young" if pte & PTE_YOUNG else "")
        + (" soft-dirty" if pte & PTE_SOFT_DIRTY else "")
        + (" prot-none" if pte & PTE_PROTNONE and not pte & PTE_PRESENT else "")
    )
    if pte & PTE_SPECIAL:
        return f"{bits} -> zero page"
    return f"{bits} -> {page_text(pfn_to_page(k, pte >> PFN_SHIFT))}"


def exclusive_text(pte: i64) -> str:
    """Of a swap entry."""
    return " (exclusive)" if pte & PTE_SWP_EXCLUSIVE else ""


def entry_text(k: "Kernel", pte: i64) -> str:
    """A page table entry in few words."""
    if pte == 0:
        return "none"
    kind = pte_kind(pte)
    if kind >= SWP_MARKER_GUARD:
        return f"a {MARKERS[kind - SWP_MARKER_GUARD]}"
    if kind == SWP_SWAP:
        return f"a swap entry of slot {swp_offset(pte)}{exclusive_text(pte)}"
    if kind:
        return f"a {SWP_NAMES[kind]} entry of {frame_text(pte >> PFN_SHIFT)}"
    words = "rw" if pte & PTE_WRITE else "ro"
    words += " dirty" if pte & PTE_DIRTY else ""
    words += " soft-dirty" if pte & PTE_SOFT_DIRTY else ""
    words += " prot-none" if pte & PTE_PROTNONE and not pte & PTE_PRESENT else ""
    return f"{words}, " + ("the zero page" if pte & PTE_SPECIAL else frame_text(pte >> PFN_SHIFT))


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
