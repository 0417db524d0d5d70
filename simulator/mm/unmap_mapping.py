# SPDX-License-Identifier: MIT
"""mm/memory.c (Linux 7.2): taking pages of a file away from whoever maps them.

Walks the VMAs of the file in the order of their offsets, those with the same one in the order in
which they came, under i_mmap_rwsem. One mm after the other: each is flushed before the next.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm import mmu_gather, mmu_notifier, zap
from simulator.mm.mm_types import Folio, Inode
from simulator.sched.lock import down_read, up_read

if TYPE_CHECKING:
    from simulator.state import Kernel


def unmap_mapping_range(k: "Kernel", inode: Inode, start: i64, end: i64, even_cows: bool) -> None:
    """unmap_mapping_pages() of start..end-1, with `even_cows` also of private copies of them."""
    flags: i64 = 0 if even_cows else zap.ZAP_FLAG_SKIP_COWS
    down_read(k, sites.UNMAP_MAPPING_PAGES__LOCK, inode.i_mmap_rwsem)
    unmap_mapping_range_tree(k, inode, start, end, flags)
    up_read(k, inode.i_mmap_rwsem)


def unmap_mapping_folio(k: "Kernel", folio: Folio) -> None:
    """A locked folio: what has mapped it again since its range was unmapped."""
    inode = folio.inode
    assert inode is not None
    flags: i64 = zap.ZAP_FLAG_SKIP_COWS | zap.ZAP_FLAG_DROP_MARKER
    down_read(k, sites.UNMAP_MAPPING_FOLIO__LOCK, inode.i_mmap_rwsem)
    unmap_mapping_range_tree(k, inode, folio.index, folio.index + (1 << folio.order), flags)
    up_read(k, inode.i_mmap_rwsem)


def unmap_mapping_range_tree(
    k: "Kernel", inode: Inode, start: i64, end: i64, zap_flags: i64
) -> None:
    for vma in inode.i_mmap:
        first = vma.start + max(start, vma.pgoff) - vma.pgoff
        last = min(vma.start + end - vma.pgoff, vma.end)
        if first >= last:
            continue
        mm = vma.mm
        assert mm is not None
        event = mmu_notifier.MMU_NOTIFY_CLEAR
        tlb = mmu_gather.tlb_gather_mmu(k, mm)
        mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, first, last, event)
        zap.unmap_single_vma(k, tlb, vma, first, last, zap_flags)
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, first, last)
        mmu_gather.tlb_finish_mmu(k, tlb)
