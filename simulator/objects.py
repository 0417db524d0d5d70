# SPDX-License-Identifier: MIT
"""What a step touches, as one number: a kind of objects, and in the low 24 bits which of them.

`OBJ_MM | mm.id` names an mm; page table entries and PMD entries have the mm's number and their
place in it. Numbers of objects are far too small to reach the bits of the kind.
"""

from typing import Final

OBJ_NONE: Final = -1
OBJ_PTE: Final = 0x1000000
OBJ_PMD: Final = 0x2000000
OBJ_PAGE: Final = 0x3000000
OBJ_LOCK: Final = 0x4000000
OBJ_VMA: Final = 0x5000000
OBJ_MM: Final = 0x6000000
OBJ_CPU: Final = 0x7000000
OBJ_ANON_VMA: Final = 0x8000000
OBJ_FILE: Final = 0x9000000
OBJ_DEVICE: Final = 0xA000000
OBJ_SHIFT: Final = 24
OBJ_CLASS_NAMES: Final = (
    "none", "pte", "pmd", "page", "lock", "vma", "mm", "cpu", "anon_vma", "file", "device",
)
