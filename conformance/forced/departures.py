# SPDX-License-Identifier: MIT
"""What the order of steps is not compared in: the whole list, each with its reason.

Contract: `conformance.forced.trace` allows what stands here and nothing else. A row is either of
how a site can be seen in code, or of what the model leaves out on purpose.
"""

from collections.abc import Mapping
from typing import Final

# The kernel may pass these besides, in one op, or ("") in all.
MORE: Final[Mapping[str, Mapping[str, str]]] = {
    "": {
        "mmdrop:count": "CPUs that switch between tasks of their own drop an mm",
        "get_user_pages:retry": "its address is that after a fault, also of one that fails",
    },
    "pagemap": {"mmput:users": "the file of /proc holds the mm while it is open"},
    "clear_refs": {"mmput:users": "the file of /proc holds the mm while it is open"},
    "mem_read": {"mmput:users": "the file of /proc holds the mm while it is open"},
    "mem_write": {"mmput:users": "the file of /proc holds the mm while it is open"},
    "vmsplice": {"gup_fast:seq_begin": "the entry of gup_fast(), which counts for FOLL_PIN only"},
    "madvise": {
        "ptep_test_and_clear_young:clear": (
            "madvise_cold_or_pageout_pte_range:clear_young is at its call"
        )
    },
    "write": {"ptep_set_access_flags:set": "wp_page_reuse:set_pte is at its call"},
}

# Several of these in a row are one.
ONCE: Final[Mapping[str, str]] = {
    "do_cow_fault:copy_word": "the model copies by words",
    "wp_page_copy:copy_word": "the model copies by words",
    "copy_present_page:copy_word": "the model copies by words",
    "tlb_flush_mmu:free_batch": "the model frees page by page",
    "vm_area_alloc:alloc": "before 6.15 a VMA's lock is allocated after it, in the same function",
    "vm_area_dup:alloc": "before 6.15 a VMA's lock is allocated after it, in the same function",
    "walk_pmd_range:pmd": "the address is of the function, the model's step of each entry",
}

# Two steps in a row whose order addresses do not tell: the site of the second is at a call in which
# the first happens, or the reverse. A function's name stands for all locks of page tables.
EITHER: Final[Mapping[tuple[str, str], str]] = {
    ("pte_offset_map_lock:pmd", "*:lock"): "F:lock is at the call of pte_offset_map_lock()",
    ("vma_start_write:exclude_readers", "madvise_update_vma:set_flags"): (
        "the flags are set without a call, after that of vma_start_write()"
    ),
}

# These go through all of a process, which on a real kernel has code, stacks and a libc besides:
# what the model does has to be there in this order, with more in between.
WHOLE: Final[Mapping[str, str]] = {
    "fork": "all VMAs are copied",
    "exit": "all VMAs are unmapped",
    "clear_refs": "all VMAs are walked",
    "mlockall": "all VMAs are locked",
    "munlockall": "all VMAs are unlocked",
    "pipe_read": "where it reads to is the executor's own memory, which may fault",
}

# Sites whose address is another step than the model's.
NOT_COMPARED: Final[Mapping[str, str]] = {
    "native_flush_tlb_multi:ipi": (
        "one call for all CPUs that the mm names, among them that where the process began; the "
        "model asks and sends CPU by CPU"
    ),
    "should_flush_tlb:check": "asked inside that call",
}


# Where the model, which has the locks and steps of 7.2, does not follow an older kernel: in this
# op, on versions below this one, these sites are not compared.
OLDER: Final[Mapping[str, tuple[tuple[int, int], tuple[str, ...], str]]] = {
    "madvise": (
        (6, 17),
        ("madvise_lock:read", "lock_vma_under_rcu:walk", "vma_start_read:get"),
        "MADV_DONTNEED and MADV_FREE took mmap_lock, not that of the VMA",
    ),
    "fork": (
        (7, 0),
        ("anon_vma_fork:alloc", "anon_vma_clone:alloc", "anon_vma_clone:lock"),
        "anon_vma_fork() cloned first and allocated then",
    ),
}


def count() -> int:
    """How many there are."""
    by_op = sum(map(len, MORE.values())) + len(OLDER)
    return by_op + len({**ONCE, **WHOLE, **NOT_COMPARED}) + len(EITHER)
