# SPDX-License-Identifier: MIT
"""What the steps of a run touched, as strategies see it: how many, on what, who met whom.

Contract: a strategy calls `begin_run` once and `note` for each access it knows to happen;
the next strategies of the same scenario read it. Objects share a small table, so of two that
collide the later one counts: good enough for guidance, useless as an oracle.
"""

from typing import Final

from mypy_extensions import i64

from simulator.build.native import final, vec
from simulator.scenario import NR_ACTORS

SLOTS: Final[i64] = 256  # objects one run can be told apart on
_PRIME: Final[i64] = 251  # below SLOTS: kind and container of an object count, too
# Fields of one slot, side by side in memory.
OWNER: Final[i64] = 0  # the object, -1 for none
ACTORS: Final[i64] = 1  # mask of those that touched it
WRITERS: Final[i64] = 2
LAST: Final[i64] = 3  # actor, pos, site, visit and access of who came last
COUNTS: Final[i64] = 8  # accesses by actor
STRIDE: Final[i64] = 24
assert COUNTS + NR_ACTORS <= STRIDE
MAX_PAIRS: Final[i64] = 64
PAIR: Final[i64] = 8  # integers that describe one pair

# Fields of a pair: actor A's access came first, then B's, and one of them wrote.
A_ACTOR: Final[i64] = 0
A_POS: Final[i64] = 1  # index of the op in the scenario
A_SITE: Final[i64] = 2
A_VISIT: Final[i64] = 3
B_ACTOR: Final[i64] = 4
B_POS: Final[i64] = 5
B_SITE: Final[i64] = 6
B_VISIT: Final[i64] = 7


@final
class Profile:
    """The last run of one scenario."""

    def __init__(self) -> None:
        self.nr_active: i64 = 0  # steps at which the strategy had a choice
        self.slots: vec[i64] = vec[i64]([-1] * (SLOTS * STRIDE))
        self.used: vec[i64] = vec[i64]([0] * SLOTS)  # where slots begin: the first `nr_used`
        self.nr_used: i64 = 0
        self.pairs: vec[i64] = vec[i64]([0] * (MAX_PAIRS * PAIR))
        self.nr_pairs: i64 = 0  # seen; the table holds at most MAX_PAIRS of them

    def begin_run(self) -> None:
        """Forget the last run."""
        self.nr_active = 0
        self.nr_pairs = 0
        for i in range(self.nr_used):
            self.slots[self.used[i] + OWNER] = -1
        self.nr_used = 0

    def note(self, actor: i64, pos: i64, site: i64, visit: i64, obj: i64, access: i64) -> None:
        """An access to a shared object; `access` bit 0 says that it writes."""
        s = self.slots
        at = slot_of(obj)
        owner = s[at + OWNER]
        if owner != obj:
            if owner < 0:
                self.used[self.nr_used] = at
                self.nr_used += 1
            s[at + OWNER] = obj
            s[at + ACTORS] = 0
            s[at + WRITERS] = 0
            i: i64 = 0
            while i < NR_ACTORS:
                s[at + COUNTS + i] = 0
                i += 1
        elif s[at + LAST] != actor and (s[at + LAST + 4] | access) & 1:
            self._pair(at + LAST, actor, pos, site, visit)
        s[at + ACTORS] |= 1 << actor
        if access & 1:
            s[at + WRITERS] |= 1 << actor
        s[at + COUNTS + actor] += 1
        s[at + LAST] = actor
        s[at + LAST + 1] = pos
        s[at + LAST + 2] = site
        s[at + LAST + 3] = visit
        s[at + LAST + 4] = access

    def _pair(self, last: i64, actor: i64, pos: i64, site: i64, visit: i64) -> None:
        # Past the size of the table new ones replace old ones in a scattered order.
        nr = self.nr_pairs
        to = (nr if nr < MAX_PAIRS else (nr * 29) % MAX_PAIRS) * PAIR
        self.nr_pairs = nr + 1
        i: i64 = 0
        while i < 4:
            self.pairs[to + i] = self.slots[last + i]
            i += 1
        self.pairs[to + B_ACTOR] = actor
        self.pairs[to + B_POS] = pos
        self.pairs[to + B_SITE] = site
        self.pairs[to + B_VISIT] = visit

    def pairs_held(self) -> i64:
        return min(self.nr_pairs, MAX_PAIRS)

    def contended(self) -> list[i64]:
        """Where the slots begin of objects that several actors touched and one of them wrote."""
        found: list[i64] = []
        for i in range(self.nr_used):
            at = self.used[i]
            actors = self.slots[at + ACTORS]
            if actors & (actors - 1) and self.slots[at + WRITERS]:
                found.append(at)
        return found


def slot_of(obj: i64) -> i64:
    """Where the slot of an object (not of none) begins."""
    return obj % _PRIME * STRIDE
