# SPDX-License-Identifier: MIT
"""The sites: named points in kernel code, just before an access others could see or disturb.

A constant FUNCTION__LABEL stands for the site `function:label` in texts (lower case; the
last double underscore separates). Names are stable identifiers: renaming one means rewriting
the corpus. Numbers are not stable; each file has its block.
"""

from typing import Final

from simulator.mm.mm_types import LOCK_CLASS_NAMES
from simulator.scenario import ACTOR_NAMES

# simulator/engine.py, sched, machine, mm/tlb.py: 1..99
OP__BEGIN: Final = 1
OP__END: Final = 2
MMU__TRANSLATE: Final = 3
MMU__WALK_PMD: Final = 4
MMU__WALK_PTE: Final = 5
CONTEXT_SWITCH__BEGIN: Final = 6
SWITCH_MM_IRQS_OFF__LAZY_GEN_READ: Final = 7
SWITCH_MM_IRQS_OFF__SWITCHING: Final = 8
SWITCH_MM_IRQS_OFF__CPUMASK: Final = 9
SWITCH_MM_IRQS_OFF__GEN_READ: Final = 10
SWITCH_MM_IRQS_OFF__LOAD_CR3: Final = 11
SWITCH_MM_IRQS_OFF__LOADED_MM: Final = 12
FLUSH_TLB_MM_RANGE__INC_GEN: Final = 13
SHOULD_FLUSH_TLB__CHECK: Final = 14
NATIVE_FLUSH_TLB_MULTI__IPI: Final = 15
TLB_FINISH_MMU__FLUSH: Final = 16
TLB_FINISH_MMU__NESTED: Final = 17
TLB_GATHER_MMU__PENDING: Final = 18
TLB_FLUSH_MMU__FREE_BATCH: Final = 19
TLB_REMOVE_TABLE__QUEUE: Final = 20
DO_USER_ADDR_FAULT__BEGIN: Final = 21
EXIT_MMAP__BEGIN: Final = 22
CPU__DATA_ACCESS: Final = 23
SLEEP__IDLE: Final = 24

# simulator/mm/memory.py, rmap.py (pages), page_alloc.py, swap.py: 100..259
PTE_OFFSET_MAP_LOCK__PMD: Final = 100
PTE_ALLOC__PMD: Final = 101
PTE_ALLOC__NEW_TABLE: Final = 102
PTE_ALLOC__PMD_LOCK: Final = 103
ZAP_PMD_RANGE__PMD: Final = 104
ZAP_PTE_RANGE__LOCK: Final = 105
ZAP_PTE_RANGE__CLEAR_PTE: Final = 106
ZAP_PTE_RANGE__CLEAR_NONPRESENT: Final = 107
TRY_GET_AND_CLEAR_PMD__TRYLOCK: Final = 108
FREE_PGTABLES__PMD_CLEARED: Final = 109
HANDLE_PTE_FAULT__READ_PTE: Final = 110
HANDLE_PTE_FAULT__LOCK: Final = 111
PTEP_SET_ACCESS_FLAGS__SET: Final = 112
VMF_ANON_PREPARE__CHECK: Final = 113
DO_ANONYMOUS_PAGE__LOCK_ZERO: Final = 114
DO_ANONYMOUS_PAGE__SET_ZERO: Final = 115
DO_ANONYMOUS_PAGE__ALLOC: Final = 116
DO_ANONYMOUS_PAGE__LOCK: Final = 117
DO_ANONYMOUS_PAGE__SET_PTE: Final = 118
DO_COW_FAULT__ALLOC: Final = 119
DO_COW_FAULT__COPY_WORD: Final = 120
DO_COW_FAULT__LOCK: Final = 121
DO_COW_FAULT__SET_PTE: Final = 122
FINISH_FAULT__LOCK: Final = 123
FINISH_FAULT__SET_PTE: Final = 124
WP_CAN_REUSE_ANON_FOLIO__REFS: Final = 125
WP_CAN_REUSE_ANON_FOLIO__TRYLOCK: Final = 126
WP_PAGE_REUSE__SET_PTE: Final = 127
WP_PAGE_COPY__ALLOC: Final = 128
WP_PAGE_COPY__COPY_WORD: Final = 129
WP_PAGE_COPY__LOCK: Final = 130
WP_PAGE_COPY__CLEAR_FLUSH: Final = 131
WP_PAGE_COPY__SET_PTE: Final = 132
DO_SWAP_PAGE__DEVICE_LOCK: Final = 133
DO_SWAP_PAGE__MIGRATE_TO_RAM: Final = 134
DO_SWAP_PAGE__DEVICE_TRYLOCK: Final = 135
COPY_PAGE_RANGE__SEQ_BEGIN: Final = 136
COPY_PMD_RANGE__PMD: Final = 137
COPY_PAGE_RANGE__SEQ_END: Final = 138
COPY_PTE_RANGE__LOCK_CHILD: Final = 139
COPY_PTE_RANGE__LOCK_PARENT: Final = 140
COPY_PTE_RANGE__PREALLOC: Final = 141
COPY_PRESENT_PTE__DUP_RMAP: Final = 142
COPY_PRESENT_PTE__WRPROTECT: Final = 143
COPY_PRESENT_PAGE__COPY_WORD: Final = 144
COPY_NONPRESENT_PTE__COPY: Final = 145

