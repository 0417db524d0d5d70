# SPDX-License-Identifier: MIT
"""Compaction keeps what matters about addresses; windows are small, valid, self-contained."""

import importlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import text
from corpus.recording import check as checking
from corpus.recording import compact
from corpus.recording.check import PM_GUARD_REGION, PM_PRESENT, PM_SHIFT
from corpus.recording.compact import Compaction
from corpus.recording.events import RecordingError
from corpus.recording.layout import ANON
from corpus.recording.report import Writer, import_log, scenario_name
from corpus.recording.steps import Answer, Step
from corpus.strace.parse import load
from simulator import ops
from simulator.errno import ENOMEM
from simulator.outcome import Outcome
from simulator.scenario import MAX_FUZZ_OPS, Scenario
from simulator.validate import validate
from tests.unit import recorded
from tests.unit.recorded import checked, translated

BLOCK = 8


def mmap_step(start: int, end: int, file: int = ANON, offset: int = 0) -> Step:
    return Step(1, 0, ops.OP_MMAP, (start, end, 3, 0, file, offset, 0), "", Answer.ok())


def move_step(start: int, end: int, to: int, to_end: int) -> Step:
    return Step(1, 0, ops.OP_MREMAP, (start, end, to, to_end, 0), "", Answer.ok())


RANGES = st.tuples(st.integers(0, 5000), st.sampled_from((1, 2, 7, 8, 9, 16, 100, 512, 3000)))
STEPS = st.lists(
    st.one_of(
        RANGES.map(lambda r: mmap_step(r[0], r[0] + r[1])),
        st.tuples(RANGES, st.integers(0, 3)).map(
            lambda r: mmap_step(r[0][0], sum(r[0]), 5, 512 * r[1])
        ),
        st.tuples(RANGES, st.integers(0, 5000)).map(
            lambda r: move_step(r[0][0], sum(r[0]), r[1], r[1] + r[0][1])
        ),
    ),
    min_size=1,
    max_size=8,
)


@given(STEPS, st.sampled_from((8, 16, 512)))
@settings(max_examples=200, deadline=None)
def test_order_adjacency_alignment_and_small_sizes_are_kept(steps: list[Step], block: int) -> None:
    compaction = Compaction(steps, block)
    real = sorted(
        {page for step in steps for page in step.args[:2]}
        | {page for step in steps if step.code == ops.OP_MREMAP for page in step.args[2:4]}
    )
    for low, high in pairwise(real):
        size = compaction.page(high) - compaction.page(low)
        assert 0 < size <= high - low
        assert size % block == (high - low) % block
        assert high - low >= 2 * block or size == high - low
    assert all(compaction.page(page) % block == page % block for page in real)


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_ranges_that_hold_the_same_pages_stay_equally_large(steps: list[Step]) -> None:
    compaction = Compaction(steps, BLOCK)
    for step in steps:
        args = compaction.args(step)
        if step.code == ops.OP_MREMAP:
            assert args[1] - args[0] == args[3] - args[2]


def test_large_ranges_become_small_and_far_ones_near() -> None:
    compaction = Compaction([mmap_step(1 << 20, 1 << 21), mmap_step(1 << 30, (1 << 30) + 3)], BLOCK)
    assert compaction.end <= 4 * BLOCK + 3


def test_side_by_side_parts_of_a_file_stay_side_by_side() -> None:
    steps = [mmap_step(0, 1000, 5, 0), mmap_step(1000, 1100, 5, 1000), mmap_step(400, 500, 5, 400)]
    compaction = Compaction(steps, BLOCK)
    first, second, third = (compaction.args(step) for step in steps)
    assert first[1] == second[0]
    assert first[5] + first[1] - first[0] == second[5]
    assert third[5] - first[5] == third[0] - first[0]


def test_many_moves_onto_each_other_are_evened_out() -> None:
    steps = [move_step(3 * i, 3 * i + 100_000, 5 * i + 1, 5 * i + 100_001) for i in range(100)]
    compaction = Compaction(steps, BLOCK)
    assert compaction.end < 100_000
    for step in steps:
        start, end, to, to_end, _ = compaction.args(step)
        assert end - start == to_end - to


def test_what_cannot_be_evened_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "_MAX_ROUNDS", 1)
    uneven = [move_step(0, 1000, 5000, 6000), mmap_step(500, 510)]
    with pytest.raises(RecordingError, match="cannot be made small"):
        Compaction(uneven, BLOCK)


