# SPDX-License-Identifier: MIT
"""The hand-written part of corpus/scenarios: one behaviour a file, found where it belongs.

That all of them hold in the model is tests/unit/test_verify.py's matter, that the real kernel
agrees is tests/integration/test_conform_real.py's.
"""

import re
from pathlib import Path
from typing import Final

import pytest

from corpus import text
from corpus.files import SCENARIOS, mm_files
from fuzz.codec import decode, encode
from simulator.ops import OPS
from simulator.scenario import Scenario

IMPORTED: Final = SCENARIOS / "strace"  # recorded programs have no category
AT_LEAST: Final = 150
CATEGORIES: Final = (  # those of run_vmtests.sh that the ops can serve
    "cow",
    "gup_test",
    "hmm",
    "khugepaged",
    "madv_guard",
    "madv_populate",
    "memfd",  # which it must be told about
    "migration",
    "mkdirty",
    "mlock",
    "mmap",
    "mremap",
    "pagemap",
    "process_madv",
    "rmap",
    "soft_dirty",
    "thp",
    "userfaultfd",
    "vma_merge",
)
FILES: Final = [file for file in mm_files([SCENARIOS]) if IMPORTED not in file.parents]


@pytest.fixture(scope="module")
def scenarios() -> dict[Path, Scenario]:
    return {file: text.load(file) for file in FILES}


def test_there_are_enough_to_start_from(scenarios: dict[Path, Scenario]) -> None:
    assert len(scenarios) >= AT_LEAST
    assert {file.parent.name for file in scenarios} == set(CATEGORIES)


def test_headers_say_category_expectation_and_source(scenarios: dict[Path, Scenario]) -> None:
    for file, scenario in scenarios.items():
        said = dict(scenario.headers)
        assert said.get("category") == file.parent.name, file
        assert said.get("expect") == "clean", file
        assert re.fullmatch(r"seed:[a-z0-9_-]+|farm", said.get("origin", "")), file
        assert not scenario.config.bugs, file


def test_each_documents_a_behaviour_of_its_own(scenarios: dict[Path, Scenario]) -> None:
    titles = [dict(scenario.headers)["title"] for scenario in scenarios.values()]
    assert len(set(titles)) == len(titles)
    programs = {(scenario.ops, scenario.directives) for scenario in scenarios.values()}
    assert len(programs) == len(scenarios)


def test_what_a_stock_kernel_lacks_is_required(scenarios: dict[Path, Scenario]) -> None:
    needed = {spec.number: spec.requires for spec in OPS}
    for file, scenario in scenarios.items():
        words = dict(scenario.headers).get("requires", "").split()
        uses = {needed[op.code] for op in scenario.ops} - {"", "soft-dirty"}
        assert uses <= set(words), file


def test_fuzzing_can_start_from_each(scenarios: dict[Path, Scenario]) -> None:
    for file, scenario in scenarios.items():
        seed = decode(encode(scenario))
        assert (seed.config, seed.ops, seed.directives) == (
            scenario.config,
            scenario.ops,
            scenario.directives,
        ), file
