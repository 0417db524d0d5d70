# SPDX-License-Identifier: MIT
"""The feedback map: 32 KiB of 8-bit counters in zones, plus the named rare situations.

The map is what libFuzzer sees (registered by fuzz/harness.py). It says what the model did,
never which Python line ran. Only object classes and sites go in, no frame numbers or
addresses: those would fill it with noise.
"""

from typing import Final

from simulator.tables import numbered

EDGE: Final = 0  # (previous site, site) of one actor
EDGE_SIZE: Final = 8192
CONFLICT: Final = 8192  # (other actor's last site, site) on one object
CONFLICT_SIZE: Final = 8192
STATE: Final = 16384  # what a page is like when its page table lock is dropped
STATE_CHANGE: Final = 20480  # and what it was like before, under which function
STATE_SIZE: Final = 4093  # a prime: STATE + key % STATE_SIZE is a key's place; so below
OUTCOME: Final = 24576  # (op, result class)
OUTCOME_SIZE: Final = 2039
LOCK: Final = 26624  # (held classes, class taken)
LOCK_SIZE: Final = 2039
PREEMPT: Final = 28672  # (site, kind of actor that came in between)
PREEMPT_SIZE: Final = 2039
NAMED: Final = 32512  # one counter a situation, see below
NAMED_SIZE: Final = 256
COUNTERS_SIZE: Final = 32768
ZONES: Final = (
    ("edge", EDGE, EDGE_SIZE),
    ("conflict", CONFLICT, CONFLICT_SIZE),
    ("state", STATE, STATE_SIZE),
    ("state-change", STATE_CHANGE, STATE_SIZE),
    ("outcome", OUTCOME, OUTCOME_SIZE),
    ("lock", LOCK, LOCK_SIZE),
    ("preempt", PREEMPT, PREEMPT_SIZE),
    ("named", NAMED, NAMED_SIZE),
)

