# SPDX-License-Identifier: MIT
"""mm/vmscan.c (7.2): what who needs memory takes back himself (direct reclaim). Nothing is swapped
or written: of the shrinkers one can do something, which splits large folios.
"""

from typing import TYPE_CHECKING

from simulator.mm.split_folio import deferred_split_scan

if TYPE_CHECKING:
    from simulator.state import Kernel


def try_to_free_pages(k: "Kernel") -> bool:
    """Whether it is worth while to try the allocation again. The caller holds no lock that a split
    takes: no folio's, no anon_vma's, no page table's."""
    return len(k.deferred_split) > 0 and deferred_split_scan(k) > 0
