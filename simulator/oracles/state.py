# SPDX-License-Identifier: MIT
"""O22 state: things that must not be together, whoever made them so.

Anonymous memory in a shared mapping, a file's page in a mapping that is not the file's, an
entry outside every VMA, a guard marker in a VMA that says it has none, bits of features that
nobody has switched on, a frame that is handed out while still counted or on an LRU list, a
mapped frame on no LRU list, VMAs that overlap. Checked where it is made when that is cheap,
else at the End.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.lib.maple_tree import vma_lookup
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_DEVICE_PRIVATE,
    PG_LRU,
    PTE_SPECIAL,
    PTE_UFFD_WP,
    PTE_WRITE,
    SWP_MARKER_GUARD,
    SWP_MARKER_UFFD_WP,
    VM_LOCKED,
    VM_MAYBE_GUARD,
    VM_SHARED,
    VM_UFFD_FLAGS,
    VM_UFFD_WP,
    Folio,
    Mm,
    Page,
    Vma,
    is_device_pte,
    page_maps,
    pte_kind,
    pte_present,
)
from simulator.mm.pgtable import frame_text, pfn_to_page

if TYPE_CHECKING:
    from simulator.state import Kernel


def handed_out(k: "Kernel", page: Page, site: i64) -> None:
    """The allocator returns a frame that was in use before (check_new_page())."""
    folio = page.folio
    if folio.live or folio.ref or page.mapcount or folio.flags & PG_LRU:
        k.violate(
            "state",
            site,
            "page",
            f"{frame_text(page.pfn)} was handed out with {folio.ref} references and "
            f"{page.mapcount} "
            f"mappings, {'on' if folio.flags & PG_LRU else 'off'} the LRU",
        )


def lru_adding(k: "Kernel", folio: Folio) -> None:
    """A page is on its way to the LRU lists. One whose identity has migrated is only waiting to be
    freed (its memcg has let it go)."""
    page = folio.page
    if page.migrated:
        k.violate(
            "state",
            sites.MIGRATE_DEVICE_FINALIZE__ITSELF,
            k.class_of(page),
            f"{frame_text(page.pfn)} goes to the LRU after its contents have migrated",
        )


def anon_added(k: "Kernel", vma: Vma, va: i64) -> None:
    """A new anonymous page is being mapped in `vma`."""
    if vma.flags & VM_SHARED:
        k.violate(
            "state",
            k.cur.site,
            "anon",
            f"an anonymous page is mapped at page {va}, in a shared mapping",
        )


def marker_set(k: "Kernel", mm: Mm, va: i64) -> None:
    """A guard marker stands at `va` now. When it is a new one, its VMA must say so first: fork()
    copies markers only then. What becomes of it later, the End looks at."""
    if k.cur.site != sites.GUARD_INSTALL_SET_PTE__SET:
        return
    vma = vma_lookup(mm, va)
    if vma is not None and not vma.flags & VM_MAYBE_GUARD:
        k.violate(
            "state",
            sites.MADVISE_GUARD_INSTALL__SET_FLAG,
            "pte",
            f"page {va} has a guard marker, its VMA does not say that it may",
        )


def faults(k: "Kernel", vma: Vma, mm: Mm, va: i64) -> None:
    """A fault at page `va` is about to be resolved in `vma`, which a lock keeps as it is."""
    if vma.mm is not mm or not vma.attached or va < vma.start or va >= vma.end:
        k.violate(
            "state",
            k.cur.site,
            "vma",
            f"a fault at page {va} is resolved in VMA {vma.start}..{vma.end}, which has it not "
            "or is no longer in the tree",
        )


def audit_vmas(k: "Kernel", mm: Mm) -> None:
    """The End: the tree of VMAs (validate_mm())."""
    last: i64 = 0
    for vma in mm.vmas:
        if vma.start < last or vma.start >= vma.end or vma.mm is not mm:
            k.violate(
                "state",
                sites.VMA_ITER_STORE__TREE,
                "vma",
                f"VMA {vma.start}..{vma.end} overlaps another one, is empty, or is not this mm's",
            )
        if not vma.attached or vma.vm_refcnt != 1:
            k.violate(
                "state",
                sites.VMA_ITER_STORE__TREE,
                "vma",
                f"VMA {vma.start}..{vma.end} is in the tree with a count of {vma.vm_refcnt}",
            )
        inode = vma.inode
        if inode is not None and vma not in inode.i_mmap:
            k.violate(
                "rmap",
                sites.VMA_LINK_FILE__LOCK,
                "file",
                f"VMA {vma.start}..{vma.end} maps a file whose i_mmap does not know it",
            )
        last = vma.end
    changed(k, mm)


def changed(k: "Kernel", mm: Mm) -> None:
    """Whoever may have changed the VMAs is about to let others in."""
    pages: i64 = 0
    locked: i64 = 0
    for vma in mm.vmas:
        pages += vma.end - vma.start
        if (vma.flags & VM_UFFD_FLAGS != 0) != (vma.uffd is not None):
            k.violate(
                "state",
                sites.USERFAULTFD_SET_CTX__SET,
                "vma",
                f"VMA {vma.start}..{vma.end} has {'no' if vma.uffd is None else 'a'} userfaultfd, "
                "its flags say otherwise",
            )
        if vma.flags & VM_LOCKED:
            locked += vma.end - vma.start
        if vma.read_locked and vma.lock_seq == mm.mm_lock_seq:
            k.violate(
                "state",
                sites.VMA_START_WRITE__EXCLUDE_READERS,
                "vma",
                f"VMA {vma.start}..{vma.end} was write-locked while a fault had it read-locked",
            )
    if pages != mm.total_vm and not mm.unstable:
        k.violate(
            "accounting",
            k.cur.site,
            "mm",
            f"total_vm is {mm.total_vm}, the VMAs have {pages} pages",
        )
    if locked != mm.locked_vm and not mm.unstable:
        k.violate(
            "accounting",
            mm.counted_at or k.cur.site,
            "mm",
            f"locked_vm is {mm.locked_vm}, the VMAs with VM_LOCKED have {locked} pages",
        )


def audit_entry(k: "Kernel", vma: Vma | None, va: i64, pte: i64, who: i64) -> None:
    """The End: one entry that is not none, and its VMA."""
    if vma is None:
        k.violate("state", who, "pte", f"page {va} has an entry and no VMA")
        return
    marked = pte & PTE_UFFD_WP or pte_kind(pte) == SWP_MARKER_UFFD_WP
    if marked and not vma.flags & VM_UFFD_WP:
        k.violate(
            "state", who, "pte", f"the entry of page {va} has the uffd-wp bit, its VMA has no uffd"
        )
    if pte & PTE_UFFD_WP and pte & PTE_WRITE and pte_present(pte):
        k.violate("state", who, "pte", f"page {va} is write-protected by userfaultfd and writable")
    if pte_present(pte):
        if pte & PTE_SPECIAL:
            return
    elif not is_device_pte(pte):
        if pte_kind(pte) == SWP_MARKER_GUARD and not vma.flags & VM_MAYBE_GUARD:
            k.violate(
                "state",
                who,
                "pte",
                f"page {va} has a guard marker, its VMA does not say that it may",
            )
        return
    page = pfn_to_page(k, pte >> PFN_SHIFT)
    if page.folio.anon_vma is not None and vma.flags & VM_SHARED:
        k.violate("state", who, "anon", f"page {va} of a shared mapping maps an anonymous frame")


def audit_page(k: "Kernel", page: Page) -> None:
    """The End, all lru batches drained: one live frame or device page."""
    folio = page.folio
    if folio.anon_vma is not None and folio.inode is not None:
        k.violate(
            "state", page.entry_at, "page", f"{frame_text(page.pfn)} is anonymous and a file's page"
        )
    if page_maps(page) and not folio.flags & (PG_LRU | PG_DEVICE_PRIVATE):
        k.violate(
            "state",
            page.entry_at,
            k.class_of(page),
            f"{frame_text(page.pfn)} is mapped and on no LRU list: nobody could reclaim it",
        )
