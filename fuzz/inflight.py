# SPDX-License-Identifier: MIT
"""The in-flight slot: what was running when a slice died.

Contract: the child writes a scenario into a shared mapping before it runs, once for all of its
executions; after any death of the child, SIGKILL included, the supervisor reads it from the same
file, because a shared mapping outlives its process. A write is a copy of some hundred bytes, no
system call.

A slot torn by a death inside `hold` reads as empty. It is not a journal: it holds the last
scenario only, and nothing of a host that loses power.
"""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

_HEADER: Final = struct.Struct("<QII")  # executions begun, strategy drives, length (0: idle)
MAX_ENTRY_BYTES: Final = 64 << 10  # the codec's largest scenario is some 2 KiB


@dataclass(frozen=True, slots=True)
class InFlight:
    """What was running: the scenario's bytes, which execution it was, and whether a strategy
    drove it, whose decisions died with it, and not the directives in the bytes."""

    data: bytes
    sequence: int
    under_strategy: bool


@final
class Slot:
    """The writer's side, in the child: `hold`, `begin` for each execution, `release`. `path` is
    created."""

    def __init__(self, path: Path) -> None:
        size = _HEADER.size + MAX_ENTRY_BYTES
        with path.open("w+b") as f:
            f.truncate(size)
            self._map = mmap.mmap(f.fileno(), size)
        self._sequence = 0
        self._length = 0

    def hold(self, data: bytes) -> None:
        """`data` is going to run."""
        self.release()
        self._length = len(data)
        self._map[_HEADER.size : _HEADER.size + len(data)] = data

    def begin(self, *, under_strategy: bool) -> None:
        """What is held starts to run now."""
        self._sequence += 1
        _HEADER.pack_into(self._map, 0, self._sequence, under_strategy, self._length)

    def release(self) -> None:
        """Nothing runs any more."""
        _HEADER.pack_into(self._map, 0, self._sequence, 0, 0)


def read_slot(path: Path) -> InFlight | None:
    """What the slot's writer was running, or None: nothing, no slot, or a file that is none."""
    try:
        with path.open("rb") as f:
            raw = f.read(_HEADER.size + MAX_ENTRY_BYTES)
    except FileNotFoundError:
        return None
    if len(raw) < _HEADER.size:
        return None
    sequence, under_strategy, length = _HEADER.unpack_from(raw)
    data = raw[_HEADER.size : _HEADER.size + length]
    if length == 0 or len(data) != length:
        return None
    return InFlight(data, sequence, bool(under_strategy))
