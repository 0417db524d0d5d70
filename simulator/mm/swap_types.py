# SPDX-License-Identifier: MIT
"""The swap device and what the kernel knows of its slots, after include/linux/swap.h (7.2),
mm/swap_table.h.

Contract: storage only, as in mm_types.py. A slot has a count of the swap entries that stand for it,
and perhaps a folio in the swap cache: one of both, or it is free. Slots count from 1; 0 is none.
"""

from typing import Final

from mypy_extensions import i64

from simulator.build.native import final, vec
from simulator.lock_classes import LC_SWAP_CLUSTER
from simulator.mm.mm_types import Folio, Lock
from simulator.scenario import WORDS_PER_PAGE


@final
class SwapInfo:
    """struct swap_info_struct of the one device, all of which is one cluster."""

    def __init__(self) -> None:
        self.max: i64 = 0  # its last slot; 0: there is no swap
        self.synchronous: bool = False  # SWP_SYNCHRONOUS_IO, SWP_STABLE_WRITES: it is a zram
        self.on: bool = True  # SWP_WRITEOK: new slots may be taken
        self.alive: bool = True  # not gone by swapoff()
        self.users: i64 = 0  # who would keep it from going
        self.count: vec[i64] = vec[i64]()  # by slot
        self.folio: list[Folio | None] = []  # by slot: the swap cache
        self.words: vec[i64] = vec[i64]()  # what the device holds
        self.lock: Final[Lock] = Lock(LC_SWAP_CLUSTER, 0)
        self.next: i64 = 1  # where the next free slot is looked for first
        self.used: i64 = 0  # slots that are not free
        # For oracles.
        self.entries: vec[i64] = vec[i64]()  # swap entries that stand for the slot
        self.changed_at: vec[i64] = vec[i64]()  # site after which they or the count last changed
        self.recheck: list[int] = []  # slots whose entries changed under a page table lock


def reset(si: SwapInfo, slots: i64, synchronous: bool) -> None:
    """An empty device of so many slots."""
    si.synchronous = synchronous
    if slots == 0 and si.max == 0:
        return
    size: i64 = 0
    if slots:
        size = slots + 1
    si.max = slots
    si.on = True
    si.alive = True
    si.users = 0
    si.count = vec[i64]([0] * size)
    si.folio = [None] * size
    si.words = vec[i64]([0] * (size * WORDS_PER_PAGE))
    si.lock.owner = -1
    si.lock.waiters = 0
    si.next = 1
    si.used = 0
    si.entries = vec[i64]([0] * size)
    si.changed_at = vec[i64]([0] * size)
    si.recheck = []
