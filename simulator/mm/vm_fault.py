# SPDX-License-Identifier: MIT
"""What the page fault path and those who serve it have in common (include/linux/mm.h (7.2),
mm_types.h): flags and answers of a fault, struct vm_fault, and mapping a page of the page cache.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from simulator import sites
from simulator.build.native import final
from simulator.mm import anon_vma, mmap_lock, rmap
from simulator.mm.mm_types import (
    MM_FILEPAGES,
    PTE_YOUNG,
    REF_MAP,
    Mm,
    Page,
    PageTable,
    Vma,
    add_mm_counter,
    pte_mkuffd_wp,
)
from simulator.mm.page_ref import folio_get
from simulator.mm.pgtable import (
    maybe_mkwrite,
    mk_pte,
    pmd_none,
    pte_mkdirty,
    set_pte_at,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import pmd_install, pte_alloc
from simulator.state import READ

if TYPE_CHECKING:
    from simulator.state import Kernel

FAULT_FLAG_WRITE: Final = 1
FAULT_FLAG_UNSHARE: Final = 2
FAULT_FLAG_VMA_LOCK: Final = 4
FAULT_FLAG_REMOTE: Final = 8
FAULT_FLAG_USER: Final = 16
FAULT_FLAG_ALLOW_RETRY: Final = 32  # the lock may be dropped: VM_FAULT_RETRY says that it was
FAULT_FLAG_TRIED: Final = 64  # not for the first time: the lock stays

VM_FAULT_OOM: Final = 0x1
VM_FAULT_SIGBUS: Final = 0x2
VM_FAULT_HWPOISON: Final = 0x10
VM_FAULT_SIGSEGV: Final = 0x40
VM_FAULT_NOPAGE: Final = 0x100  # the entry has been installed
VM_FAULT_RETRY: Final = 0x400  # the lock (mmap or VMA) has been dropped: try again
VM_FAULT_FALLBACK: Final = 0x800  # a huge page cannot do it: try small ones
VM_FAULT_COMPLETED: Final = 0x4000
VM_FAULT_ERROR: Final = VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_HWPOISON | VM_FAULT_SIGSEGV


@mypyc_attr(acyclic=True)
@final
class VmFault:
    """struct vm_fault. `table` is the page table while its lock is held."""

    def __init__(self, vma: Vma, mm: Mm, va: i64, flags: i64) -> None:
        self.vma: Final[Vma] = vma
        self.mm: Final[Mm] = mm
        self.va: Final[i64] = va
        self.flags: i64 = flags
        self.table: PageTable | None = None
        self.orig_pte: i64 = 0
        self.orig_pmd: i64 = 0
        self.page: Page | None = None
        self.fault_type: i64 = 0  # VM_FAULT_*: what user space has been asked for a page of a file
        self.prealloc_pte: PageTable | None = None


def vmf_anon_prepare(k: "Kernel", vmf: VmFault) -> i64:
    """The VMA needs an anon_vma before it maps anonymous pages. To find one it looks at other
    VMAs, for which the VMA lock alone is too little: mmap_lock is tried as well."""
    vma = vmf.vma
    mm = vmf.mm
    k.step(sites.VMF_ANON_PREPARE__CHECK, vma.obj, READ)
    if vma.anon_vma is not None:
        return 0
    under_vma_lock = vmf.flags & FAULT_FLAG_VMA_LOCK != 0
    if under_vma_lock and not mmap_lock.mmap_read_trylock(k, mm, sites.VMF_ANON_PREPARE__TRYLOCK):
        mmap_lock.vma_end_read(k, vma)
        return VM_FAULT_RETRY
    ret: i64 = 0
    if anon_vma.anon_vma_prepare(k, vma):
        ret = VM_FAULT_OOM
    if under_vma_lock:
        mmap_lock.mmap_read_unlock(k, mm)
    return ret


def install_prealloc_pte(k: "Kernel", vmf: VmFault) -> bool:
    """There is a page table from here on; False: out of memory."""
    mm = vmf.mm
    table = vmf.prealloc_pte
    if table is None:
        return pte_alloc(k, mm, vmf.va)
    if pmd_none(k, mm, vmf.va) and pmd_install(k, mm, vmf.va, table):
        vmf.prealloc_pte = None
    return True


def set_pte_range(
    k: "Kernel",
    mm: Mm,
    table: PageTable,
    vma: Vma,
    va: i64,
    page: Page,
    write: bool,
    protected: bool,
) -> None:
    """set_pte_range() for one page of the page cache; `protected` for userfaultfd."""
    entry = mk_pte(page, vm_page_prot(vma)) | PTE_YOUNG
    if write:
        entry = maybe_mkwrite(pte_mkdirty(entry), vma)
    if protected:
        entry = pte_mkuffd_wp(entry)
    folio_get(k, page.folio, REF_MAP)
    rmap.folio_add_file_rmap_pte(k, page, mm)
    add_mm_counter(mm, MM_FILEPAGES, 1)
    set_pte_at(k, mm, table, va, entry)
    k.watch.file_page_mapped(k, vma, va, page)
