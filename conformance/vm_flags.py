# SPDX-License-Identifier: MIT
"""What smaps calls the flags of VMAs that the model has: show_smap_vma_flags().

Contract: every VM_* flag of simulator/mm/mm_types.py has its word here. Others, such as mt,
are of the kernel's configuration or of things that the model leaves out.
"""

from typing import Final

from simulator import tables
from simulator.mm import mm_types as mt

VM_FLAGS: Final = {
    mt.VM_READ: "rd",
    mt.VM_WRITE: "wr",
    mt.VM_EXEC: "ex",
    mt.VM_SHARED: "sh",
    mt.VM_MAYREAD: "mr",
    mt.VM_MAYWRITE: "mw",
    mt.VM_MAYEXEC: "me",
    mt.VM_MAYSHARE: "ms",
    mt.VM_GROWSDOWN: "gd",
    mt.VM_SEQ_READ: "sr",
    mt.VM_RAND_READ: "rr",
    mt.VM_DONTCOPY: "dc",
    mt.VM_WIPEONFORK: "wf",
    mt.VM_ACCOUNT: "ac",
    mt.VM_NORESERVE: "nr",
    mt.VM_SOFTDIRTY: "sd",
    mt.VM_DROPPABLE: "dp",
    mt.VM_MAYBE_GUARD: "gu",
    mt.VM_DONTDUMP: "dd",
    mt.VM_LOCKED: "lo",
    mt.VM_LOCKONFAULT: "lf",
    mt.VM_HUGEPAGE: "hg",
    mt.VM_NOHUGEPAGE: "nh",
    mt.VM_UFFD_MISSING: "um",
    mt.VM_UFFD_WP: "uw",
    mt.VM_UFFD_MINOR: "ui",
}
_NAMES: Final = [f"VM_{name.upper().replace('-', '_')}" for name in tables.bits(vars(mt), "VM_")]
tables.complete("conformance.vm_flags.VM_FLAGS", "flag", tables.by_bit(_NAMES), VM_FLAGS)
