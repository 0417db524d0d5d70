# SPDX-License-Identifier: MIT
"""Programs that syzkaller found bugs with: every call is taken or listed, every scenario holds."""

import re
from collections import Counter
from pathlib import Path

import pytest

from corpus import text
from corpus.recording.report import NOT_MEMORY
from corpus.syz.export import export
from corpus.syz.parse import load, parse
from corpus.syz.report import Programs, import_programs
from corpus.verify import verify_scenario
from fuzz.codec import decode, encode
from simulator import ops
from simulator.run import Machine

PROGRAMS = Path(__file__).resolve().parents[3] / "shared" / "real-inputs" / "syz"
pytestmark = pytest.mark.skipif(
    not PROGRAMS.is_dir(), reason=f"{PROGRAMS} has no programs on this machine"
)

# Calls of ops that the model has; they may be listed only for these reasons.
OWN = ("mmap", "munmap", "mremap", "mprotect", "madvise", "fork", "clone", "clone3")
REASONS = (
    "its descriptor is -1",
    "maps what a driver gives",
    "flags that the model has not: MAP_",
    "neither MAP_PRIVATE nor MAP_SHARED",
    "the address is not page-aligned",
    "the range is larger than the address space",
    "the model has no advice MADV_",
    "shares its address space with the parent",
)
# Calls of programs by the name that they are counted as.
RENAMED = {
    "syz_clone": "clone",
    "syz_clone3": "clone3",
    "syz_open_procfs": "openat",
    "syz_open_dev": "openat",
    "open": "openat",
    "creat": "openat",
    "openat2": "openat",
}


@pytest.fixture(scope="module")
def programs() -> Programs:
    return import_programs(PROGRAMS)


def test_every_line_of_every_program_is_understood(programs: Programs) -> None:
    assert programs.problems == []
    assert len(programs.reports) == len(list(PROGRAMS.iterdir()))


def test_every_call_is_taken_or_listed(programs: Programs) -> None:
    for report in programs.reports:
        listed = Counter[str]()
        for listing in report.listed:
            listed[listing.name] += listing.count
        assert Counter(report.mm_calls) == Counter(report.taken) + listed
        # Counted again by a plain search.
        content = (PROGRAMS / report.log).read_text(encoding="utf-8", errors="replace")
        found = Counter(
            RENAMED.get(name, name)
            for name in re.findall(r"^(?:r\d+ = )?([a-z_0-9]+)[$(]", content, re.MULTILINE)
        )
        counted = Counter[str]()
        for name, count in report.mm_calls.items():
            counted[name.partition("(")[0]] += count
        assert counted == found, report.log


def test_calls_of_ops_that_the_model_has_are_taken(programs: Programs) -> None:
    for report in programs.reports:
        for listing in report.listed:
            if listing.name in OWN:
                assert listing.reason.startswith(REASONS), (report.log, listing)


def test_no_memory_call_is_taken_for_another(programs: Programs) -> None:
    others = {
        listing.name
        for report in programs.reports
        for listing in report.listed
        if listing.reason == NOT_MEMORY
    }
    assert not others & {
        *OWN,
        "mlock",
        "mlock2",
        "munlock",
        "userfaultfd",
        "memfd_create",
        "mbind",
        "process_madvise",
        "process_vm_writev",
        "shmat",
        "remap_file_pages",
    }


def test_scenarios_hold(programs: Programs) -> None:
    machine = Machine()
    for report in programs.reports:
        for scenario in report.scenarios:
            assert text.parse(text.dump(scenario)) == scenario
            assert decode(encode(scenario)).ops == scenario.ops
            assert verify_scenario(scenario, report.log, machine) == []


def test_scenarios_can_go_back(programs: Programs) -> None:
    """Children are all that a program of theirs may lack: syz_clone() gives them no calls."""
    for report in programs.reports:
        for scenario in report.scenarios:
            program = export(scenario)
            assert parse(program).odd_lines == []
            exits = sum(op.code == ops.OP_EXIT for op in scenario.ops)
            assert program.count("# not said here") == exits


def test_async_calls_run_in_other_threads(programs: Programs) -> None:
    names = {
        path.name
        for path in PROGRAMS.iterdir()
        if any(
            call.asynchronous and call.name in ("mmap", "munmap", "mremap", "mprotect")
            for call in load(path).calls
        )
    }
    assert names
    for report in programs.reports:
        if report.log in names and report.scenarios:
            actors = {op.actor for scenario in report.scenarios for op in scenario.ops}
            assert actors != {0}, report.log


def test_the_figures_of_all_programs(programs: Programs) -> None:
    """So that a silent loss shows."""
    calls = sum(sum(report.mm_calls.values()) for report in programs.reports)
    taken = sum(sum(report.taken.values()) for report in programs.reports)
    memory = calls - sum(
        listing.count for listing in programs.listed() if listing.reason == NOT_MEMORY
    )
    assert taken >= 0.25 * memory
    assert sum(bool(report.scenarios) for report in programs.reports) >= 200
