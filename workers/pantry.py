# SPDX-License-Identifier: MIT
"""What a slice starts from: a part of the corpus, as inputs, in its work folder.

Contract: `stock` writes `seeds`, `unmeasured` and `known` into a work folder. It takes what is
new in the store since this host has looked, what this model build has not run yet, and some of
the rest at random; some SEEDS of them, so that a slice starts in the same time however large the
corpus is. What this build has not run yet only one slice at a time gets (`workers.entries`). What
all of it has shown is known to the slice by the map alone, so that nothing is kept twice.
Scenarios that are withheld are left out. Texts that were encoded are remembered.

It does not promise that a slice sees all of the corpus: the slices of a farm do, together.
"""

import logging
import threading
from pathlib import Path
from random import Random
from typing import Final

from corpus.text import TextError, parse
from fuzz.codec import FuzzLimitError
from fuzz.seeds import inputs, write_pack
from workers.entries import Pulled, entry_key
from workers.store import Store

SEEDS: Final = 512  # run in a fifth of a second
NEWEST: Final = 128  # of them, what others found last
UNPROVEN: Final = 384  # at most, so that what is proven is there, too
MAX_KNOWN: Final = 20_000  # encoded texts that are kept: some megabytes

log: Final = logging.getLogger("mmfarm.worker")


class Pantry:
    """One host's view of the corpus. Threads may share it."""

    def __init__(self, store: Store, rng: Random) -> None:
        self._store = store
        self._rng = rng
        self._lock = threading.Lock()
        self._above: dict[str, int] = {}  # model -> the last entry that was looked at
        self._encoded: dict[str, tuple[bytes, ...]] = {}  # by text

    def stock(self, work: Path, model: str, build_id: str) -> list[int]:
        """Returns the entries among them that nobody else has while this slice runs: when it went
        well, the store is to be told (`Store.harmless`)."""
        store = self._store
        withheld = store.withheld()
        last = store.last_seq()
        with self._lock:
            above = self._above.get(model, 0)
            self._above[model] = last
            numbers = [self._rng.randint(1, last) for _ in range(SEEDS)] if last else []
        unproven = [
            each
            for each in store.unproven(model, build_id, UNPROVEN)
            if entry_key(each.text) not in withheld
        ]
        proven = store.newest(model, build_id, above, NEWEST)
        proven += store.some(model, build_id, sorted(set(numbers)))
        chosen = {each.seq: each for each in unproven}
        mine = list(chosen)
        for each in proven:
            if len(chosen) < SEEDS and entry_key(each.text) not in withheld:
                chosen.setdefault(each.seq, each)
        to_measure = {data for each in unproven for data in self._inputs(each)}
        known = {
            data for each in chosen.values() if each.seq not in mine for data in self._inputs(each)
        }
        write_pack(work / "unmeasured", _small_first(to_measure))
        write_pack(work / "seeds", _small_first(known - to_measure))
        (work / "known").write_bytes(store.seen_map(model, build_id))
        return mine

    def _inputs(self, entry: Pulled) -> tuple[bytes, ...]:
        known = self._encoded.get(entry.text)
        if known is not None:
            return known
        try:
            made = tuple(inputs(parse(entry.text)))
        except (TextError, FuzzLimitError) as error:  # written for another version of the model
            log.warning("corpus entry C%d is not used: %s", entry.seq, error)
            made = ()
        with self._lock:
            if len(self._encoded) >= MAX_KNOWN:
                self._encoded.clear()
            self._encoded[entry.text] = made
        return made


def _small_first(made: set[bytes]) -> list[bytes]:
    return sorted(made, key=lambda data: (len(data), data))
