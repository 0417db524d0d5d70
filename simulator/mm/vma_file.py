# SPDX-License-Identifier: MIT
"""mm/vma.c, fs/file_table.c (Linux 7.2): the file of a VMA, and the place that it has there.

`Inode.i_mmap` is in the order of walks (simulator/lib/interval_tree.py).
"""

from typing import TYPE_CHECKING

from simulator import sites
from simulator.lib import interval_tree
from simulator.mm.mm_types import Inode, Vma
from simulator.sched.lock import down_write, up_write

if TYPE_CHECKING:
    from simulator.state import Kernel


def get_file(inode: Inode) -> None:
    """One more open file: a VMA's."""
    inode.refs += 1


def fput(k: "Kernel", inode: Inode) -> None:
    """Drop an open file; the last one takes the inode and its pages with it."""
    inode.refs -= 1
    if inode.refs < 0:
        k.violate("use-after-free", k.cur.site, "file", "a file was closed more often than opened")
    if inode.refs == 0:
        inode.s_op.evict_inode(k, inode)


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
