# SPDX-License-Identifier: MIT
"""What a step touches, in words, for traces: `write pte 3 of mm0`.

Contract: the same object has the same words from every step that touches it, so that a reader
of a trace (triage/steps.py) can tell where two actors meet: a verb, a space, the object.
"""

from typing import Final

from mypy_extensions import i64

from simulator.objects import (
    OBJ_CLASS_NAMES, OBJ_CPU, OBJ_FILE, OBJ_LOCK, OBJ_MM, OBJ_PMD, OBJ_PTE, OBJ_SHIFT,
)
from simulator.sites import lock_label
from simulator.state import WRITE

_LOW: Final = (1 << OBJ_SHIFT) - 1


def touched(obj: i64, access: i64) -> str:
    """Words for the `obj` and `access` of a step; nothing for a step without an object."""
    if obj < 0:
        return ""
    kind = obj & ~_LOW
    low = obj & _LOW
    if kind == OBJ_PTE:
        name = f"pte {low & 0x3FFFF} of mm{low >> 18}"
    elif kind == OBJ_PMD:
        name = f"pmd {low & 0xFFFF} of mm{low >> 16}"
    elif kind == OBJ_LOCK:
        name = f"{lock_label(low >> 16)} {low & 0xFFFF}"
    elif kind == OBJ_FILE:
        name = f"page {low & 0xFF} of file {low >> 8}"
    elif kind == OBJ_MM:
        name = f"mm{low}"
    elif kind == OBJ_CPU:
        name = f"CPU{low}"
    else:
        name = f"{OBJ_CLASS_NAMES[obj >> OBJ_SHIFT]} {low}"
    return ("write " if access == WRITE else "read ") + name
