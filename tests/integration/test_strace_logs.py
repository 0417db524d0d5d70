# SPDX-License-Identifier: MIT
"""Logs of real programs on real kernels: nothing is dropped, and the model answers the same."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from corpus import text
from corpus.files import SCENARIOS, mm_files
from corpus.recording.report import Report, import_log, scenario_name
from corpus.strace.parse import load
from corpus.verify import verify_scenario
from fuzz.codec import decode, encode
from simulator.run import Machine

LOGS = Path(__file__).resolve().parents[3] / "shared" / "real-inputs" / "strace"
NAMES = sorted(path.name for path in LOGS.glob("*.strace"))
pytestmark = pytest.mark.skipif(not NAMES, reason=f"{LOGS} has no logs on this machine")

# Calls of ops that the model has; they may be listed only for these reasons.
OWN = (
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "process_madvise",
    "brk",
    "fork",
    "vfork",
    "clone",
    "memfd_create",
    "ftruncate(memfd)",
    "pread64(pagemap)",
    "write(clear_refs)",
)
REASONS = (
    "only asks where the heap ends",
    "where the heap ended before is not in the log",
    "shares its address space with the parent",
    "the address is not page-aligned",
    "MREMAP_FIXED onto its own start",
    "arguments that scenarios cannot say",
    "failed: scenarios have no mmap()",
    "failed: no room",
    "the model has no advice MADV_",
    "changes the size of a memory file",
    "the memory file gets another size",
)

# Locked mappings refuse guards; mremap() stops at VMAs that are registered with userfaultfd; locked
# memory has a limit.
DIFFERENCES = {
    ("ksft-guard-regions.strace", 522, "madvise", "EINVAL", "not asked"),
    ("ksft-guard-regions.strace", 3381, "madvise", "EINVAL", "not asked"),
    ("ksft-guard-regions.strace", 6390, "madvise", "EINVAL", "not asked"),
    ("ksft-mremap_test.strace", 255, "mremap", "EFAULT", "not asked"),
    ("ksft-mremap_test.strace", 263, "mremap", "EFAULT", "not asked"),
    ("ksft-mremap_test.strace", 271, "mremap", "EFAULT", "not asked"),
    ("ltp-2_ltp_mlock02_strace.strace", 19, "mlock", "ENOMEM", "ok"),
    ("ltp_ltp_mlock03_strace.strace", 66, "mlock", "ENOMEM", "ok"),
}

reports: dict[str, Report] = {}


def imported(name: str) -> Report:
    """The report of a log, with the check; made once."""
    if name not in reports:
        reports[name] = import_log(load(LOGS / name), Machine())
    return reports[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_understood(name: str) -> None:
    assert imported(name).odd_lines == []


@pytest.mark.parametrize("name", NAMES)
def test_every_mm_call_of_the_text_is_taken_or_listed(name: str) -> None:
    report = imported(name)
    listed = Counter[str]()
    for listing in report.listed:
        listed[listing.name] += listing.count
    assert Counter(report.mm_calls) == Counter(report.taken) + listed
    # Counted again by a plain search, for names that are about memory whatever the arguments.
    content = (LOGS / name).read_text(encoding="utf-8", errors="replace")
    found = Counter(re.findall(r"^(?:\d+ +)?(\w+)\(", content, re.MULTILINE))
    for call in (
        "mmap",
        "munmap",
        "mremap",
        "mprotect",
        "madvise",
        "process_madvise",
        "brk",
        "clone",
        "vfork",
        "mlock",
        "mlockall",
        "munlock",
        "mincore",
        "msync",
        "mbind",
        "remap_file_pages",
        "userfaultfd",
        "memfd_create",
        "shmget",
        "shmat",
        "shmdt",
    ):
        assert report.mm_calls.get(call, 0) == found[call], call


@pytest.mark.parametrize("name", NAMES)
def test_calls_of_ops_that_the_model_has_are_taken(name: str) -> None:
    for listing in imported(name).listed:
        if listing.name in OWN:
            assert listing.reason.startswith(REASONS), listing


@pytest.mark.parametrize("name", NAMES)
def test_the_model_answers_as_the_real_kernel_did(name: str) -> None:
    checked = imported(name).checked
    assert checked is not None
    assert checked.violations == []
    assert checked.disagreements == []
    assert checked.compared == checked.agreed + len(checked.explained)
    assert checked.compared + sum(checked.not_compared.values()) > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_report_is_json_with_all_that_was_compared(name: str) -> None:
    report = imported(name)
    assert report.checked is not None
    data = json.loads(json.dumps(report.to_json()))
    assert data["check"]["not_compared"] == dict(report.checked.not_compared)
    assert data["mm_calls"]["total"] == data["taken"]["total"] + data["listed"]["total"]


@pytest.mark.parametrize("name", NAMES)
def test_windows_are_scenarios_that_hold(name: str) -> None:
    machine = Machine()
    for scenario in imported(name).scenarios:
        assert text.parse(text.dump(scenario)) == scenario
        assert decode(encode(scenario)).ops == scenario.ops
        assert verify_scenario(scenario, name, machine) == []


def test_imported_scenarios_of_the_corpus_are_windows_of_their_logs() -> None:
    files = mm_files([SCENARIOS / "strace"])
    assert files
    for file in files:
        scenario = text.load(file)
        log = dict(scenario.headers)["origin"].removeprefix("strace:")
        (name,) = (name for name in NAMES if scenario_name(Path(name)) == log)
        assert scenario in imported(name).scenarios, f"{file} is stale: import {name} again"


def test_no_other_answers_differ_than_these_whose_reason_is_known() -> None:
    found = {
        (name, difference.line, difference.op, difference.log, difference.model)
        for name in NAMES
        for difference in imported(name).checked.explained  # type: ignore[union-attr]
    }
    assert found == DIFFERENCES


def test_most_calls_of_all_logs_are_taken_and_most_answers_compared() -> None:
    """The figures of the whole set, so that a silent loss shows."""
    everything = [imported(name) for name in NAMES]
    total = sum(sum(report.mm_calls.values()) for report in everything)
    taken = sum(sum(report.taken.values()) for report in everything)
    compared = sum(report.checked.compared for report in everything if report.checked)
    assert taken >= 0.7 * total
    assert compared >= 0.9 * taken
