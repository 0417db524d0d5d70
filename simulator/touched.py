# SPDX-License-Identifier: MIT
"""What a step touches, in words, for traces: `write pte 3 of mm0`.

Contract: the same object has the same words from every step that touches it, and no other has
them, so that a reader of a trace (triage/steps.py) can tell where two actors meet: a verb, a
space, the object.
"""

from typing import Final

from mypy_extensions import i64

from simulator.lock_classes import LC_FOLIO
from simulator.mm.pgtable import frame_text
from simulator.objects import PHRASES, decode, lock_obj, page_obj
from simulator.sites import lock_label
from simulator.state import WRITE

_PAGE: Final = decode(page_obj(0))[0]
_LOCK: Final = decode(lock_obj(0, 0))[0]


def touched(obj: i64, access: i64) -> str:
    """Words for the `obj` and `access` of a step; nothing for a step without an object."""
    if obj < 0:
        return ""
    return ("write " if access == WRITE else "read ") + name_of(obj)


def name_of(obj: i64) -> str:
    """Words for an object of steps."""
    kind, container, index = decode(obj)
    if kind == _PAGE:
        return frame_text(index)
    if kind == _LOCK and container == LC_FOLIO:
        return f"{lock_label(container)} of {frame_text(index)}"
    phrase = PHRASES[kind]
    lock = lock_label(container) if "{lock}" in phrase else ""
    return phrase.format(index=index, container=container, lock=lock)
