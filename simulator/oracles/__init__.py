# SPDX-License-Identifier: MIT
"""One file an oracle; listener.py says which of them hear of what. `NAMES` are their names in
texts, signatures and JSON, O1 first."""

from typing import Final

NAMES: Final = (
    "stale-tlb",
    "refcount",
    "mapcount",
    "anon-exclusive",
    "memory-value",
    "dirty-loss",
    "uffd-missed",
    "uffd-wp-bypass",
    "deadlock",
    "livelock",
    "secondary-mmu",
    "leak",
    "use-after-free",
    "rmap",
    "page-cache",
    "soft-dirty",
    "pin",
    "permission",
    "accounting",
    "kernel-assertion",
    "contract",
    "state",
)
