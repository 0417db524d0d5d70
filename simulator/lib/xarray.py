# SPDX-License-Identifier: MIT
"""lib/xarray.c (Linux 7.2) as the page cache uses it: a file's folios by index.

Contract: an index holds nothing, a folio (of a large one each index of it, all the same folio), or
a retry entry: somebody under the lock of the array has reserved it, and readers without that lock
try again. A store is one event: who reads without the lock finds what was there before it or after.
The nodes of the tree are not modelled; `reserve` says how many indices there can be.
"""

from mypy_extensions import i64

from simulator.mm.mm_types import Folio, XArray


def reserve(xa: XArray, size: i64) -> None:
    """There can be entries below `size`."""
    while len(xa.folios) < size:
        xa.folios.append(None)


def load(xa: XArray, index: i64) -> Folio | None:
    """xas_load(): the folio at `index`; None for nothing, and for a retry entry (`is_retry`)."""
    return xa.folios[index] if index < len(xa.folios) else None


def is_retry(xa: XArray, index: i64) -> bool:
    """xa_is_retry() of the entry at `index`."""
    return len(xa.retry) > 0 and index in xa.retry


def find(xa: XArray, index: i64, last: i64) -> i64:
    """xas_find(): the first index in index..last that is not empty, -1 for none."""
    end: i64 = min(last + 1, i64(len(xa.folios)))
    while index < end:
        if xa.folios[index] is not None or is_retry(xa, index):
            return index
        index += 1
    return -1


def store(xa: XArray, index: i64, order: i64, folio: Folio | None) -> None:
    """xas_store() of an entry for 1 << order indices from `index` on, None: nothing."""
    for i in range(index, index + (1 << order)):
        xa.folios[i] = folio
