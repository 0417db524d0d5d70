# SPDX-License-Identifier: MIT
"""Which Linux the model is: `config kernel=6.12`.

Contract: `KERNELS` has every version that may stand in a text, as a number that grows with it.
Model code compares `k.kernel` with the number of the version in which something changed, and
only where a scenario can show it on a kernel without our known bugs:

    since 6.11  mmap() knows MAP_DROPPABLE
    since 6.13  madvise() knows MADV_GUARD_INSTALL and MADV_GUARD_REMOVE
    since 6.16  a VMA with an anon_vma merges with one that has none, whichever is first
    since 6.17  mremap() moves a range of several VMAs, and checks before it unmaps
    since 6.18  a merged VMA is soft-dirty when any of them was (6.19, and stable 6.18)

Not promised: an older kernel's locks, sites, or races. They are 6.18's.
"""

from typing import Final

DEFAULT: Final = "6.18"


def number(version: str) -> int:
    """612 for `6.12`, so that versions compare."""
    major, minor = version.split(".")
    return int(major) * 100 + int(minor)


VERSIONS: Final = ("6.1", "6.12", DEFAULT, "7.2")
KERNELS: Final = {"": number(DEFAULT), **{version: number(version) for version in VERSIONS}}

MAP_DROPPABLE: Final = 611
GUARD_REGIONS: Final = 613
MERGES_UNFAULTED: Final = 616
MOVES_SEVERAL: Final = 617
STICKY_SOFTDIRTY: Final = 618
