# SPDX-License-Identifier: MIT
"""What runs have shown about where a schedule can be changed.

Contract: `saw` and `conflict` remember, by kind of op, where directives of each kind took
effect or could have, and pairs of sites at which two actors touched one object; mutations
then make directives that land where something happens instead of being dead, in any scenario
that has such ops. Bounded memory of the latest; the order of calls is all it depends on.
"""

from typing import Final

from mypy_extensions import i64

from fuzz.rng import Rng
from fuzz.slots import NR_CODES
from simulator.build.native import final, vec

NR_KINDS: Final[i64] = 5  # of directives
MAX_SIGHTINGS: Final[i64] = 64  # of each kind of op, for each kind of directive
MAX_CONFLICTS: Final[i64] = 512
VISIT_SCALE: Final[i64] = 1024  # visits past it are rare, and land nowhere else


@final
class Conflict:
    """Op A passed `site_a` for the `visit_a`-th time, then op B of another actor `site_b`,
    and both touched one object, one of them for writing."""

    def __init__(self, code_a: i64, site_a: i64, visit_a: i64, code_b: i64, site_b: i64) -> None:
        self.code_a: i64 = code_a
        self.site_a: i64 = site_a
        self.visit_a: i64 = visit_a
        self.code_b: i64 = code_b
        self.site_b: i64 = site_b


@final
class Hints:
    """Sightings and conflicts of the latest runs."""

    def __init__(self) -> None:
        # By kind of directive * NR_CODES + op row: site * VISIT_SCALE + visit. Of switches and
        # parks, which can stand at any site, SWITCH has the sightings of both.
        # MAX_SIGHTINGS places each, of which the first `nr_sightings` are taken.
        self.sightings: vec[i64] = vec[i64]([0] * (NR_KINDS * NR_CODES * MAX_SIGHTINGS))
        self.nr_sightings: vec[i64] = vec[i64]([0] * (NR_KINDS * NR_CODES))
        self.conflicts: list[Conflict] = []
        self.nr_seen: i64 = 0

    def saw(self, kind: i64, code: i64, site: i64, visit: i64) -> None:
        """In an op of this row a directive of a kind has, or could have, an effect at the
        `visit`-th passing of a site."""
        row = kind * NR_CODES + code
        first = row * MAX_SIGHTINGS
        nr = self.nr_sightings[row]
        sighting = site * VISIT_SCALE + min(visit, VISIT_SCALE - 1)
        i: i64 = 0
        while i < nr:
            if self.sightings[first + i] == sighting:
                return
            i += 1
        if nr < MAX_SIGHTINGS:
            self.nr_sightings[row] = nr + 1
        else:
            self.nr_seen += 1
            nr = (self.nr_seen * 7) % MAX_SIGHTINGS
        self.sightings[first + nr] = sighting

    def conflict(self, found: Conflict) -> None:
        if len(self.conflicts) < MAX_CONFLICTS:
            self.conflicts.append(found)
        else:
            self.nr_seen += 1
            self.conflicts[self.nr_seen % MAX_CONFLICTS] = found

    def pick_sighting(self, rng: Rng, kind: i64, code: i64) -> i64:
        """site * VISIT_SCALE + visit for a directive of a kind in an op of a row; 0 if none
        is known."""
        row = kind * NR_CODES + code
        nr = self.nr_sightings[row]
        return self.sightings[row * MAX_SIGHTINGS + rng.below(nr)] if nr else 0
