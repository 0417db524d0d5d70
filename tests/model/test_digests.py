# SPDX-License-Identifier: MIT
"""Same scenario, same build: same digest, compiled or interpreted, whatever the hash seed."""

import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from simulator import build
from simulator.bugs import BUGS
from simulator.objects import OBJ_NONE, mm_obj, vma_obj
from simulator.run import Machine
from simulator.scenario import Config, Scenario
from simulator.sched.core import NO_ALARM
from simulator.state import READ, WRITE

ROOT = Path(__file__).resolve().parents[2]
COUNT = 500


def digests(mode: str, hash_seed: str, count: int) -> list[str]:
    """What tests/model/digests.py prints in a process of its own."""
    env = {**os.environ, "MMFARM_MODEL": mode, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-m", "tests.model.digests", str(count), "1"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def digest_of(*steps: tuple[int, int, int]) -> int:
    """The digest of these steps of one actor; a step without a site is a folded value."""
    machine = Machine()
    machine.run(Scenario(Config(), ()))
    k = machine.k
    k.alarm = NO_ALARM
    for site, obj, access in steps:
        if site:
            k.step(site, obj, access)
        else:
            k.fold(obj)
    return k.digest


def test_each_step_and_each_folded_value_changes_the_digest() -> None:
    step = (7, vma_obj(1), READ)
    others = [
        (8, vma_obj(1), READ),
        (7, vma_obj(2), READ),
        (7, mm_obj(1), READ),
        (7, OBJ_NONE, READ),
        (7, vma_obj(1), WRITE),
        (0, 5, 0),
        (0, -5, 0),
    ]
    alone = [digest_of(each) for each in (step, *others)]
    followed = [digest_of(each, step, step) for each in (step, *others)]
    assert len({*alone, *followed}) == 2 * len(alone)


def test_the_digest_depends_on_the_order() -> None:
    steps = [(7, vma_obj(1), READ), (8, vma_obj(1), WRITE), (7, OBJ_NONE, READ), (0, 9, 0)]
    orders = list(permutations(steps))
    assert len({digest_of(*order) for order in orders}) == len(orders)


def test_the_hash_seed_changes_no_digest() -> None:
    lines = digests("interpreted", "1", COUNT)
    assert not [line for line in lines if "differs" in line]
    assert len(lines) == len([bug for bug in BUGS if not bug.undisclosed]) + COUNT
    assert len({line.split()[2] for line in lines}) > 5, "few kinds of violations compared"
    assert lines == digests("interpreted", "2", COUNT)


@pytest.mark.skipif(build.mode() != "compiled", reason="no compiled model that fits the sources")
def test_compiled_and_interpreted_have_the_same_digests() -> None:
    assert digests("compiled", "1", COUNT) == digests("interpreted", "2", COUNT)
