# SPDX-License-Identifier: MIT
"""Why the model may answer a call differently from the real kernel of a log.

Contract: one row for each kind of call that the model does not have but whose effect later
answers depend on, with the ops it may change and why. A difference is explained only by such
a call, earlier in the log, in the same process or its ancestors, on the same pages. Differences
between kernel versions would stand here too; the logs at hand (4.10 to 6.18) show none.
"""

from dataclasses import dataclass
from typing import Final

from simulator import ops

_TOUCHES: Final = (ops.OP_READ, ops.OP_WRITE, ops.OP_PAGEMAP, ops.OP_MEM_READ, ops.OP_MEM_WRITE)


@dataclass(frozen=True, slots=True)
class Effect:
    """Ops whose answer may differ, and why."""

    ops: tuple[int, ...]
    why: str


_LOCKED: Final = Effect((ops.OP_MADVISE,), "locked mappings refuse some advice")
_RESIZED: Final = Effect((ops.OP_MADVISE, *_TOUCHES), "pages came or went with the file's size")
_SPLIT: Final = Effect((ops.OP_MREMAP, ops.OP_PAGEMAP),
                       "it splits VMAs, and some advice takes pages away")

EFFECTS: Final = {
    "mlock": _LOCKED, "mlock2": _LOCKED, "munlock": _LOCKED,
    "mlockall": _LOCKED, "munlockall": _LOCKED,
    "ioctl(userfaultfd)": Effect(
        (ops.OP_MREMAP, ops.OP_MADVISE, *_TOUCHES),
        "mremap() moves no range that spans registered VMAs, and it fills pages"),
    "remap_file_pages": Effect((ops.OP_MREMAP, *_TOUCHES), "it splits VMAs, and maps other pages"),
    "mbind": Effect((ops.OP_MREMAP,), "policies split VMAs"),
    "mseal": Effect((ops.OP_MMAP, ops.OP_MUNMAP, ops.OP_MREMAP, ops.OP_MPROTECT, ops.OP_MADVISE),
                    "sealed mappings refuse changes"),
    "mmap": Effect((ops.OP_MUNMAP, ops.OP_MREMAP, ops.OP_MPROTECT, ops.OP_MADVISE, *_TOUCHES),
                   "flags that the model has not: locked, huge"),
    "madvise": _SPLIT, "process_madvise": _SPLIT,
    "ftruncate(memfd)": _RESIZED, "fallocate(memfd)": _RESIZED,
}


def why_different(earlier_call: str, op: int) -> str:
    """Why this op may answer differently after that call, or nothing."""
    effect = EFFECTS.get(earlier_call)
    return effect.why if effect and op in effect.ops else ""
