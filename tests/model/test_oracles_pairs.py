# SPDX-License-Identifier: MIT
"""Each oracle on a good and a bad model: silent on the one, exact on the other.

The bad halves need functions exchanged, which the compiled model does not allow: one child
process runs them all on the interpreted one.
"""

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from corpus import headers
from simulator.oracles import NAMES
from tests.model.broken import Pair
from tests.model.broken_all import PAIRS
from tests.model.run import run

ROOT = Path(__file__).resolve().parents[2]
LATER = set[str]()


@cache
def broken_outcomes() -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.model.broken_all"],
        cwd=ROOT,
        env={**os.environ, "MMFARM_MODEL": "interpreted"},
        capture_output=True,
        text=True,
        check=True,
    )
    outcomes: dict[str, str] = json.loads(done.stdout)
    return outcomes


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_an_oracle_is_silent_on_a_model_that_is_right(pair: Pair) -> None:
    assert run(pair.scenario).violation is None


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_an_oracle_names_what_a_broken_model_does(pair: Pair) -> None:
    assert broken_outcomes()[pair.name] == pair.signature


def test_every_oracle_that_this_model_can_show_has_a_pair() -> None:
    paired = {pair.signature.split()[0] for pair in PAIRS}
    assert paired == set(NAMES) - LATER


def test_names_of_pairs_are_unique() -> None:
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)


def oracles_in(path: Path) -> set[str]:
    """The first argument of every k.violate() of a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "violate":
                oracle = node.args[0]
                assert isinstance(oracle, ast.Constant), f"{path}:{node.lineno}"
                found.add(str(oracle.value))
    return found


def test_the_model_uses_the_names_of_oracles_and_all_that_it_can() -> None:
    used = set[str]()
    for path in (ROOT / "simulator").rglob("*.py"):
        used |= oracles_in(path)
    assert used == set(NAMES) - LATER


def test_a_text_can_expect_an_oracle_that_exists_and_no_other() -> None:
    assert not [name for name in NAMES if headers.check("expect", f"{name} zap_pte_range anon")]
    message = headers.check("expect", "stale-tbl zap_pte_range anon")
    assert "unknown oracle" in message
    assert "stale-tlb" in message