# simulator/mm/mmap.py, vma.py, mremap.py, mprotect.py, madvise.py, mmap_lock.py: 260..419
MMAP_WRITE_UNLOCK__END_VMA_WRITES: Final = 260
MMAP_WRITE_DOWNGRADE__END_VMA_WRITES: Final = 261
VMA_START_WRITE__EXCLUDE_READERS: Final = 262
LOCK_VMA_UNDER_RCU__WALK: Final = 263
LOCK_VMA_UNDER_RCU__RETRY: Final = 264
VMA_START_READ__GET: Final = 265
VMA_START_READ__RECHECK: Final = 266
PUT_ANON_VMA__PUT: Final = 267
ANON_VMA_PREPARE__ALLOC: Final = 268
ANON_VMA_PREPARE__FIND_MERGEABLE: Final = 269
ANON_VMA_PREPARE__LOCK: Final = 270
ANON_VMA_PREPARE__PAGE_TABLE_LOCK: Final = 271
ANON_VMA_CLONE__ALLOC: Final = 272
ANON_VMA_CLONE__LOCK: Final = 273
ANON_VMA_FORK__ALLOC: Final = 274
ANON_VMA_FORK__LOCK: Final = 275
UNLINK_ANON_VMAS__LOCK: Final = 276
VMA_ITER_STORE__TREE: Final = 277
VMA_ITER_CLEAR__TREE: Final = 278
VM_AREA_ALLOC__ALLOC: Final = 279
VM_AREA_DUP__ALLOC: Final = 280
VMA_LINK_FILE__LOCK: Final = 281
UNLINK_FILE_VMA__LOCK: Final = 282
VMA_PREPARE__I_MMAP_LOCK: Final = 283
VMA_PREPARE__ANON_VMA_LOCK: Final = 284
SPLIT_VMA__SET_RANGE: Final = 285
COMMIT_MERGE__PREALLOC: Final = 286
COMMIT_MERGE__SET_RANGE: Final = 287
VM_MUNMAP__LOCK: Final = 288
VM_MMAP_PGOFF__LOCK: Final = 289
MMAP_REGION__SET_FLAGS: Final = 290
EXPAND_DOWNWARDS__ANON_VMA_LOCK: Final = 291
EXPAND_DOWNWARDS__SET_START: Final = 292
EXPAND_STACK__LOCK: Final = 293
LOCK_MM_AND_FIND_VMA__LOCK: Final = 294

# simulator/kernel/fork.py, exit.py, mm/gup.py, fs/proc.py, mm/shmem.py: 420..579

