# SPDX-License-Identifier: MIT
"""Which features a run had that no run before it had.

Contract: a feature is (counter, bucket of its value), with libFuzzer's buckets, so that what
is new here is what libFuzzer would call new. `Novelty` only remembers; it decides nothing. It
looks at the counters that a run has counted with, which are few: the whole map costs as much
to go through as a short run.
"""

from typing import Final

from mypy_extensions import i64, u8

from simulator import features
from simulator.build.native import final, vec
from simulator.run import Machine

# Bit of the bucket of a counter's value: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128-255.
_BUCKETS: Final = [0, 1, 2, 4] + [8] * 4 + [16] * 8 + [32] * 16 + [64] * 96 + [128] * 128


@final
class Novelty:
    """The features seen so far."""

    def __init__(self) -> None:
        self.features: i64 = 0  # how many were seen
        self.seen: vec[u8] = vec[u8]([u8(0)] * features.COUNTERS_SIZE)  # by this one
        self.known: vec[u8] = vec[u8]([u8(0)] * features.COUNTERS_SIZE)  # by others before
        self.bucket: vec[u8] = vec[u8]([u8(bit) for bit in _BUCKETS])

    def remember(self, known: bytes) -> None:
        """Add the features of a map: a byte a counter, with the bits of its buckets. A map of
        another size is of another model, and nothing of it is known."""
        if len(known) != features.COUNTERS_SIZE:
            return
        for i, bits in enumerate(known):
            self.known[i] |= u8(bits)
            self.features += bits.bit_count()

    def scan(self, machine: Machine) -> list[i64]:
        """Remember the features of a machine's last run. The counters that were new in them."""
        k = machine.k
        new: list[i64] = []
        i: i64 = 0
        while i < k.nr_counted:
            at = k.counted[i]
            bit = self.bucket[i64(k.counters[at])]
            seen = self.seen[at]
            if seen & bit == 0:
                self.seen[at] = seen | bit
                if self.known[at] & bit == 0:
                    new.append(at)
            i += 1
        self.features += len(new)
        return new

    def of_run(self, machine: Machine) -> bytes:
        """The features of a machine's last run, three bytes each: the counter, low byte first, and
        the bit of its bucket."""
        k = machine.k
        made: list[int] = []
        i: i64 = 0
        while i < k.nr_counted:
            at = k.counted[i]
            made.append(int(at & 255))
            made.append(int(at >> 8))
            made.append(int(self.bucket[i64(k.counters[at])]))
            i += 1
        return bytes(made)

    def shown(self) -> bytes:
        """The map of what this one has seen itself."""
        return bytes([int(bits) for bits in self.seen])
