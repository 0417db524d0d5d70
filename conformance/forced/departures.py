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
        "native_flush_tlb_multi:ipi": "the process has begun on CPU 0, which its mm still names",
        "should_flush_tlb:check": "the process has begun on CPU 0, which its mm still names",
    },
    "pagemap": {"mmput:users": "the file of /proc holds the mm while it is open"},
    "clear_refs": {"mmput:users": "the file of /proc holds the mm while it is open"},
}

# Several of these in a row are one.
ONCE: Final[Mapping[str, str]] = {
    "do_cow_fault:copy_word": "the model copies by words",
    "wp_page_copy:copy_word": "the model copies by words",
    "copy_present_page:copy_word": "the model copies by words",
}

# These happen inside the call at which a lock's site is, and before the lock: they count as after.
INSIDE: Final[Mapping[str, str]] = {
    "pte_offset_map_lock:pmd": "F:lock is at the call of pte_offset_map_lock()",
}

# These go through all of a process, which on a real kernel has code, stacks and a libc besides:
# what the model does has to be there in this order, with more in between.
WHOLE: Final[Mapping[str, str]] = {
    "fork": "all VMAs are copied",
    "exit": "all VMAs are unmapped",
    "clear_refs": "all VMAs are walked",
    "mlockall": "all VMAs are locked",
    "munlockall": "all VMAs are unlocked",
}

# Sites whose address is another step than the model's.
NOT_COMPARED: Final[Mapping[str, str]] = {}