# simulator/mm/migrate*.py, hmm.py, mmu_notifier.py, memremap.py, drivers/dmirror.py: 580..739
MMU_NOTIFIER_INVALIDATE_RANGE_START__SEQ: Final = 580
MMU_NOTIFIER_INVALIDATE_RANGE_END__SEQ: Final = 581
MMU_INTERVAL_READ_BEGIN__SEQ: Final = 582
MIGRATION_ENTRY_WAIT__LOCK: Final = 583
TRY_TO_MIGRATE__ANON_VMA_LOCK: Final = 584
TRY_TO_MIGRATE_ONE__LOCK: Final = 585
TRY_TO_MIGRATE_ONE__CLEAR_PTE: Final = 586
TRY_TO_MIGRATE_ONE__SET_ENTRY: Final = 587
REMOVE_MIGRATION_PTES__ANON_VMA_LOCK: Final = 588
REMOVE_MIGRATION_PTE__LOCK: Final = 589
REMOVE_MIGRATION_PTE__SET_PTE: Final = 590
MIGRATE_VMA_COLLECT_PMD__PMD: Final = 591
MIGRATE_VMA_COLLECT_PMD__LOCK: Final = 592
MIGRATE_VMA_COLLECT_PMD__PTL_DROPPED: Final = 593
MIGRATE_VMA_COLLECT_PMD__TRYLOCK: Final = 594
MIGRATE_VMA_COLLECT_PMD__CLEAR_PTE: Final = 595
MIGRATE_VMA_COLLECT_PMD__SET_ENTRY: Final = 596
MIGRATE_DEVICE_UNMAP__CHECK: Final = 597
MIGRATE_VMA_PAGES__MAPPING: Final = 598
MIGRATE_VMA_INSERT_PAGE__LOCK: Final = 599
MIGRATE_VMA_INSERT_PAGE__CLEAR_ZERO: Final = 600
MIGRATE_VMA_INSERT_PAGE__SET_PTE: Final = 601
HMM_VMA_HANDLE_PTE__READ: Final = 602
DMIRROR_INTERVAL_INVALIDATE__LOCK: Final = 603
DMIRROR_ACCESS__LOCK: Final = 604
DMIRROR_ACCESS__DATA: Final = 605
DMIRROR_RANGE_FAULT__MMAP_LOCK: Final = 606
DMIRROR_RANGE_FAULT__LOCK: Final = 607
DMIRROR_DEVMEM_ALLOC_PAGE__ALLOC: Final = 608
DMIRROR_MIGRATE__MMAP_LOCK: Final = 609
DMIRROR_MIGRATE_ALLOC_AND_COPY__COPY_WORD: Final = 610
DMIRROR_MIGRATE_FINALIZE_AND_MAP__LOCK: Final = 611
DMIRROR_DEVMEM_FAULT_ALLOC_AND_COPY__ALLOC: Final = 612
DMIRROR_DEVMEM_FAULT_ALLOC_AND_COPY__ERASE: Final = 613
DMIRROR_DEVMEM_FAULT_ALLOC_AND_COPY__COPY_WORD: Final = 614
DMIRROR_DEVMEM_FAULT__USE_PAGE: Final = 615

NR_SITES: Final = 768


def _names() -> list[str]:
    """Site name by number, from this module's own constants."""
    names = [""] * NR_SITES
    for name, value in sorted(globals().items()):
        if "__" not in name.strip("_") or not isinstance(value, int):
            continue
        if names[value]:
            raise AssertionError(f"two sites have the number {value}: {name}")
        function, label = name.lower().rsplit("__", 1)
        names[value] = f"{function}:{label}"
    return names


NAMES: Final[list[str]] = _names()
BY_NAME: Final[dict[str, int]] = {name: i for i, name in enumerate(NAMES) if name}
FUNCTION: Final[list[str]] = [name.partition(":")[0] for name in NAMES]
ACTOR_LABELS: Final[list[str]] = list(ACTOR_NAMES)


def lock_label(cls: int) -> str:
    """The class of a lock for people; 0 is an interrupt that has not been answered."""
    return LOCK_CLASS_NAMES[cls] or "ipi"
