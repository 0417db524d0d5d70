# SPDX-License-Identifier: MIT
"""A small deterministic random generator: strategies, mutators, generator.

Contract: the same seed gives the same numbers interpreted and compiled, on any machine:
every intermediate value stays below 2^63, so native integers and Python's agree. The
generator is the "small fast counter" family on 32-bit words (adds, xors, shifts; a counter
guarantees a period of at least 2^32). Seeding costs under a microsecond, which is why
`random.Random` is not used: one is made for every mutation.

It is not for cryptography, and `below` has a bias of at most n / 2^32.
"""

from typing import Final, TypeVar

from mypy_extensions import i64

from simulator.build.native import final

T = TypeVar("T")

MASK32: Final[i64] = 0xFFFF_FFFF
WARM_UP_ROUNDS: Final[i64] = 12  # until every seed bit has reached every word


@final
class Rng:
    """Numbers from one seed; only the low 64 bits of the seed count."""

    def __init__(self, seed: int) -> None:
        self.a: i64 = seed & 0xFFFF_FFFF
        self.b: i64 = (seed >> 32) & 0xFFFF_FFFF
        self.c: i64 = 0x9E37_79B9
        self.counter: i64 = 1
        i: i64 = 0
        while i < WARM_UP_ROUNDS:
            self.next32()
            i += 1

    def next32(self) -> i64:
        """The next 32 random bits."""
        b = self.b
        c = self.c
        out = (self.a + b + self.counter) & MASK32
        self.counter = (self.counter + 1) & MASK32
        self.a = b ^ (b >> 9)
        self.b = (c + (c << 3)) & MASK32
        self.c = ((((c << 21) | (c >> 11)) & MASK32) + out) & MASK32
        return out

    def below(self, n: i64) -> i64:
        """Uniform in 0..n-1, for 1 <= n < 2^31; 0 for any smaller n."""
        if n <= 1:
            return 0
        return (self.next32() * n) >> 32

    def between(self, low: i64, high: i64) -> i64:
        """Uniform in low..high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, numerator: i64, denominator: i64) -> bool:
        """True with probability numerator / denominator."""
        return self.below(denominator) < numerator

    def bits(self, n: i64) -> i64:
        """`n` random bits, 1 <= n <= 32."""
        return self.next32() >> (32 - n)

    def pick(self, items: list[T]) -> T:
        """One element of a list that is not empty."""
        return items[self.below(len(items))]

    def weighted(self, weights: list[int]) -> i64:
        """An index, with probability proportional to its weight; 0 if all weights are 0."""
        total: i64 = 0
        for weight in weights:
            total += weight
        left = self.below(total)
        for i, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return i
        return 0
