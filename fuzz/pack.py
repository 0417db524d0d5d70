# SPDX-License-Identifier: MIT
"""Many inputs in one file, in order: what a slice starts from, and what it keeps.

Contract: an input is its length in four bytes, the lowest first, and its bytes; a pack grows by
writes of whole inputs. A reader takes what is whole, so that a writer may die at any time.

One file, and not one for each as libFuzzer would have it: a file system can take longer to make
or remove a file than the model takes to run what is in it.
"""

from collections.abc import Iterator
from typing import Final

_LENGTH_BYTES: Final = 4


def packed(data: bytes) -> bytes:
    """What to append to a pack for an input."""
    return len(data).to_bytes(_LENGTH_BYTES, "little") + data


def unpack(pack: bytes) -> Iterator[bytes]:
    """The inputs in a pack, but for a last one that is cut off."""
    at = 0
    while at + _LENGTH_BYTES <= len(pack):
        begin = at + _LENGTH_BYTES
        at = begin + int.from_bytes(pack[at:begin], "little")
        if at <= len(pack):
            yield pack[begin:at]
