# SPDX-License-Identifier: MIT
"""Feedback: which states pages get into, and by whose hand.

The state of a page is abstracted to what mm code decides by (kind, flags, mappings, references
and pins in buckets); states and changes of state are features. Model-guided fuzzing finds more
by such states than by code coverage (OOPSLA 2025).
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features
from simulator.mm.mm_types import PG_ANON_EXCLUSIVE, PG_DEVICE_PRIVATE, PG_DIRTY, PG_LRU, Page

if TYPE_CHECKING:
    from simulator.state import Kernel

_FLAGS: Final[i64] = PG_ANON_EXCLUSIVE | PG_DEVICE_PRIVATE | PG_DIRTY | PG_LRU


def bucket(n: i64) -> i64:
    """0, 1, 2, or 3 for anything else."""
    if 0 <= n < 3:
        return n
    return 3


def abstract(page: Page) -> i64:
    """The page's state in 17 bits and a mark that it is known."""
    spare = page.ref - page.mapcount
    kind: i64 = 1 if page.inode is not None else 0
    locked: i64 = 1 if page.lock.owner >= 0 else 0
    return (
        1 | kind << 1 | locked << 2 | bucket(page.mapcount) << 3 | bucket(page.nr_writable) << 5
        | bucket(spare) << 7 | bucket(page.pincount) << 9
        | (page.flags & _FLAGS) << 11
    )


def note(k: "Kernel", page: Page) -> None:
    """A lock under which the page's mapping changed is being dropped."""
    new = abstract(page)
    old = page.abstract
    if new != old:
        page.abstract = new
        k.feature(features.STATE, features.STATE_BITS, new)
        k.feature(
            features.STATE_CHANGE, features.STATE_BITS, (old * 31 + new) * 31 + k.cur.site
        )
