# SPDX-License-Identifier: MIT
"""The engine for machines without Atheris: the same session, mutators and feedback, in a
plain loop.

Contract: as the libFuzzer engine: `run` returns when the session is over. An input is mutated
again when it shows a feature for the first time; which one is next is drawn with a bias to
recent ones.

It does not promise what libFuzzer has on top: rare features first, smaller inputs in place
of larger ones, bounds on time and memory of one input (the supervisor's remain).
"""

from typing import Final

from fuzz.codec import MAX_SIZE
from fuzz.rng import Rng
from fuzz.session import Finished, Session

NAME: Final = "plain"
RECENT: Final = 16  # every other input is drawn from the newest so many


def run(session: Session, *, seed: int, rss_limit_mib: int) -> None:
    """Fuzz until the session is over. Memory is bounded by the address space alone, so
    `rss_limit_mib` has no part here."""
    del rss_limit_mib
    rng = Rng(seed)
    kept: list[bytes] = []
    try:
        while (data := session.next_seed()) is not None:
            if session.test(data):
                kept.append(data)
        if not kept:
            kept.append(b"")
        while True:
            data = _draw(kept, rng)
            number = rng.bits(31)
            if rng.chance(1, 2):
                made = session.mutate(data, MAX_SIZE, number)
            else:
                made = session.crossover(data, _draw(kept, rng), MAX_SIZE, number)
            if session.test(made):
                kept.append(made)
    except Finished:
        return


def _draw(kept: list[bytes], rng: Rng) -> bytes:
    recent = min(RECENT, len(kept)) if rng.chance(1, 2) else len(kept)
    return kept[len(kept) - 1 - rng.below(recent)]
