# SPDX-License-Identifier: MIT
"""Two samples against each other: whether one tends to be smaller, and by how much.

Contract: pure functions. `a12` is Vargha and Delaney's measure: how likely a value of the first
sample is below one of the second, ties half; 0.5 is no difference. `mann_whitney` is the two-sided
p of that, by the normal approximation with ties and continuity corrected for: good from about 8
values each on, and only an indication below. `interval` is a percentile bootstrap.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

RESAMPLES: Final = 2000
CONFIDENCE: Final = 0.95


def a12(first: Sequence[float], second: Sequence[float]) -> float:
    """How likely `first` is below `second`."""
    below = sum((x < y) + (x == y) / 2 for x in first for y in second)
    return below / (len(first) * len(second))


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """The two-sided p of two samples of one distribution; 1.0 where all values are equal."""
    n, m = len(first), len(second)
    total = n + m
    ties = sum(t**3 - t for t in Counter([*first, *second]).values())
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1))) if total > 1 else 0.0
    if variance <= 0:
        return 1.0
    distance = abs(a12(first, second) * n * m - n * m / 2)
    z = max(0.0, distance - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def interval(
    groups: Sequence[Sequence[float]], of: Callable[[Sequence[Sequence[float]]], float], seed: int
) -> tuple[float, float]:
    """Bounds of a figure of groups of values, each drawn again among its own."""
    rng = Random(seed)
    drawn = sorted(
        of([rng.choices(group, k=len(group)) for group in groups]) for _ in range(RESAMPLES)
    )
    low = (1 - CONFIDENCE) / 2
    return drawn[int(low * RESAMPLES)], drawn[min(RESAMPLES - 1, int((1 - low) * RESAMPLES))]
