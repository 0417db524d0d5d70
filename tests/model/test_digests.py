# SPDX-License-Identifier: MIT
"""Same scenario, same build: same digest, compiled or interpreted, whatever the hash seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator import build
from simulator.bugs import BUGS

ROOT = Path(__file__).resolve().parents[2]
COUNT = 500


def digests(mode: str, hash_seed: str, count: int) -> list[str]:
    """What tests/model/digests.py prints in a process of its own."""
    env = {**os.environ, "MMFARM_MODEL": mode, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-m", "tests.model.digests", str(count), "1"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=True,
    )
    return done.stdout.splitlines()


def test_the_hash_seed_changes_no_digest() -> None:
    lines = digests("interpreted", "1", COUNT)
    assert not [line for line in lines if "differs" in line]
    assert len(lines) == len(BUGS) + COUNT
    assert len({line.split()[2] for line in lines}) > 5, "few kinds of violations compared"
    assert lines == digests("interpreted", "2", COUNT)


@pytest.mark.skipif(build.mode() != "compiled", reason="no compiled model that fits the sources")
def test_compiled_and_interpreted_have_the_same_digests() -> None:
    assert digests("compiled", "1", COUNT) == digests("interpreted", "2", COUNT)
