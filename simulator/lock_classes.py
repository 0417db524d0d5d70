# SPDX-License-Identifier: MIT
"""Classes of locks, numbered by the documented order (mm/rmap.c, mm/filemap.c): one may only be
taken while no class with a higher number is held."""

from typing import Final

from simulator.tables import by_number

LC_INODE: Final = 1  # inode->i_rwsem
LC_MMAP: Final = 2
LC_VMA: Final = 3
LC_MAP_CHANGING: Final = 4  # userfaultfd_ctx->map_changing_lock
LC_FOLIO: Final = 5
LC_IMMAP: Final = 6
LC_ANON_VMA: Final = 7
LC_MN: Final = 8  # mmu notifier range in progress (mmu_notifier_invalidate_range_start)
LC_DMIRROR: Final = 9
LC_PAGE_TABLE: Final = 10  # mm->page_table_lock, here the lock of all PMDs too
LC_PTL: Final = 11
LC_USERFAULT: Final = 12  # no lock: what an actor waits for until user space has resolved its fault
NR_LOCK_CLASSES: Final = 13
LOCK_CLASS_NAMES: Final = by_number(
    "lock classes",
    (
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
        (LC_USERFAULT, "userfault"),
    ),
)
assert len(LOCK_CLASS_NAMES) == NR_LOCK_CLASSES
