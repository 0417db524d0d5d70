# SPDX-License-Identifier: MIT
"""mm/huge_memory.c (7.2): the queue of large anonymous folios that a shrinker may split, because
some of their pages are mapped no longer (partially mapped), or hardly any holds data (underused).

The shrinker is in split_folio.py. One list serves all nodes and cgroups.
"""

from typing import TYPE_CHECKING

from simulator import features
from simulator.mm.mm_types import PG_PARTIALLY_MAPPED, Folio

if TYPE_CHECKING:
    from simulator.state import Kernel


def reset(k: "Kernel") -> None:
    """Nothing waits to be split."""
    if k.deferred_split:
        k.deferred_split = []


def deferred_split_folio(k: "Kernel", folio: Folio, partially_mapped: bool) -> None:
    """Put the folio on the queue, if it is not on it. Folios of order 1 have no room for that."""
    if folio.order <= 1:
        return
    if partially_mapped:
        k.sometimes(features.Z_PARTIALLY_MAPPED)
        folio.flags |= PG_PARTIALLY_MAPPED
    if folio not in k.deferred_split:
        k.deferred_split.append(folio)


def folio_unqueue_deferred_split(k: "Kernel", folio: Folio) -> None:
    """Take the folio off the queue: it is freed, or split."""
    folio.flags &= ~PG_PARTIALLY_MAPPED
    for i in range(len(k.deferred_split)):
        if k.deferred_split[i] is folio:
            del k.deferred_split[i]
            break