# Rare situations that a healthy campaign must reach; an unhit one means that the model or
# the generator is blind there. Numbers are places in the NAMED zone; the names that people see
# are the constants' own.
Z_FAULT_RACED_ZAP: Final = 0
Z_VMA_LOCK_FALLBACK: Final = 1
Z_STALE_LOAD: Final = 2
Z_STALE_STORE: Final = 3
Z_STALE_DIRTY_RECHECK: Final = 4
Z_NESTED_FLUSH: Final = 5
Z_LAZY_TLB_SKIPPED: Final = 6
Z_SWITCH_MM_FLUSH: Final = 7
Z_IPI_WAITED_FOR_IRQ_OFF: Final = 8
Z_GUP_FAST_BACKED_OFF: Final = 9
Z_GUP_FAST_SEQ_RETRY: Final = 10
Z_WP_REUSE: Final = 11
Z_WP_COPY: Final = 12
Z_FORK_COPIED_PINNED: Final = 13
Z_UNSHARE: Final = 14
Z_VMA_MERGED_NEW: Final = 15
Z_VMA_MERGED_BOTH: Final = 16
Z_VMA_SPLIT: Final = 17
Z_ANON_VMA_REUSED: Final = 18
Z_STACK_GROWN: Final = 19
Z_STACK_GAP_REFUSED: Final = 20
Z_MREMAP_PMD_MOVED: Final = 21
Z_GUARD_FAULT: Final = 22
Z_GUARD_RACED_FAULT: Final = 23
Z_MIGRATED_TO_DEVICE: Final = 24
Z_MIGRATED_BACK: Final = 25
Z_MIGRATE_PINNED_REFUSED: Final = 26
Z_MIGRATE_ENTRY_WAIT: Final = 27
Z_MIGRATE_DIRTY_CARRIED: Final = 28
Z_DEVICE_FAULT_TRYLOCK_FAILED: Final = 29
Z_HMM_RETRY: Final = 30
Z_ALLOC_FAILED: Final = 31
Z_OOM: Final = 32
Z_GATHER_BATCH_FULL: Final = 33
Z_PAGE_TABLE_FREED: Final = 34
Z_LAST_MM_LAZY: Final = 35
Z_FOLL_FORCE_COW: Final = 36
Z_LRU_DRAIN_REUSE: Final = 37
Z_CLEAR_REFS_PINNED: Final = 38
Z_ASID_REUSED: Final = 39
Z_RWSEM_CONTENDED: Final = 40
Z_PTL_CONTENDED: Final = 41
Z_FOLIO_LOCK_CONTENDED: Final = 42
Z_PAGE_REUSED_AT_ONCE: Final = 43
Z_VMA_WRITER_WAITED: Final = 44
Z_VMA_DETACHED_UNDER_READER: Final = 45
Z_ANON_VMA_SHARED: Final = 46
Z_PAGE_CACHE_RACE: Final = 47
Z_COPY_MERGED: Final = 48
Z_COPY_WENT_HOME: Final = 49
Z_THP_FAULT: Final = 50
Z_THP_ALLOC_FAILED: Final = 51
Z_THP_RACED: Final = 52
Z_PMD_SPLIT: Final = 53
Z_HUGE_WP_REUSE: Final = 54
Z_HUGE_WP_SPLIT: Final = 55
Z_HUGE_ZERO: Final = 56
Z_HUGE_MOVED: Final = 57
Z_HUGE_FORK: Final = 58
Z_HUGE_FORK_PINNED: Final = 59
Z_FOLIO_SPLIT: Final = 60
Z_FOLIO_SPLIT_FAILED: Final = 61
Z_DEFERRED_SPLIT: Final = 62
Z_PARTIALLY_MAPPED: Final = 63
Z_COLLAPSED: Final = 64
Z_COLLAPSE_ROLLED_BACK: Final = 65
Z_COLLAPSE_REVALIDATED: Final = 66
Z_COLLAPSE_PINNED: Final = 67
Z_MTHP_COLLAPSED: Final = 68
Z_DEVICE_EXCLUSIVE: Final = 69
Z_DEVICE_EXCLUSIVE_RETRY: Final = 70
Z_DEVICE_EXCLUSIVE_RESTORED: Final = 71
Z_KILLED_WAITER: Final = 72
Z_MTHP_FAULT: Final = 73
Z_USERFAULT: Final = 74
Z_USERFAULT_RESOLVED_FIRST: Final = 75
Z_MFILL_EXISTS: Final = 76
Z_MFILL_COPY_RETRIED: Final = 77
Z_UFFD_CLOSED_UNDER_FAULT: Final = 78
Z_FAULT_RACED_TRUNCATE: Final = 79
Z_FAULT_WAITED_FOR_PUNCH: Final = 80
Z_FALLOCATE_UNDONE: Final = 81
Z_UFFD_WP_FAULT: Final = 82
Z_UFFD_WP_ASYNC: Final = 83
Z_UFFD_WP_MARKER_FAULT: Final = 84
Z_UFFD_WP_COW_FLUSHED: Final = 85
Z_COLLAPSED_FILE: Final = 86
Z_COLLAPSE_FILE_ROLLED_BACK: Final = 87
Z_PAGE_TABLE_RETRACTED: Final = 88
Z_SWAPPED_OUT: Final = 89
Z_SWAPPED_IN: Final = 90
Z_SWAPIN_RACED: Final = 91
Z_SWAP_FULL: Final = 92
Z_RECLAIMED: Final = 93
Z_UNMAP_FAILED: Final = 94
Z_UFFD_WP_MARKER_LEFT: Final = 95
Z_FLUSH_BATCHED: Final = 96
Z_FLUSH_BATCHED_PENDING: Final = 97
Z_LAZYFREED: Final = 98
Z_LAZYFREE_REDIRTIED: Final = 99

NAMED_SITUATIONS: Final = numbered(globals(), "Z_")
assert len(NAMED_SITUATIONS) <= NAMED_SIZE, "more situations than the zone NAMED has counters"


def _check_zones() -> None:
    end = 0
    for name, start, size in ZONES:
        if start < end:
            raise AssertionError(f"the zone {name} begins within the one before it")
        end = start + size
    if end > COUNTERS_SIZE:
        raise AssertionError("the zones are larger than the map")


_check_zones()
