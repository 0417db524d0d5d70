# SPDX-License-Identifier: MIT
"""What means one thing to mypyc and another to CPython, which is faster so.

mypyc takes these names for typing.final and for those of librt.vecs. Interpreted, a final class
has slots, and an array is a plain list; one of bytes, whose memory others look at, a bytearray.
"""

from dis import get_instructions
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import final as final

    from librt.vecs import append as append
    from librt.vecs import vec as vec
else:
    from mypy_extensions import i64, u8

    vec = {i64: list, u8: bytearray}

    def append(items: list, item: object) -> list:
        """A new array, with one more item."""
        return [*items, item]

    def final(cls: type) -> type:
        """The same class, with a slot for everything that its `__init__` sets."""
        body = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__")}
        stores = [i.argval for i in get_instructions(cls.__init__) if i.opname == "STORE_ATTR"]
        body["__slots__"] = tuple(dict.fromkeys(stores))
        return type(cls)(cls.__name__, cls.__bases__, body)
