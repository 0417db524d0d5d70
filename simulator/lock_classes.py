# SPDX-License-Identifier: MIT
"""Classes of locks, numbered by the documented order (mm/rmap.c, mm/filemap.c): one may only be
taken while no class with a higher number is held."""

from typing import Final

from simulator.tables import by_number

LC_INODE: Final = 1  # inode->i_rwsem
LC_MMAP: Final = 2
LC_VMA: Final = 3
LC_FOLIO: Final = 4
LC_IMMAP: Final = 5
LC_ANON_VMA: Final = 6
LC_MN: Final = 7  # mmu notifier range in progress (mmu_notifier_invalidate_range_start)
LC_DMIRROR: Final = 8
LC_PAGE_TABLE: Final = 9  # mm->page_table_lock, here the lock of all PMDs too
LC_PTL: Final = 10
NR_LOCK_CLASSES: Final = 11
LOCK_CLASS_NAMES: Final = by_number(
    "lock classes",
    (
        (LC_INODE, "i_rwsem"),
        (LC_MMAP, "mmap_lock"),
        (LC_VMA, "vma_lock"),
        (LC_FOLIO, "folio_lock"),
        (LC_IMMAP, "i_mmap_rwsem"),
        (LC_ANON_VMA, "anon_vma_lock"),
        (LC_MN, "mmu_notifier"),
        (LC_DMIRROR, "dmirror_mutex"),
        (LC_PAGE_TABLE, "page_table_lock"),
        (LC_PTL, "ptl"),
    ),
)
assert len(LOCK_CLASS_NAMES) == NR_LOCK_CLASSES