LOG = """\
1 mmap(NULL, 16384, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
1 memfd_create("m", 0) = 3
1 ftruncate(3, 8192) = 0
1 mmap(NULL, 8192, PROT_READ, MAP_SHARED, 3, 0) = 0x7f0000010000
1 fork() = 2
2 munmap(0x7f0000000000, 4096) = 0
2 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 4096) = 0x7f0000020000
2 exit_group(0) = ?
2 +++ exited with 0 +++
1 mprotect(0x7f0000010000, 8192, PROT_READ|PROT_WRITE) = 0
"""


def windows(log: str) -> list[Scenario]:
    return recorded.windows(translated(log))[0]


def body(scenario: Scenario) -> list[str]:
    return [line for line in text.dump(scenario).splitlines() if line[0] != "#"]


def test_a_short_log_is_one_window_with_its_children() -> None:
    (scenario,) = windows(LOG)
    assert body(scenario) == [
        "config pmd_order=3 frames=128",
        "1 T0 mmap 8..12 rw private anon",
        "2 T0 memfd f0 2",
        "3 T0 mmap 24..26 r shared f0",
        "4 T0 fork T1",
        "5 T1 munmap 8..9",
        "6 T1 mmap 40..41 r shared f0+1",
        "7 T1 exit",
        "8 T0 mprotect 24..26 rw",
    ]
    assert scenario.headers == (
        ("title", "log, lines 1 to 10"),
        ("expect", "clean"),
        ("origin", "strace:log"),
    )


def long_log(calls: int) -> str:
    one = "mprotect(0x10000000, 4096, PROT_{}) = 0\n"
    return (
        "mmap(0x10000000, 8192, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS|MAP_FIXED, "
        "-1, 0) = 0x10000000\n"
        "mmap(0x90000000, 4096, 0x3, 0x32, -1, 0) = 0x90000000\n"
        + "".join(one.format("READ" if i % 3 else "WRITE") for i in range(calls))
    )


def test_later_windows_carry_the_layout_that_they_need_and_no_more() -> None:
    first, second = windows(long_log(70))
    assert len(first.ops) == MAX_FUZZ_OPS
    assert body(second)[1:4] == [
        "1 T0 mmap 8..9 r shared anon",
        "2 T0 mmap 9..10 rw shared anon",
        "3 T0 mprotect 8..9 r",
    ]
    assert len(second.ops) == 2 + 72 - MAX_FUZZ_OPS


def test_equal_windows_are_kept_once() -> None:
    found, left_out = recorded.windows(
        translated("".join(f"{pid} munmap(0x1000, 4096) = 0\n" for pid in range(1, 5)))
    )
    assert len(found) == 1
    assert left_out == {"the same as in another window": 3}


def test_windows_are_valid_printable_and_within_the_fuzz_limits() -> None:
    children = "".join(
        f"1 fork() = {pid}\n{pid} munmap(0x7f0000000000, 4096) = 0\n" for pid in range(3, 20)
    )
    for scenario in windows(LOG + children):
        validate(scenario)
        assert text.parse(text.dump(scenario)) == scenario
        assert len(scenario.ops) <= MAX_FUZZ_OPS


class Answers:
    """A machine that gives the same result to every op that may fail."""

    def __init__(self, result: int = 0) -> None:
        self.result = result
        self.runs: list[Scenario] = []

    def run(self, scenario: Scenario) -> Outcome:
        validate(scenario)
        self.runs.append(scenario)
        results = [op.args[0] if op.code == ops.OP_MMAP else self.result for op in scenario.ops]
        return Outcome(None, "0" * 16, 1, results)


def test_answers_are_compared_call_by_call() -> None:
    good = checked(LOG, Answers())
    assert (good.compared, good.agreed, good.disagreements) == (6, 6, [])
    bad = checked(LOG, Answers(-ENOMEM))
    assert bad.agreed == 3
    assert [(d.line, d.op, d.log, d.model) for d in bad.disagreements] == [
        (3, "memfd", "ok", "ENOMEM"),
        (6, "munmap", "ok", "ENOMEM"),
        (10, "mprotect", "ok", "ENOMEM"),
    ]


def test_a_failed_call_agrees_only_with_its_own_errno() -> None:
    log = "munmap(0x1000, 4096) = -1 ENOMEM (Cannot allocate memory)\n"
    assert checked(log, Answers(-ENOMEM)).agreed == 1
    (difference,) = checked(log, Answers(0)).disagreements
    assert (difference.log, difference.model) == ("ENOMEM", "ok")
    assert checked(log, Answers(-14)).agreed == 0


