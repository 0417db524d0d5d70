# SPDX-License-Identifier: MIT
"""A slice from the inside: mutators that must not raise, schedules that must be kept, runs that
must repeat."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpus import text
from fuzz import maps
from fuzz import session as sessions
from fuzz.codec import MAX_SIZE, decode, encode
from fuzz.pack import unpack
from fuzz.rng import Rng
from fuzz.session import Finished, Session
from simulator.features import COUNTERS_SIZE
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.scenario import Scenario


class Wrapped:
    """A machine whose runs a test may change."""

    def __init__(self) -> None:
        self.inner = Machine()
        self.runs: list[tuple[Scenario, bool]] = []

    @property
    def counters(self) -> Any:
        return self.inner.counters

    def sites_seen(self) -> dict[str, int]:
        return self.inner.sites_seen()

    def named_seen(self) -> dict[str, int]:
        return self.inner.named_seen()

    def run(self, scenario: Scenario, strategy: Any = None) -> Outcome:
        self.runs.append((scenario, strategy is not None))
        return self.inner.run(scenario, strategy)


class Forgetful(Wrapped):
    """Every run has another digest."""

    def run(self, scenario: Scenario, strategy: Any = None) -> Outcome:
        outcome = super().run(scenario, strategy)
        return replace(outcome, digest=f"{len(self.runs):016x}")


class Broken(Wrapped):
    """Every run raises."""

    def run(self, scenario: Scenario, strategy: Any = None) -> Outcome:
        raise IndexError("list index out of range")


def make(machines: Any, folder: Path, **options: Any) -> Session:
    return Session(
        machines,
        **{"seed": 1, "bugs": (), "seconds": 1e6, "work": folder, "engine": "test",
           "mode": "test", **options},
    )  # fmt: skip


def garbage(rng: Rng) -> bytes:
    return bytes(rng.bits(8) for _ in range(rng.below(300)))


def test_mutate_and_crossover_never_raise_and_never_exceed_the_size(tmp_path: Path) -> None:
    session = make(Machine, tmp_path)
    rng = Rng(7)
    for i in range(150):
        a, b = garbage(rng), garbage(rng)
        max_size = (MAX_SIZE, 300, 64)[i % 3]
        assert len(session.mutate(a[:max_size], max_size, i)) <= max_size
        assert len(session.crossover(a[:max_size], b, max_size, i)) <= max_size
    assert {e.kind for e in session.statistics.internal_errors} <= {"mutator"}
    for error in session.statistics.internal_errors:
        assert "max_size" in error.detail  # only the sizes that no scenario fits


def test_a_mutator_that_raises_gives_the_input_back_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> Scenario:
        raise RuntimeError("boom")

    for name in ("mutate", "generate", "crossover"):
        monkeypatch.setattr(sessions, name, explode)
    session = make(Machine, tmp_path)
    assert session.mutate(b"abc", MAX_SIZE, 1) == b"abc"
    assert session.mutate(b"abc", MAX_SIZE, 2) == b"abc"
    for seed in range(20):
        assert session.crossover(b"abc", b"d", MAX_SIZE, seed) == b"abc"
    assert sum(e.count for e in session.statistics.internal_errors) == 22
    assert all(e.kind == "mutator" for e in session.statistics.internal_errors)


def kept(folder: Path) -> list[bytes]:
    """The inputs of the corpus pack; each has a map of features beside it."""
    pairs = list(unpack((folder / "corpus").read_bytes()))
    assert all(len(maps.unpack(shown)) == COUNTERS_SIZE for shown in pairs[1::2])
    return pairs[::2]


def test_what_shows_something_new_is_kept_unless_it_is_a_seed(tmp_path: Path) -> None:
    small, racy = encode(text.parse(SMALL)), encode(text.parse(RACY))
    session = make(Machine, tmp_path, seeds=(small, small))
    assert session.next_seed() == small
    assert session.test(small)
    assert session.next_seed() == small
    assert not session.test(small)
    assert session.next_seed() is None
    assert session.test(racy)
    assert not session.test(racy)
    assert not session.test(small)
    assert kept(tmp_path) == [racy]


def test_a_seed_that_is_to_be_measured_is_kept_with_its_features(tmp_path: Path) -> None:
    small, racy = encode(text.parse(SMALL)), encode(text.parse(RACY))
    session = make(Machine, tmp_path, unmeasured=(small,), seeds=(racy,))
    for seed in (small, racy):
        assert session.next_seed() == seed
        session.test(seed)
    assert session.next_seed() is None
    assert kept(tmp_path) == [small]


def test_what_the_farm_knows_is_new_to_the_engine_and_is_not_kept(tmp_path: Path) -> None:
    racy = encode(text.parse(RACY))
    first = make(Machine, folder(tmp_path / "first"))
    assert first.test(racy)
    (known,) = [maps.unpack(shown) for shown in list(
        unpack((tmp_path / "first" / "corpus").read_bytes()))[1::2]]
    second = make(Machine, folder(tmp_path / "second"), known=known)
    assert second.test(racy)
    assert not (tmp_path / "second" / "corpus").exists()
    second.write_statistics()
    assert second.statistics.features == first.statistics.features + known_features(known) > 0


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def known_features(known: bytes) -> int:
    return int.from_bytes(known, "little").bit_count()


def test_a_model_that_raises_is_an_internal_error_with_the_scenario(tmp_path: Path) -> None:
    session = make(Broken, tmp_path)
    session.test(encode(text.parse(SMALL)))
    (error,) = session.statistics.internal_errors
    assert error.kind == "model-exception"
    assert "IndexError" in error.detail
    assert text.parse(error.text).ops == text.parse(SMALL).ops
    assert session.findings == {}


def test_runs_that_do_not_repeat_are_nondeterminism(tmp_path: Path) -> None:
    session = make(Forgetful, tmp_path)
    for _ in range(sessions.RECHECK_ONE_IN):
        session.test(encode(text.parse(SMALL)))
    assert [e.kind for e in session.statistics.internal_errors] == ["nondeterminism"]


def test_one_run_in_a_hundred_is_checked_and_leaves_the_counters_of_one_run(
    tmp_path: Path,
) -> None:
    session = make(Machine, tmp_path)
    data = encode(text.parse(SMALL))
    session.test(data)
    once = bytes(session.feedback)
    for _ in range(sessions.RECHECK_ONE_IN - 1):
        session.test(data)
    assert session.statistics.rechecked == 1
    assert bytes(session.feedback) == once
    assert session.statistics.internal_errors == []


def test_the_slice_sets_the_bugs_of_every_run(tmp_path: Path) -> None:
    machine = Wrapped()
    session = make(lambda: machine, tmp_path, bugs=("madv-dontneed-parallel-flush-miss",))
    for seed in range(20):
        session.test(session.mutate(b"", MAX_SIZE, seed))
    assert machine.runs
    assert {s.config.bugs for s, _ in machine.runs} == {("madv-dontneed-parallel-flush-miss",)}


def test_a_schedule_that_showed_something_new_comes_back_as_directives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a strategy did reaches the engine as bytes, and replays without the strategy."""
    monkeypatch.setattr(sessions, "mutate", lambda *_: text.parse(RACY))
    monkeypatch.setattr(sessions, "generate", lambda *_: text.parse(RACY))
    session = make(Machine, tmp_path)
    served = [decode(session.mutate(b"", MAX_SIZE, seed)) for seed in range(60)]
    recorded = [scenario for scenario in served if scenario.directives]
    assert recorded, "no strategy's schedule was handed to the engine"
    for scenario in recorded:
        assert scenario.ops == text.parse(RACY).ops
        assert Machine().run(scenario).dead == []


def test_time_and_the_supervisors_death_end_a_session(tmp_path: Path) -> None:
    now = [0.0]
    session = make(Machine, tmp_path, seconds=10.0, clock=lambda: now[0])
    session.test(b"")
    now[0] = 9.9
    session.test(b"")
    now[0] = 10.0
    with pytest.raises(Finished):
        session.test(b"")
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Finished):
        make(Machine, other, alive=lambda: False).test(b"")


SMALL = """# mmfarm scenario 1
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 madvise 0..8 DONTNEED
4 T0 read 3
"""
RACY = """# mmfarm scenario 1
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 madvise 0..8 DONTNEED
4 T0 write 3
5 T2 mprotect 0..4 r
6 T0 write 2
7 T1 munmap 2..6
8 T2 read 3
"""
