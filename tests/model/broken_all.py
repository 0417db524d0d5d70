# SPDX-License-Identifier: MIT
"""All good/bad pairs, and a program that runs their bad halves.

    python -m tests.model.broken_all

prints one JSON object: by the pair's name the signature, "clean", or what went wrong. It is a
program of its own because the functions of a compiled model cannot be exchanged: it wants
MMFARM_MODEL=interpreted.
"""

import json
from typing import Final

from simulator.run import Machine  # first: it loads the model's modules in an order that works
from tests.model import broken_calls, broken_counts, broken_memory, broken_objects
from tests.model.broken import Pair, Patch
from tests.model.run import scenario

PAIRS: Final = (
    *broken_memory.PAIRS, *broken_counts.PAIRS, *broken_objects.PAIRS, *broken_calls.PAIRS
)


def outcome_of(pair: Pair) -> str:
    """What the broken model says of the scenario."""
    patch = Patch()
    pair.breaks(patch)
    try:
        violation = Machine().run(scenario(pair.scenario)).violation
    except Exception as error:  # a broken model may break in other ways: that is its outcome
        return f"{type(error).__name__}: {error}"
    finally:
        patch.undo()
    return str(violation.signature) if violation else "clean"


if __name__ == "__main__":
    print(json.dumps({pair.name: outcome_of(pair) for pair in PAIRS}, indent=1))
