# SPDX-License-Identifier: MIT
"""Which Linux the model is: `config kernel=6.12`.

Contract: `KERNELS` has every version that may stand in a text; "" is 7.2. A `Linux` says what
differs between them, one attribute for each rule that a scenario can show; model code asks
`k.linux`. Which bugs a version has is in bugs.py. 6.18 is as it was released, the others are as in
Debian's newest packages of them, with the fixes that their stable releases have got.

Not promised: an older kernel's locks, sites, or races. They are 7.2's.
"""

import re
from typing import Final

from simulator.build.native import final

DEFAULT: Final = "7.2"


@final
class Linux:
    """The rules of one version."""

    def __init__(self, version: int, fixed: bool = True) -> None:
        """`version` is 612 for 6.12; `fixed`: with what its stable releases fixed in 2026."""
        # mprotect() gives VM_ACCOUNT back where nothing was faulted (mprotect_fixup()).
        self.mprotect_unaccounts: bool = version >= 607
        # UFFDIO_POISON.
        self.uffd_poison: bool = version >= 606
        # MADV_POPULATE_* stops at a hole; before, it went on behind like all advice.
        self.populate_stops_at_holes: bool = version >= 609
        # A new mapping that fits both neighbours, which do not fit each other, merges with the
        # one before it; before, mmap_region() asked the one behind first.
        self.mmap_merges_left_first: bool = version >= 612
        # Next to its source, the copy of MREMAP_DONTUNMAP may merge with its other neighbour.
        self.dontunmap_merges_beside: bool = version >= 612
        # mmap() knows MAP_DROPPABLE.
        self.map_droppable: bool = version >= 611
        # A device makes pages exclusive by ranges, and gets no tails of large folios.
        self.exclusive_range: bool = version < 615
        # madvise() knows MADV_GUARD_INSTALL and MADV_GUARD_REMOVE.
        self.guard_regions: bool = version >= 613
        # MADV_DONTNEED frees page tables that it empties (mm/pt_reclaim.c).
        self.reclaim_pt: bool = version >= 614
        # A VMA that was never faulted takes in a neighbour that was; before, only the other
        # way round (is_mergeable_anon_vma()).
        self.unfaulted_merges_faulted: bool = version >= 616
        # mremap() moves a range of several VMAs, and checks all that it can before it unmaps
        # what is at the destination.
        self.remap_move: bool = version >= 617
        # Huge pages migrate to device memory and back as a whole.
        self.device_private_thp: bool = version >= 619
        # A merged VMA is soft-dirty when one of its parts was: VM_STICKY. Since 6.19, and in
        # stable releases of 6.18.
        self.sticky_softdirty: bool = version >= 618
        # UFFDIO_COPY behind the end of shared memory is -ENOMEM (shmem_mfill_folio_alloc());
        # before, it copied first, and then it was -EFAULT. What UFFDIO_CONTINUE does not find is
        # -EFAULT (get_folio_noalloc()); before, behind the end of the file it was -EINVAL.
        self.mfill_checks_size_first: bool = version >= 702
        # MADV_COLLAPSE of less than a huge page is 0, for nothing was to do (madvise_collapse()).
        # In 6.18 it was -EINVAL; what was released in between has not been looked at.
        self.collapse_of_nothing: bool = version >= 702
        # Anonymous pages count from an offset of their own (vma_start_anon_pgoff()): of a private
        # mapping of a file by its address. What has pages and has moved no longer merges with a
        # mapping that goes on in the file only.
        self.anon_pgoff: bool = version >= 703
        # UFFDIO_REGISTER does not end write protection (userfaultfd_register()).
        self.register_keeps_wp: bool = version >= 703
        # PAGEMAP_SCAN calls pages written only where userfaultfd write-protects
        # (pagemap_page_category()).
        self.written_needs_uffd_wp: bool = version >= 703
        # MREMAP_DONTUNMAP never merges the copy with the source that stays (copy_vma()'s
        # keep_source), which then counts its pages from where it is.
        self.dontunmap_keeps_source: bool = fixed


VERSIONS: Final = ("6.1", "6.12", "6.18", DEFAULT, "7.3")
KERNELS: Final = {
    "": Linux(702),
    "6.1": Linux(601),
    "6.12": Linux(612),
    "6.18": Linux(618, fixed=False),
    DEFAULT: Linux(702),
    "7.3": Linux(703),
}


def nearest(release: str) -> str:
    """The greatest `kernel=` that is not above a full version ("6.18.5+deb13-amd64"); the oldest
    one for what is older still."""
    found = re.match(r"(\d+)\.(\d+)", release)
    if found is None:
        raise ValueError(f"{release!r} is no version of Linux")
    wanted = int(found[1]), int(found[2])
    best = VERSIONS[0]
    for version in VERSIONS:
        major, minor = version.split(".")
        if (int(major), int(minor)) <= wanted:
            best = version
    return best
