# SPDX-License-Identifier: MIT
"""Findings, the in-flight slot, statistics and novelty: what crosses the process border."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fuzz.findings import (
    Finding,
    FindingError,
    file_name,
    read_findings,
    write_atomically,
    write_finding,
)
from fuzz.inflight import Slot, read_slot
from fuzz.novelty import Novelty
from fuzz.statistics import InternalError, Statistics, statistics_from_json
from simulator.features import COUNTERS_SIZE
from simulator.run import Machine

FINDING = Finding(
    "stale-tlb", "zap_pte_range", "anon", "the flush is done", "# mmfarm scenario 1\n",
    "0123456789abcdef", "b" * 64, 17, "farm",
)  # fmt: skip


def test_threads_may_write_one_file_at_once(tmp_path: Path) -> None:
    """As slices do that keep the same input."""
    path = tmp_path / "kept.mm"

    def write(_: int) -> None:
        write_atomically(path, b"the same text", sync=False)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(400)))
    assert [p.name for p in tmp_path.iterdir()] == ["kept.mm"]
    assert path.read_bytes() == b"the same text"


def test_a_finding_survives_json() -> None:
    assert Finding.from_json(FINDING.to_json()) == FINDING


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "nonsense", "[" * 100_000,
        FINDING.to_json().replace("17", '"17"'),
        FINDING.to_json().replace("17", "true"),
        FINDING.to_json().replace('"steps"', '"more": 1, "steps"'),
    ],
)  # fmt: skip
def test_what_is_no_finding_is_refused(text: str) -> None:
    with pytest.raises(FindingError):
        Finding.from_json(text)


def test_a_folder_holds_one_finding_a_signature(tmp_path: Path) -> None:
    write_finding(tmp_path, FINDING)
    path = write_finding(tmp_path, FINDING)
    assert path.name == file_name(FINDING.signature)
    complaints: list[str] = []
    assert read_findings(tmp_path, complaints) == [FINDING]
    assert complaints == []
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_is_no_finding_is_named_and_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text("{")
    os.mkfifo(tmp_path / "1.json")
    (tmp_path / "2.json").mkdir()
    write_finding(tmp_path, FINDING)
    complaints: list[str] = []
    assert read_findings(tmp_path, complaints) == [FINDING]
    assert [line.split(":")[1] for line in complaints] == [" 0.json", " 1.json", " 2.json"]


@pytest.mark.parametrize("word", ["../../../../x/y", "/x", "a/b", "", ".", "a b", "a\n", "x" * 200])
@pytest.mark.parametrize("part", ["oracle", "culprit", "object_class"])
def test_a_signature_is_made_of_words(part: str, word: str) -> None:
    """They become names of files."""
    with pytest.raises(FindingError, match=part):
        Finding.from_json(json.dumps(json.loads(FINDING.to_json()) | {part: word}))


def test_the_slot_shows_what_runs_and_nothing_when_idle(tmp_path: Path) -> None:
    path = tmp_path / "slot"
    assert read_slot(path) is None
    slot = Slot(path)
    assert read_slot(path) is None
    slot.hold(b"first")
    assert read_slot(path) is None
    slot.begin(under_strategy=False)
    slot.hold(b"second one")
    assert read_slot(path) is None  # neither is running
    for sequence, under_strategy in ((2, False), (3, True)):
        slot.begin(under_strategy=under_strategy)
        entry = read_slot(path)
        assert entry is not None
        seen = (entry.data, entry.sequence, entry.under_strategy)
        assert seen == (b"second one", sequence, under_strategy)
    slot.release()
    assert read_slot(path) is None


def test_a_slot_file_cut_short_reads_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "slot"
    slot = Slot(path)
    slot.hold(b"x" * 100)
    slot.begin(under_strategy=False)
    data = path.read_bytes()
    for size in (0, 7, 15, 16, 100):
        (tmp_path / "cut").write_bytes(data[:size])
        assert read_slot(tmp_path / "cut") is None


def test_statistics_survive_json_and_strangers_are_refused() -> None:
    statistics = Statistics("atheris", "compiled", executions=7)
    statistics.internal_errors.append(InternalError("mutator", "detail", count=3))
    assert statistics_from_json(statistics.to_json()) == statistics
    raw = json.loads(statistics.to_json())
    for key, value in (("executions", "7"), ("final", 1), ("unknown", 1)):
        with pytest.raises(ValueError, match="statistics"):
            statistics_from_json(json.dumps({**raw, key: value}))


def test_novelty_counts_each_bucket_of_each_counter_once() -> None:
    novelty = Novelty()
    machine = Machine()

    def count(counter: int, times: int) -> None:
        for _ in range(times):
            machine.k.feature(counter)

    assert novelty.scan(machine) == []
    count(3, 1)
    count(15, 255)
    assert novelty.scan(machine) == [3, 15]
    assert novelty.scan(machine) == []
    count(3, 3)
    assert novelty.scan(machine) == [3]
    count(3, 3)  # the bucket of 4..7
    assert novelty.scan(machine) == []
    count(3, 1)
    assert novelty.scan(machine) == [3]
    assert novelty.features == 4


def test_counters_stay_at_their_most_and_are_cleared_whole() -> None:
    machine = Machine()
    for counter in (0, 9, COUNTERS_SIZE - 1):
        for _ in range(300):
            machine.k.feature(counter)
    assert sum(machine.counters[i] for i in range(COUNTERS_SIZE)) == 3 * 255
    machine.clear_counters()
    assert not any(machine.counters[i] for i in range(COUNTERS_SIZE))
    machine.k.feature(9)
    assert Novelty().scan(machine) == [9]
