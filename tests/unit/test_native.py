# SPDX-License-Identifier: MIT
"""What the interpreted model has in the place of mypyc's arrays and native classes."""

import pytest
from mypy_extensions import i64, u8

from simulator.build.native import append, final, vec


@final
class Place:
    """Somewhere."""

    def __init__(self, x: int) -> None:
        self.x = x
        self.y = 0


def test_a_final_class_takes_what_its_init_sets_and_nothing_else() -> None:
    place = Place(3)
    place.y = 4
    assert (place.x, place.y) == (3, 4)
    assert not hasattr(place, "__dict__")
    with pytest.raises(AttributeError):
        place.z = 5  # type: ignore[attr-defined]


def test_a_final_class_keeps_its_name_and_words() -> None:
    assert (Place.__name__, Place.__module__, Place.__doc__) == ("Place", __name__, "Somewhere.")


def test_an_appended_array_is_a_new_one() -> None:
    short = vec[i64]([1, 2])
    long = append(short, 3)
    assert (list(short), list(long)) == ([1, 2], [1, 2, 3])


def test_an_array_of_bytes_is_plain_memory() -> None:
    assert bytes(memoryview(vec[u8]([u8(7), u8(255)]))) == b"\x07\xff"
