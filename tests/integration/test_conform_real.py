# SPDX-License-Identifier: MIT
"""The model against this machine's kernel: they agree, and a model that is broken is caught."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import executor
from conformance.check import check
from conformance.fuzz import Figures, fuzz
from conformance.kernel import RealKernel
from conformance.model import ModelKernel
from corpus import text
from corpus.files import SCENARIOS, mm_files

ROOT = Path(__file__).resolve().parents[2]
RANDOM = 300  # a second or two
# Some of tests/model/broken_rules.py: an errno, COW, a protection, a guard region, a merge.
QUICK_RULES = (
    "errno-madvise", "private-file-cow", "write-implies-read", "guard-survives-dontneed",
    "merge-faulted",
)

pytestmark = pytest.mark.skipif(bool(executor.why_not()), reason=executor.why_not())


def test_random_scenarios_go_the_same_way_in_the_model_and_in_the_kernel() -> None:
    figures = Figures()
    with RealKernel() as kernel:
        found = [
            each for each in fuzz(
                ModelKernel(), kernel, figures, seed=1, seconds=60, scenarios=RANDOM
            ) if each is not None
        ]
    assert [str(each.disagreement) for each in found] == []
    assert figures.scenarios + figures.skipped + len(figures.troubles) == RANDOM
    assert figures.succeeded > 0.6 * figures.ops


def test_the_scenarios_of_the_corpus_go_the_same_way_in_the_kernel() -> None:
    model = ModelKernel()
    with RealKernel() as kernel:
        checked = {file: check(text.load(file), model, kernel) for file in mm_files([SCENARIOS])}
    assert {
        str(file): str(each.disagreement) for file, each in checked.items() if each.disagreement
    } == {}
    agree = [file for file, each in checked.items() if not each.skipped]
    assert len(agree) > len(checked) / 2, "most need nothing but a stock kernel"


def test_the_kernel_contradicts_models_with_one_rule_flipped() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.model.broken_rules", "--json", *QUICK_RULES],
        cwd=ROOT, env={**os.environ, "MMFARM_MODEL": "interpreted"},
        capture_output=True, text=True, check=False, timeout=300,
    )
    caught = json.loads(done.stdout)
    assert sorted(caught) == sorted(QUICK_RULES)
    assert all(caught.values()), caught
    assert done.returncode == 0
