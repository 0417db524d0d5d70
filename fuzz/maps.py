# SPDX-License-Identifier: MIT
"""Sets of features as maps: one byte a counter of the model, one bit a bucket of its value.

Contract: a map is as long as the counters of its model build and means nothing to another one.
`Features` is such a set as one large number, so that union and difference are single operations
whatever the size. `pack` and `unpack` are for rows and files; what is unpacked is bounded by
MAX_MAP_BYTES, whoever packed it.
"""

import heapq
import zlib
from collections.abc import Iterable
from typing import Final

Features = int

# Many times what the counters of the model take.
MAX_MAP_BYTES: Final = 1 << 20
# Maps are sparse: the fastest level makes them a tenth, the best one hardly smaller.
LEVEL: Final = 1


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
    what that is. Greedy: always the one that adds most; of equals the lower key. Holds the packed
    maps: about a kilobyte each, and each entry of a corpus once showed something new, so that
    there are fewer than the model has features."""
    held: dict[int, bytes] = {}
    heap: list[tuple[int, int]] = []
    everything: Features = 0
    for key, packed in rows:
        features = from_map(unpack(packed))
        held[key] = packed
        everything |= features
        heap.append((-features.bit_count(), key))
    heapq.heapify(heap)
    covered: Features = 0
    chosen: list[int] = []
    while covered != everything:
        gain, key = heapq.heappop(heap)
        features = from_map(unpack(held[key]))
        now = (features & ~covered).bit_count()
        if -gain == now:
            chosen.append(key)
            covered |= features
        elif now:  # it was counted when less was covered; none gains by that
            heapq.heappush(heap, (-now, key))
    return sorted(chosen), everything