def test_a_difference_that_an_earlier_call_can_cause_is_explained_by_it() -> None:
    log = (
        "mmap(0x1000, 4096, 0x3, 0x32, -1, 0) = 0x1000\n"
        "mmap(0x8000, 4096, 0x3, 0x32, -1, 0) = 0x8000\n"
        "mlock(0x1000, 4096) = 0\n"
        "madvise(0x1000, 4096, MADV_DONTNEED) = -1 EINVAL (x)\n"
        "madvise(0x8000, 4096, MADV_DONTNEED) = -1 EINVAL (x)\n"
        "madvise(0x1000, 4096, MADV_RANDOM) = -1 EINVAL (x)\n"
        "munmap(0x1000, 4096) = -1 ENOMEM (x)\n"
    )
    found = checked(log, Answers())
    assert [(d.line, d.reason) for d in found.explained] == [
        (4, "after mlock of line 3: locked mappings refuse to give pages back")
    ]
    assert [d.line for d in found.disagreements] == [5, 6, 7]  # other pages; other effects


def test_pages_that_unseen_touches_may_have_brought_are_not_compared() -> None:
    head = 'open("/proc/self/pagemap", O_RDONLY) = 3\n'
    present = head + r'pread64(3, "\0\0\0\0\0\0\0\200", 8, 8) = 8' + "\n"
    found = checked(present, Answers(0))
    assert found.not_compared == {checking.TOUCHES: 1}
    absent = head + r'pread64(3, "\0\0\0\0\0\0\0\0", 8, 8) = 8' + "\n"
    assert checked(absent, Answers(0)).agreed == 1
    there = Answers(PM_PRESENT >> PM_SHIFT)
    assert len(checked(absent, there).disagreements) == 1
    assert checked(present, there).agreed == 1
    guard = Answers(PM_GUARD_REGION >> PM_SHIFT)
    assert len(checked(present, guard).disagreements) == 1


def test_pagemap_bits_are_those_of_the_model() -> None:
    importlib.import_module("simulator.run")  # the model's modules need each other
    proc = importlib.import_module("simulator.fs.proc")
    for name in ("PM_PRESENT", "PM_SWAP", "PM_GUARD_REGION"):
        assert getattr(proc, name) << PM_SHIFT == getattr(checking, name), name


@pytest.mark.parametrize("children", [3, 7, 8, 30])
def test_every_process_of_a_large_tree_is_compared_once(children: int) -> None:
    log = "1 mmap(NULL, 4096, 0x3, 0x22, -1, 0) = 0x10000\n" + "".join(
        f"1 fork() = {pid}\n{pid} munmap(0x10000, 4096) = 0\n{pid} +++ exited with 0 +++\n"
        for pid in range(2, 2 + children)
    )
    machine = Answers()
    found = checked(log, machine)
    assert found.compared == 1 + children
    assert found.agreed == found.compared
    assert len(machine.runs) == 1 + children


def test_processes_of_any_generation_are_compared() -> None:
    log = "1 mmap(NULL, 4096, 0x3, 0x22, -1, 0) = 0x10000\n" + "".join(
        f"{pid} fork() = {pid + 1}\n{pid + 1} mprotect(0x10000, 4096, PROT_READ) = 0\n"
        for pid in range(1, 12)
    )
    found = checked(log, Answers())
    assert (found.compared, found.agreed) == (12, 12)


def test_a_report_adds_up_and_its_scenarios_become_files(tmp_path: Path) -> None:
    source = tmp_path / "My Log.strace"
    source.write_text(LOG + "1 mlock(0x7f0000000000, 4096) = 0\n")
    report = import_log(load(source), Answers())
    data = report.to_json()
    counts = {key: data[key]["total"] for key in ("mm_calls", "taken", "listed")}  # type: ignore[index]
    assert counts == {"mm_calls": 9, "taken": 8, "listed": 1}
    assert report.ok
    assert any(
        "1 mlock: the model has no op for it yet (first in line 11)" in line
        for line in report.lines()
    )
    writer = Writer(source, tmp_path / "out")
    import_log(load(source), keep=writer)
    assert [file.name for file in writer.files] == ["my-log-001.mm"]
    assert text.load(writer.files[0]) == report.scenarios[0]
    assert not import_log(load(source), Answers(-ENOMEM)).ok


def test_scenarios_are_called_after_their_log() -> None:
    assert scenario_name(Path("/x/LTP mremap01.strace")) == "ltp-mremap01"
    assert scenario_name(Path("/x/---")) == "log"
