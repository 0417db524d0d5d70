# SPDX-License-Identifier: MIT
"""mm/vma.c (Linux 7.2): the place that a VMA has among those of its file.

`Inode.i_mmap` is in the order of walks (simulator/lib/interval_tree.py).
"""

from typing import TYPE_CHECKING

from simulator import sites
from simulator.lib import interval_tree
from simulator.mm.mm_types import Vma
from simulator.sched.lock import down_write, up_write

if TYPE_CHECKING:
    from simulator.state import Kernel


def vma_link_file(k: "Kernel", vma: Vma) -> None:
    inode = vma.inode
    if inode is not None:
        down_write(k, sites.VMA_LINK_FILE__LOCK, inode.i_mmap_rwsem)
        interval_tree.insert(inode.i_mmap, vma)
        inode.opened_at = 0
        up_write(k, inode.i_mmap_rwsem)


def unlink_file_vma(k: "Kernel", vma: Vma) -> None:
    inode = vma.inode
    if inode is not None:
        down_write(k, sites.UNLINK_FILE_VMA__LOCK, inode.i_mmap_rwsem)
        interval_tree.remove(inode.i_mmap, vma)
        up_write(k, inode.i_mmap_rwsem)
