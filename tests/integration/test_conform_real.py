# SPDX-License-Identifier: MIT
"""The model against this machine's kernel: they agree, and a model that is broken is caught."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import executor
from conformance import model as model_module
from conformance.check import check
from conformance.compare import _PAGE_BITS
from conformance.fuzz import Figures, fuzz
from conformance.kernel import RealKernel
from conformance.model import ModelKernel
from conformance.observation import SCANNED
from corpus import text
from corpus.files import SCENARIOS, mm_files
from tests.waiting import PATIENT_SECONDS

ROOT = Path(__file__).resolve().parents[2]
RANDOM = 300  # a second or two
# Some of tests/model/broken_rules.py: an errno, COW, a protection, a guard region, a merge.
QUICK_RULES = (
    "errno-madvise",
    "private-file-cow",
    "write-implies-read",
    "guard-survives-dontneed",
    "merge-faulted",
)

pytestmark = pytest.mark.skipif(bool(executor.why_not()), reason=executor.why_not())


def test_random_scenarios_go_the_same_way_in_the_model_and_in_the_kernel() -> None:
    figures = Figures()
    with RealKernel(timeout_seconds=PATIENT_SECONDS) as kernel:
        found = [
            each
            for each in fuzz(
                ModelKernel(), kernel, figures, seed=1, seconds=float("inf"), scenarios=RANDOM
            )
            if each is not None
        ]
    assert [str(each.disagreement) for each in found] == []
    assert figures.scenarios + figures.skipped + len(figures.troubles) == RANDOM
    assert figures.succeeded > 0.6 * figures.ops


def test_the_scenarios_of_the_corpus_go_the_same_way_in_the_kernel() -> None:
    model = ModelKernel()
    with RealKernel(timeout_seconds=PATIENT_SECONDS) as kernel:
        checked = {file: check(text.load(file), model, kernel) for file in mm_files([SCENARIOS])}
    assert {
        str(file): str(each.disagreement) for file, each in checked.items() if each.disagreement
    } == {}
    agree = [file for file, each in checked.items() if not each.skipped]
    assert len(agree) > len(checked) / 2, "most need nothing but a stock kernel"


@pytest.mark.parametrize(("bit", "name"), [each for each in _PAGE_BITS if each[0] & SCANNED])
def test_the_kernel_contradicts_a_model_that_has_a_category_wrong(
    bit: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = model_module._category
    monkeypatch.setattr(model_module, "_category", lambda pte: original(pte) ^ bit)
    with RealKernel(timeout_seconds=PATIENT_SECONDS) as kernel:
        if not kernel.page_bits & bit:
            pytest.skip("this kernel does not show it")
        # A new VMA is soft-dirty with all its pages.
        clear = "2 T0 clear_refs soft-dirty\n" if "soft-dirty" in kernel.features else ""
        asked = text.parse(
            "# mmfarm scenario 1\nconfig pmd_order=9 frames=64\n"
            f"1 T0 mmap 0..1 rw private anon\n{clear}3 T0 write 0\n"
        )
        found = check(asked, ModelKernel(), kernel).disagreement
    assert found is not None
    assert (found.uid, found.observation) == (3, name)


def test_the_kernel_contradicts_models_with_one_rule_flipped() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.model.broken_rules", "--json", *QUICK_RULES],
        cwd=ROOT,
        env={**os.environ, "MMFARM_MODEL": "interpreted"},
        capture_output=True,
        text=True,
        check=False,
    )
    caught = json.loads(done.stdout)
    assert sorted(caught) == sorted(QUICK_RULES)
    assert all(caught.values()), caught
    assert done.returncode == 0
