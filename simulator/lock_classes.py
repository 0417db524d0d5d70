# SPDX-License-Identifier: MIT
"""Classes of locks, numbered by the documented order (mm/rmap.c, mm/filemap.c): one may only be
taken while no class with a higher number is held."""

from typing import Final

from simulator.tables import by_number

LC_F_POS: Final = 1  # file->f_pos_lock
LC_INODE: Final = 2  # inode->i_rwsem
LC_MMAP: Final = 3
LC_VMA: Final = 4
LC_MAP_CHANGING: Final = 5  # userfaultfd_ctx->map_changing_lock
LC_FOLIO: Final = 6
LC_IMMAP: Final = 7
LC_ANON_VMA: Final = 8
LC_MN: Final = 9  # mmu notifier range in progress (mmu_notifier_invalidate_range_start)
LC_DMIRROR: Final = 10
LC_PAGE_TABLE: Final = 11  # mm->page_table_lock, here the lock of all PMDs too
LC_PTL: Final = 12
LC_I_LOCK: Final = 13  # inode->i_lock
LC_I_PAGES: Final = 14  # mapping->i_pages.xa_lock, taken with irqs off
LC_USERFAULT: Final = 15  # no lock: what an actor waits for until user space has resolved its fault
LC_FALLOC: Final = 16  # no lock: the end of a hole punch (shmem_falloc_wait())
LC_SWAP_CLUSTER: Final = 17  # swap_cluster_info->lock
NR_LOCK_CLASSES: Final = 18
LOCK_CLASS_NAMES: Final = by_number(
    "lock classes",
    (
        (LC_F_POS, "f_pos_lock"),
        (LC_INODE, "i_rwsem"),
        (LC_MMAP, "mmap_lock"),
        (LC_VMA, "vma_lock"),
        (LC_MAP_CHANGING, "map_changing_lock"),
        (LC_FOLIO, "folio_lock"),
        (LC_IMMAP, "i_mmap_rwsem"),
        (LC_ANON_VMA, "anon_vma_lock"),
        (LC_MN, "mmu_notifier"),
        (LC_DMIRROR, "dmirror_mutex"),
        (LC_PAGE_TABLE, "page_table_lock"),
        (LC_PTL, "ptl"),
        (LC_I_LOCK, "i_lock"),
        (LC_I_PAGES, "i_pages_lock"),
        (LC_USERFAULT, "userfault"),
        (LC_FALLOC, "shmem_falloc"),
        (LC_SWAP_CLUSTER, "swap_cluster_lock"),
    ),
)
assert len(LOCK_CLASS_NAMES) == NR_LOCK_CLASSES
