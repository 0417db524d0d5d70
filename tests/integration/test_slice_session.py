# SPDX-License-Identifier: MIT
"""A slice from the inside: mutators that must not raise, schedules that must be kept, runs that
must repeat."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpus import text
from corpus.files import KNOWN_BUGS
from fuzz import maps
from fuzz.codec import MAX_SIZE, decode, encode
from fuzz.explore import COSTLY_STEPS, RECHECK_ONE_IN, SCENARIOS_PER_BATCH, Explorer, Listener
from fuzz.inflight import Slot, read_slot
from fuzz.pack import unpack
from fuzz.rng import Rng
from fuzz.session import Finished, Session
from simulator.features import COUNTERS_SIZE
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.scenario import Scenario

KNOWN_BUG = "madv-dontneed-parallel-flush-miss"


def broken() -> Machine:
    """A machine whose runs with a second actor raise."""
    machine = Machine()
    del machine.k.tasks[1:]
    return machine


class Violations(Listener):
    """Remembers what was reported."""

    def __init__(self) -> None:
        self.seen: list[Scenario] = []

    def violated(self, recorded: Scenario, outcome: Outcome) -> None:
        assert outcome.violation is not None
        self.seen.append(recorded)

    def differs(self, recorded: Scenario, outcome: Outcome, second: Outcome) -> None:
        raise AssertionError("the model is not deterministic")


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


def test_a_batch_that_finds_nothing_new_gives_the_input_back_and_that_is_not_run(
    tmp_path: Path,
) -> None:
    session = make(Machine, tmp_path)
    given = encode(text.parse(SMALL))
    session.test(given)
    for counter in range(COUNTERS_SIZE):
        session.explorer.novelty.seen[counter] = 255  # all there is has been seen
    assert session.mutate(given, MAX_SIZE, 1) == given
    session.write_statistics()
    before = session.statistics.executions
    assert before > SCENARIOS_PER_BATCH
    assert not session.test(given)
    assert not any(session.feedback)
    session.write_statistics()
    assert session.statistics.executions == before
    assert session.statistics.internal_errors == []


def kept(folder: Path) -> list[bytes]:
    """The inputs of the corpus pack; each has a map of features beside it."""
    pairs = list(unpack((folder / "corpus").read_bytes()))
    assert all(any(maps.from_features(shown, COUNTERS_SIZE)) for shown in pairs[1::2])
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


def test_nothing_is_made_from_a_run_that_takes_too_many_steps(tmp_path: Path) -> None:
    costly = encode(text.parse(COSTLY))
    session = make(Machine, tmp_path, unmeasured=(costly,))
    assert session.next_seed() == costly
    assert not session.test(costly)
    assert session.explorer.machine.k.nr_steps > COSTLY_STEPS
    assert not any(session.feedback)
    assert kept(tmp_path) == [costly], "it is a part of the corpus, with what it shows"
    explorer = session.explorer
    executions = explorer.executions
    explorer.explore(decode(costly))
    assert explorer.executions == executions + 1, "no schedules of it"
    assert explorer.queue == []


def test_what_the_farm_knows_is_new_to_the_engine_and_is_not_kept(tmp_path: Path) -> None:
    racy = encode(text.parse(RACY))
    first = make(Machine, folder(tmp_path / "first"))
    assert first.test(racy)
    (known,) = [
        maps.from_features(shown, COUNTERS_SIZE)
        for shown in list(unpack((tmp_path / "first" / "corpus").read_bytes()))[1::2]
    ]
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
    machines = [broken(), Machine()]
    session = make(lambda: machines.pop(0), tmp_path)
    assert not session.test(encode(text.parse(SMALL)))
    (error,) = session.statistics.internal_errors
    assert error.kind == "model-exception"
    assert "IndexError" in error.detail
    assert text.parse(error.text).ops == text.parse(SMALL).ops
    assert session.findings == {}
    assert read_slot(tmp_path / "in-flight") is None
    assert session.test(encode(text.parse(SMALL)))  # on the new machine


def test_a_model_that_raises_in_a_batch_is_replaced_as_well(tmp_path: Path) -> None:
    machines = [broken(), Machine()]
    session = make(lambda: machines.pop(0), tmp_path)
    for seed in range(20):
        session.mutate(encode(text.parse(SMALL)), MAX_SIZE, seed)
    assert [e.kind for e in session.statistics.internal_errors] == ["model-exception"]
    assert text.parse(session.statistics.internal_errors[0].text).ops
    session.write_statistics()
    assert session.statistics.executions > SCENARIOS_PER_BATCH


def test_a_run_that_does_not_repeat_is_nondeterminism(tmp_path: Path) -> None:
    """Another digest, or another verdict, from the directives of what it did."""
    session = make(Machine, tmp_path)
    machine = Machine()
    explorer = Explorer(machine, Slot(tmp_path / "slot"), session, 1, ())
    scenario = text.parse(SMALL)
    outcome = machine.run(scenario)
    assert explorer.replays(scenario, outcome)
    assert session.statistics.internal_errors == []
    assert not explorer.replays(scenario, replace(outcome, digest="0" * 16))
    assert not explorer.replays(text.parse(RACY), outcome)
    assert [(e.kind, e.count) for e in session.statistics.internal_errors] == [
        ("nondeterminism", 2)
    ]
    assert text.parse(session.statistics.internal_errors[0].text) == scenario


def test_one_run_in_a_hundred_is_checked(tmp_path: Path) -> None:
    session = make(Machine, tmp_path)
    data = encode(text.parse(SMALL))
    for _ in range(RECHECK_ONE_IN):
        session.test(data)
    session.write_statistics()
    assert session.statistics.rechecked == 1
    assert session.statistics.internal_errors == []


def test_the_engine_hears_of_each_feature_once(tmp_path: Path) -> None:
    session = make(Machine, tmp_path)
    small, racy = encode(text.parse(SMALL)), encode(text.parse(RACY))
    session.test(small)
    first = bytes(session.feedback)
    session.test(racy)
    second = bytes(session.feedback)
    machine = Machine()
    machine.run(text.parse(SMALL))
    assert first == bytes(memoryview(machine.counters))
    assert any(second)
    for n, count in enumerate(second):
        assert not count or count != first[n]
    session.test(racy)
    assert not any(session.feedback)


def test_the_slice_sets_the_bugs_of_every_run(tmp_path: Path) -> None:
    explorer = Explorer(Machine(), Slot(tmp_path / "slot"), Violations(), 1, (KNOWN_BUG,))
    known = text.load(KNOWN_BUGS / f"{KNOWN_BUG}.mm")
    bare = replace(known, config=replace(known.config, bugs=()), headers=())
    for seed in range(3):
        explorer.explore(bare)
        explorer.batch(bare, text.parse(RACY), Rng(seed))
    listener = explorer.listener
    assert isinstance(listener, Violations)
    assert len(listener.seen) == explorer.violations >= 3
    for scenario in listener.seen:
        assert scenario.config.bugs == (KNOWN_BUG,)
        assert Machine().run(scenario).violation is not None
    for scenario in explorer.queue:
        assert scenario.config.bugs == ()


def test_a_schedule_that_showed_something_new_comes_back_as_directives(tmp_path: Path) -> None:
    """What a strategy did reaches the engine as bytes, and replays without the strategy."""
    explorer = Explorer(Machine(), Slot(tmp_path / "slot"), Violations(), 1, ())
    for _ in range(30):
        explorer.explore(text.parse(RACY))
    assert explorer.queue[0] == text.parse(RACY)
    recorded = explorer.queue[1:]
    assert recorded, "no strategy's schedule was kept"
    for scenario in recorded:
        assert scenario.directives
        assert decode(encode(scenario)).ops == text.parse(RACY).ops
        assert Machine().run(decode(encode(scenario))).dead == []


def test_outcomes_do_not_depend_on_the_batch_they_are_in(tmp_path: Path) -> None:
    """What was kept of a batch shows the same, in the same order, on a machine of its own."""
    explorer = Explorer(Machine(), Slot(tmp_path / "slot"), Violations(), 1, ())
    explorer.batch(text.parse(RACY), text.parse(SMALL), Rng(5))
    assert explorer.scenarios == SCENARIOS_PER_BATCH
    again = Explorer(Machine(), Slot(tmp_path / "again"), Violations(), 1, ())
    for scenario in explorer.queue:
        again.slot.hold(encode(scenario))
        assert again.run(scenario), "what was new in the batch is not"
    assert len(explorer.queue) > SCENARIOS_PER_BATCH
    assert again.novelty.features == explorer.novelty.features


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
COSTLY = """# mmfarm scenario 1
config pmd_order=9 frames=2048
1 T0 mmap 0..1024 rw private anon populate
2 T0 madvise 0..1024 COLLAPSE
"""
