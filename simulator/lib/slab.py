# SPDX-License-Identifier: MIT
"""Pools of objects (kmem_cache): made once, used run after run, and what is freed is handed out
again at once, as of a slab that is SLAB_TYPESAFE_BY_RCU.

Who takes an object gives every field its first value; so a run costs what it touches, and nothing
of the run before is left.
"""

from typing import Final, Generic, TypeVar

from mypy_extensions import i64

T = TypeVar("T")


class Slab(Generic[T]):
    """The first `nr` of `objects` have been taken in this run, those in `free` given back."""

    def __init__(self) -> None:
        self.objects: Final[list[T]] = []
        self.free: list[T] = []
        self.nr: i64 = 0

    def reset(self) -> None:
        """A run begins: nothing is taken."""
        if self.nr:
            self.free = []
            self.nr = 0

    def take(self) -> T | None:
        """An object given back, or one of runs before; None: make a new one and `add` it."""
        if self.free:
            return self.free.pop()
        if self.nr == len(self.objects):
            return None
        self.nr += 1
        return self.objects[self.nr - 1]

    def add(self, new: T) -> T:
        """`new` is taken, too; its number should be `nr`."""
        self.objects.append(new)
        self.nr += 1
        return new

    def put(self, old: T) -> None:
        self.free.append(old)

    def taken(self) -> list[T]:
        """What has been taken in this run, given back or not."""
        return self.objects[: self.nr]

    def left(self) -> i64:
        """How many are taken and not given back."""
        return self.nr - len(self.free)
