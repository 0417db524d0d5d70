# SPDX-License-Identifier: MIT
"""All good/bad pairs, and a program that runs their bad halves.

    python -m tests.model.broken_all

prints one JSON object: by the pair's name the signature, "clean", or what went wrong; the last,
too, where the machine's next run shows that something is left of the broken one. It is a program
of its own because the functions of a compiled model cannot be exchanged: it wants
MMFARM_MODEL=interpreted.
"""

import json
from typing import Final

from simulator.run import Machine  # first: it loads the model's modules in an order that works
from tests.model import (
    broken_calls,
    broken_counts,
    broken_huge,
    broken_memory,
    broken_objects,
    broken_own,
    broken_swap,
    broken_uffd,
)
from tests.model.broken import Pair, Patch
from tests.model.run import scenario

PAIRS: Final = (
    *broken_memory.PAIRS,
    *broken_counts.PAIRS,
    *broken_objects.PAIRS,
    *broken_calls.PAIRS,
    *broken_own.PAIRS,
    *broken_swap.PAIRS,
    *broken_huge.PAIRS,
    *broken_uffd.PAIRS,
)
# What a run may leave behind must not be seen by these: frames, the zero page, files, a child, the
# device, pins.
PROBES: Final = tuple(
    map(
        scenario,
        (
            "1 T0 mmap 0..8 rw private anon\n2 T0 read 1\n3 T0 write 1\n4 T0 fork T1\n"
            "5 T1 write 1\n6 T0 pin p0 1 w\n7 DEVICE migrate_to_device 0..8\n"
            "8 DEVICE device_write 2\n9 T0 read 2\n",
            "1 T0 memfd f0 4\n2 T0 mmap 0..4 rw shared f0\n3 T1 write 1\n"
            "4 T0 mmap 4..8 rw private f0\n5 T0 write 5\n6 T1 read 6\n7 T0 munmap 0..8\n",
        ),
    )
)


def outcome_of(pair: Pair) -> str:
    """What the broken model says of the scenario."""
    machine = Machine()
    patch = Patch()
    pair.breaks(patch)
    try:
        violation = machine.run(scenario(pair.scenario)).violation
    except Exception as error:  # a broken model may break in other ways: that is its outcome
        return f"{type(error).__name__}: {error}"
    finally:
        patch.undo()
    for each in PROBES:
        if machine.run(each) != Machine().run(each):
            return f"the next run differs: {each}"
    return str(violation.signature) if violation else "clean"


if __name__ == "__main__":
    print(json.dumps({pair.name: outcome_of(pair) for pair in PAIRS}, indent=1))
