# SPDX-License-Identifier: MIT
"""A selftest under perf trace: its calls and page faults, and the model serves them all."""

import re
from pathlib import Path

import pytest

from corpus import text
from corpus.perf.parse import load
from corpus.recording.arguments import NO_FILE_PAGES
from corpus.recording.report import Report, import_log
from corpus.verify import verify_scenario
from fuzz.codec import decode, encode
from simulator.run import Machine

LOG = (
    Path(__file__).resolve().parents[3]
    / "shared"
    / "real-inputs"
    / "perf"
    / "ksft-merge.perf-trace"
)
pytestmark = pytest.mark.skipif(not LOG.is_file(), reason=f"{LOG} is not on this machine")


@pytest.fixture(scope="module")
def report() -> Report:
    return import_log(load(LOG), Machine())


def test_every_line_is_understood(report: Report) -> None:
    assert report.odd_lines == []


def test_every_call_and_fault_of_the_text_is_taken_or_listed(report: Report) -> None:
    content = LOG.read_text(encoding="utf-8")
    for name in ("mmap", "munmap", "mremap", "mprotect", "clone"):
        assert report.taken[name] == len(re.findall(rf" {name}\(.* = .", content)), name
    for name in ("minfault", "majfault"):
        assert report.mm_calls[name] == len(re.findall(rf" {name} \[", content)), name
    assert sum(report.mm_calls.values()) == sum(report.taken.values()) + sum(
        listing.count for listing in report.listed
    )


def test_faults_in_anonymous_memory_are_taken(report: Report) -> None:
    content = LOG.read_text(encoding="utf-8")
    anonymous = len(re.findall(r"=> (?://anon|\[stack\]|/dev/zero \(deleted\))@", content))
    assert report.taken["minfault"] >= anonymous
    reasons = {listing.reason for listing in report.listed}
    assert reasons == {NO_FILE_PAGES, "what is mapped there is not in the log"}


def test_the_model_answers_as_the_real_kernel_did(report: Report) -> None:
    checked = report.checked
    assert checked is not None
    assert (checked.violations, checked.disagreements, checked.explained) == ([], [], [])
    assert checked.compared == sum(report.taken.values()) - report.taken["clone"]
    assert checked.touches_compared == report.taken["minfault"]


def test_windows_are_scenarios_that_hold(report: Report) -> None:
    machine = Machine()
    assert report.scenarios
    for scenario in report.scenarios:
        assert text.parse(text.dump(scenario)) == scenario
        assert decode(encode(scenario)).ops == scenario.ops
        assert verify_scenario(scenario, LOG.name, machine) == []
