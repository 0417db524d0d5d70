# SPDX-License-Identifier: MIT
"""Sets of features as maps: one byte a counter of the model, one bit a bucket of its value.

Contract: a map is as long as the counters of its model build and means nothing to another one.
`Features` is such a set as one large number, so that union and difference are single operations
whatever the size. `pack` and `unpack` are for rows and files; what is unpacked is bounded by
MAX_MAP_BYTES, whoever packed it.
"""

import heapq
import re
import zlib
from array import array
from collections.abc import Iterable
from typing import Final

Features = int

# Many times what the counters of the model take.
MAX_MAP_BYTES: Final = 1 << 20
# Maps are sparse: the fastest level makes them a tenth, the best one hardly smaller.
LEVEL: Final = 1
_BYTE: Final = re.compile(rb"[^\0]", re.DOTALL)
_BITS: Final = [[bit for bit in range(8) if byte >> bit & 1] for byte in range(256)]


class MapError(Exception):
    """Not what `pack` makes, or too large."""


def from_map(data: bytes) -> Features:
    return int.from_bytes(data, "little")


def to_map(features: Features, size: int) -> bytes:
    return features.to_bytes(size, "little")


def from_features(listed: bytes, size: int) -> bytes:
    """The map of features that are listed as `Novelty.of_run` does. Raises MapError."""
    made = bytearray(size)
    if len(listed) % 3 or len(listed) > 3 * size:
        raise MapError("not a list of features")
    for at in range(0, len(listed), 3):
        counter = listed[at] | listed[at + 1] << 8
        if counter >= size:
            raise MapError(f"counter {counter} of {size}")
        made[counter] |= listed[at + 2]
    return bytes(made)


def pack(data: bytes) -> bytes:
    return zlib.compress(data, LEVEL)


def unpack(packed: bytes, limit: int = MAX_MAP_BYTES) -> bytes:
    """Raises MapError for what is no more than `limit` bytes that `pack` made."""
    decompressor = zlib.decompressobj()
    try:
        data = decompressor.decompress(packed, limit + 1)
    except zlib.error as error:
        raise MapError(f"not packed data: {error}") from error
    if len(data) > limit:
        raise MapError(f"unpacks to more than {limit} bytes")
    if not decompressor.eof:
        raise MapError("packed data that is cut off")
    return data


def cover(rows: Iterable[tuple[int, bytes]]) -> tuple[list[int], Features]:
    """The keys of a small part of these packed maps that has all that they have together, and
    what that is. Greedy: always the one that adds most; of equals the lower key.

    Holds of each map what it has and is not covered yet, four bytes a feature: looking at it again
    costs less each time."""
    left: dict[int, "array[int]"] = {}
    heap: list[tuple[int, int]] = []
    everything: Features = 0
    for key, packed in rows:
        data = unpack(packed)
        everything |= from_map(data)
        left[key] = _numbers(data)
        heap.append((-len(left[key]), key))
    heapq.heapify(heap)
    open_ = bytearray(b"\1") * everything.bit_length()  # 0: a map that is chosen has it
    to_cover = everything.bit_count()
    chosen: list[int] = []
    while to_cover:
        gain, key = heapq.heappop(heap)
        here = array("I", [number for number in left[key] if open_[number]])
        if len(here) == -gain:
            chosen.append(key)
            to_cover -= len(here)
            for number in here:
                open_[number] = 0
        elif here:  # it was counted when less was covered; none gains by that
            left[key] = here
            heapq.heappush(heap, (-len(here), key))
    return sorted(chosen), everything


def _numbers(data: bytes) -> "array[int]":
    """The features of a map, as the numbers of their bits."""
    made: "array[int]" = array("I")
    for found in _BYTE.finditer(data):
        at = found.start()
        made.extend([8 * at + bit for bit in _BITS[data[at]]])
    return made
