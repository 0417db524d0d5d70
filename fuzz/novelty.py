# SPDX-License-Identifier: MIT
"""Which features a run had that no run before it had.

Contract: a feature is (counter, bucket of its value), with libFuzzer's buckets, so that what
is new here is what libFuzzer would call new. `Novelty` only remembers; it decides nothing.

The harness needs its own memory because it tries several schedules per input and hands only
the promising ones, as recorded directives, to libFuzzer. A scan of a snapshot of 32 KiB
costs 4 us compiled.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from simulator.build.native import final, vec

# Bit of the bucket of a counter's value: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128-255.
_BUCKETS: Final = [0, 1, 2, 4] + [8] * 4 + [16] * 8 + [32] * 16 + [64] * 96 + [128] * 128
# Makes a map of a run's features from its counters: `counters.translate(MAP)`.
MAP: Final = bytes(_BUCKETS)


@final
class Novelty:
    """The features seen so far in a map of `size` counters, `size` a multiple of 8."""

    def __init__(self, size: i64) -> None:
        self.size: i64 = size
        self.features: i64 = 0  # how many were seen
        self.seen: vec[i64] = vec[i64]([0] * size)
        self.bucket: vec[i64] = vec[i64](_BUCKETS)

    def remember(self, known: bytes) -> None:
        """Add the features of a map: a byte a counter, with the bits of its buckets. A map of
        another size is of another model, and nothing of it is known."""
        if len(known) != self.size:
            return
        for i, bits in enumerate(known):
            self.seen[i] |= bits
            self.features += bits.bit_count()

    def scan(self, snapshot: bytes) -> i64:
        """Remember the features of a run's counters; how many of them were new."""
        if len(snapshot) != self.size:
            raise ValueError(f"a snapshot of {self.size} counters is needed")
        new: i64 = 0
        i: i64 = 0
        while i < self.size:
            eight = read_i64_le(snapshot, i)
            if eight != 0:
                j: i64 = 0
                while j < 8:
                    value = (eight >> (j * 8)) & 255
                    if value != 0:
                        bit = self.bucket[value]
                        seen = self.seen[i + j]
                        if seen & bit == 0:
                            self.seen[i + j] = seen | bit
                            new += 1
                    j += 1
            i += 8
        self.features += new
        return new
