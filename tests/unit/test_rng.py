# SPDX-License-Identifier: MIT
"""The random generator: the same everywhere, and random enough."""

from collections import Counter

from fuzz.rng import Rng


def test_numbers_are_pinned() -> None:
    """Any change of these numbers changes every seeded campaign."""
    rng = Rng(1)
    assert [rng.next32() for _ in range(4)] == [573063952, 3268221502, 703077755, 2308299391]


def test_only_the_low_64_bits_of_a_seed_count() -> None:
    assert Rng(5).next32() == Rng(5 + (1 << 64)).next32()
    assert Rng(5).next32() != Rng(5 + (1 << 63)).next32()
    assert Rng(-1).next32() == Rng((1 << 64) - 1).next32()


def test_neighbouring_seeds_differ_at_once() -> None:
    assert len({Rng(seed).next32() for seed in range(5000)}) == 5000


def test_below_is_even_and_in_bounds() -> None:
    rng = Rng(3)
    counts = Counter(rng.below(7) for _ in range(14_000))
    assert set(counts) == set(range(7))
    assert all(1800 < n < 2200 for n in counts.values())
    assert rng.below(1) == 0
    assert rng.below(0) == 0


def test_between_bits_chance_and_pick_stay_in_bounds() -> None:
    rng = Rng(4)
    assert {rng.between(3, 5) for _ in range(100)} == {3, 4, 5}
    assert {rng.bits(1) for _ in range(100)} == {0, 1}
    assert max(rng.bits(32) for _ in range(1000)) > 1 << 31
    assert {rng.pick(["a", "b"]) for _ in range(100)} == {"a", "b"}
    assert 200 < sum(rng.chance(1, 4) for _ in range(1000)) < 300
    assert not any(rng.chance(0, 4) for _ in range(100))
    assert all(rng.chance(4, 4) for _ in range(100))


def test_weighted_follows_the_weights_and_skips_zeroes() -> None:
    rng = Rng(6)
    counts = Counter(rng.weighted([0, 3, 0, 1]) for _ in range(4000))
    assert set(counts) == {1, 3}
    assert 2850 < counts[1] < 3150
    assert rng.weighted([0, 0]) == 0
