# SPDX-License-Identifier: MIT
"""Feedback: which states pages get into, and by whose hand.

The state of a page is abstracted to what mm code decides by (kind, flags, mappings, references
and pins in buckets); states and changes of state are features. Model-guided fuzzing finds more
by such states than by code coverage (OOPSLA 2025).
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features
from simulator.mm.mm_types import PG_STATE, Page

if TYPE_CHECKING:
    from simulator.state import Kernel


_LARGE: Final = 1 << 20  # the page is one of a large folio's; above all page flags


def abstract(page: Page) -> i64:
    """The page's state as a positive number: any number of mappings, references or pins above
    two is as good as three."""
    folio = page.folio
    mapped = page.mapcount
    spare = folio.ref - mapped
    if folio.order:
        mapped += folio.entire_mapcount
        spare = folio.ref - folio.large_mapcount
    writable = page.nr_writable
    pins = folio.pincount
    if mapped > 3:
        mapped = 3
    if spare > 3:
        spare = 3
    if writable > 3:
        writable = 3
    if pins > 3:
        pins = 3
    flags = (page.flags | folio.flags) & PG_STATE
    if folio.order:
        flags |= _LARGE
    state = (flags * 256 + pins * 64 + spare * 16 + writable * 4 + mapped) * 8 + 1
    if folio.lock.owner >= 0:
        state += 4
    if folio.inode is not None:
        state += 2
    return state


def note(k: "Kernel", page: Page) -> None:
    """A lock under which the page's mapping changed is being dropped."""
    new = abstract(page)
    old = page.abstract
    if new != old:
        page.abstract = new
        change = (old * 31 + new) * 31 + k.cur.site
        k.feature(features.STATE + new % features.STATE_SIZE)
        k.feature(features.STATE_CHANGE + change % features.STATE_SIZE)
