# SPDX-License-Identifier: MIT
"""Small scenarios written anew, under the directives of one that fails.

Contract: `Anew(scenario, rng).next()` is another scenario, without directives, as
fuzz/generate.py writes them, half the time of some of the given one's kinds of ops. With
directives of the given one, which `moved` puts on its ops, it is still smaller. Both are
functions of the scenario and the state of `rng`.

Why: the simplest forms of one bug that different failures lead to may have next to nothing in
common. As small as they are, chance writes one sooner than it walks there.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from fuzz.generate import WEIGHTS, write_ops
from fuzz.minimizing.judge import Passed
from fuzz.rng import Rng
from simulator import sites
from simulator.scenario import PARK, SWITCH, Config, Directive, Scenario
from simulator.validate import arena_pages

TABLES: Final = 4  # that map the pages which the ops may name: few, so that they meet
MAX_DRAWS: Final = 32  # ways to place several directives that are tried for one scenario


class Anew:
    """Writes scenarios smaller than one. `alone` is whether that has one actor and no
    directives, `sites` are those of its directives and the others of the same functions."""

    def __init__(self, scenario: Scenario, rng: Rng) -> None:
        self._scenario: Final = scenario
        self._rng: Final = rng
        self._codes: Final = sorted({op.code for op in scenario.ops})
        config = scenario.config
        self._configs: Final = [Config(bugs=config.bugs, kernel=config.kernel), config]
        self.alone: Final = not scenario.directives and {op.actor for op in scenario.ops} == {0}
        functions = {_function(d.site) for d in scenario.directives}
        self.sites: Final = [i for i, name in enumerate(sites.FUNCTION) if name in functions]

    def next(self) -> Scenario:
        """Another one, of one actor alone if the given one is."""
        made = self._write()
        while self.alone and any(op.actor for op in made.ops):
            made = self._write()
        return made

    def moved(self, made: Scenario, passed: Passed) -> Iterator[tuple[Directive, ...]]:
        """Ways to put directives of the given scenario where ops of another pass the same
        functions: as many directives as leave it smaller."""
        if not passed:
            return
        given = self._scenario.directives
        nr = max((n for n in range(len(given) + 1) if len(made.ops) <= self._room(n)), default=0)
        places = [list(_places(directive, made, passed)) for directive in given]
        places = [choice for choice in places if choice]
        if nr == 1:
            for directive in chain(*places):
                yield (directive,)
        elif 1 < nr <= len(places):
            for _ in range(MAX_DRAWS):
                drawn = [self._rng.pick(choice) for choice in places]
                while len(drawn) > nr:
                    drawn.pop(self._rng.below(len(drawn)))
                yield tuple(drawn)

    def _write(self) -> Scenario:
        rng = self._rng
        given = len(self._scenario.directives)
        room = self._room(given - rng.below(given))
        config = rng.pick(self._configs)
        ptrs = 1 << config.pmd_order
        pages = min(arena_pages(config), TABLES * ptrs)
        weights = WEIGHTS
        if self.alone or rng.chance(1, 2):
            weights = [0] * len(WEIGHTS)
            for code in self._codes:
                if rng.chance(1, 2):
                    weights[code] = WEIGHTS[code]
        return Scenario(config, write_ops(rng, max(1, room), weights, pages, ptrs, config.swap > 0))

    def _room(self, nr: int) -> int:
        """How many ops leave a scenario under `nr` of the directives smaller: fewer of both
        together, or as many with fewer directives."""
        given = len(self._scenario.directives)
        return len(self._scenario.ops) + given - nr - (nr == given)


def _places(directive: Directive, made: Scenario, passed: Passed) -> Iterator[Directive]:
    """The directive wherever an op passes its function, for each other actor or op."""
    function = _function(directive.site)
    by_uid = {op.uid: op for op in made.ops}
    for uid, site in passed:
        if _function(site) != function or uid not in by_uid:
            continue
        actor = by_uid[uid].actor
        args = [directive.arg]
        if directive.kind == SWITCH:
            args = sorted({op.actor for op in made.ops} - {actor})
        elif directive.kind == PARK:
            args = [op.uid for op in made.ops if op.actor != actor]
        for arg in args:
            yield replace(directive, uid=uid, site=site, arg=arg)


def _function(site: str) -> str:
    return sites.FUNCTION[sites.BY_NAME[site]]
