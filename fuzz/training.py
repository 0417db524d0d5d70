# SPDX-License-Identifier: MIT
"""`python -m fuzz.training`: a short run of fuzzing, for the C compiler to watch.

Contract: it goes the way of a slice through the model and the hot half of fuzz/, with a corpus that
it gathers itself; the same way every time, however long it takes. What it finds out about the model
is thrown away.

simulator/build/compiler.py runs it on an instrumented model, and compiles the model for good with
what that counted: which branches are taken, what is called often, what hardly ever runs.
"""

import tempfile
from pathlib import Path
from typing import Final

from fuzz.codec import decode, encode
from fuzz.explore import Explorer, Listener
from fuzz.inflight import Slot
from fuzz.rng import Rng
from simulator.run import Machine
from simulator.scenario import Scenario

SEED: Final = 1
BATCHES: Final = 250  # some seconds, instrumented; more do not make the model faster


def train(batches: int, folder: Path) -> int:
    """Explore for so many batches. Returns how many runs showed something new."""
    rng = Rng(SEED)
    explorer = Explorer(Machine(), Slot(folder / "in-flight"), Listener(), SEED, ())
    corpus = [Scenario()]
    for _ in range(batches):
        explorer.batch(rng.pick(corpus), rng.pick(corpus), rng)
        corpus += [decode(encode(scenario)) for scenario in explorer.queue]
        explorer.queue.clear()
    return len(corpus)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        train(BATCHES, Path(folder))
