# SPDX-License-Identifier: MIT
"""What the pointers of a call point at: results, bytes that are stored, texts, fields.

Contract: without syzkaller's descriptions sizes are known for data only; numbers count as eight
bytes, the widest that they can be. What the text does not give is not counted.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from corpus.syz.program import Bound, Data, Group, Nothing, Pointer, Value

_FIELD_SIZE: Final = 8


def bounds(value: Value) -> Iterator[Bound]:
    match value:
        case Bound():
            yield value
        case Pointer(to=Bound() | Group() | Pointer() as inner):
            yield from bounds(inner)
        case Group():
            for item in value.items:
                yield from bounds(item)


def stored(value: Value) -> Iterator[tuple[int, int]]:
    """Address and size of everything that is stored for an argument."""
    match value:
        case Pointer(to=None) | Pointer(to=Nothing()):
            return
        case Pointer():
            assert value.to is not None
            size = _size(value.to)
            if size:
                yield value.address, size
            yield from stored(value.to)
        case Group():
            for item in value.items:
                yield from stored(item)
        case Bound():
            yield from stored(value.value)


def _size(value: Value) -> int:
    """Bytes that a value takes in memory, as far as its text tells."""
    match value:
        case Data():
            return value.size if value.content is not None else 0
        case Group():
            return sum(_size(item) for item in value.items)
        case Nothing() | Bound():  # the kernel stores what is bound
            return 0
    return _FIELD_SIZE


def string(value: Value) -> bytes:
    """The text that a pointer points at, up to the zero that ends it."""
    if isinstance(value, Pointer) and isinstance(value.to, Data) and value.to.content:
        return value.to.content.partition(b"\0")[0]
    return b""


def items(arguments: tuple[Value, ...]) -> Iterator[Value]:
    """The fields or elements that the only one of `arguments` points at."""
    for value in arguments:
        if isinstance(value, Pointer) and isinstance(value.to, Group):
            yield from value.to.items


def flattened(values: Iterable[Value]) -> Iterator[Value]:
    """The values, with the fields of groups in their places."""
    for value in values:
        if isinstance(value, Group):
            yield from flattened(value.items)
        else:
            yield value
