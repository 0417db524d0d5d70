# SPDX-License-Identifier: MIT
"""Who meets whom is counted once a run, aimed at, and what is left of it estimated."""

import itertools
import json
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from corpus.text import parse
from fuzz import unmet
from fuzz.generate import generate
from fuzz.meetings import Meetings, can_meet
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from fuzz.slots import NR_CODES
from fuzz.statistics import Statistics
from simulator.ops import OP_MADVISE, OP_MUNMAP, OP_READ, OP_SCAN, OP_WRITE, OPS
from simulator.run import Machine
from simulator.sched.profile import A_POS, B_POS, Profile
from triage import local, meetings
from workers import laptop
from workers.store import Store

STORE_AND_DONTNEED = """\
# mmfarm scenario 1
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T1 madvise 0..8 DONTNEED
4 T2 write 0
"""


def shown(pairs: list[tuple[int, int]]) -> Profile:
    """A profile in which ops at these places met."""
    profile = Profile()
    for a, b in pairs:
        profile.pairs[profile.nr_pairs * 8 + A_POS] = a
        profile.pairs[profile.nr_pairs * 8 + B_POS] = b
        profile.nr_pairs += 1
    return profile


# --- counting -------------------------------------------------------------------------------------


def test_a_pair_counts_once_a_run_and_has_an_order() -> None:
    scenario = parse(STORE_AND_DONTNEED)
    found = Meetings()
    found.ran(scenario, shown([(2, 3), (2, 3), (3, 2)]))
    found.ran(scenario, shown([(2, 3)]))
    assert found.met(OP_MADVISE, OP_WRITE) == 2
    assert found.met(OP_WRITE, OP_MADVISE) == 1
    assert found.met(OP_READ, OP_WRITE) == 0
    assert unmet.names(found.counts(), NR_CODES) == {"madvise write": 2, "write madvise": 1}


def test_the_model_shows_that_a_store_and_dontneed_met() -> None:
    """On the page table entry that one clears and the other sets."""
    scenario = parse(STORE_AND_DONTNEED)
    machine, portfolio = Machine(), Portfolio(1)
    decided = None
    for _ in range(20):
        machine.execute(scenario, portfolio.next(scenario, decided))
        decided = machine.decided
    portfolio.learn()
    portfolio.learn()  # of one run once
    assert portfolio.meetings.nr_runs == 20
    assert portfolio.meetings.met(OP_MADVISE, OP_WRITE) > 0
    assert portfolio.meetings.met(OP_WRITE, OP_MADVISE) > 0
    assert portfolio.meetings.met(OP_READ, OP_WRITE) == 0


def test_only_ops_of_two_actors_can_meet() -> None:
    assert can_meet(OP_SCAN, OP_READ)
    assert not can_meet(OP_SCAN, OP_SCAN)  # there is one khugepaged


# --- aiming ---------------------------------------------------------------------------------------


def test_what_met_in_one_order_only_is_wanted_and_what_never_met_is_not() -> None:
    found = Meetings()
    for a, b in itertools.product((spec.number for spec in OPS), repeat=2):
        found.runs[a * NR_CODES + b] = 5
    found.runs[OP_MUNMAP * NR_CODES + OP_READ] = 0
    found.runs[OP_MADVISE * NR_CODES + OP_WRITE] = 0
    found.runs[OP_WRITE * NR_CODES + OP_MADVISE] = 0
    drawn = Counter(tuple(found.wanted(Rng(seed))) for seed in range(8000))
    often = sum(drawn.values()) / len(drawn)
    assert drawn[OP_MUNMAP, OP_READ] > 3 * often
    assert drawn[OP_MADVISE, OP_WRITE] == 0


# --- what is left ---------------------------------------------------------------------------------


def test_the_estimates_are_those_of_the_formulas() -> None:
    counts = {
        "read write": 1,
        "write read": 1,
        "write write": 1,
        "madvise read": 2,
        "munmap read": 5,
    }
    whole = unmet.estimate(counts)
    assert (whole.met, whole.once) == (5, 3)
    assert whole.new_share == 3 / 10
    assert whole.unseen == 3 * 2 / (2 * 2)
    assert unmet.estimate({}).new_share is None
    assert unmet.by_first(counts)["write"].met == 2


def test_the_estimate_is_near_the_truth_where_runs_are_independent() -> None:
    """400 pairs, some of them common: 300 draws show half of them, and say how many there are."""
    pairs = [f"{a.name} {b.name}" for a in OPS[:20] for b in OPS[20:40]]
    rng = Rng(3)
    counts: Counter[str] = Counter()
    for _ in range(300):
        counts[pairs[min(rng.below(len(pairs)), rng.below(len(pairs)))]] += 1
    guess = len(counts) + unmet.estimate(counts).unseen
    assert len(counts) < 220
    assert 250 < guess < 550


def test_met_and_unmet_pairs_are_all_that_are_possible() -> None:
    counts = {"read write": 3, "write madvise": 1}
    left = unmet.unmet(counts)
    assert set(left["read"]) == {"read", "madvise"}
    assert "mmap" not in left  # it met nobody
    assert "mmap" in unmet.never(counts)
    assert "madvise" not in unmet.never(counts)


# --- the report ----------------------------------------------------------------------------------


def test_a_run_tells_who_met_whom(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_local(
        store: Store, folder: Path, **options: object
    ) -> Generator[laptop.Event, None, None]:
        for met in ({"read write": 1}, {"read write": 2, "write madvise": 1}):
            yield laptop.SliceEnded(1, "ok", Statistics(executions=5, met=met), 0)
        yield laptop.Done([], [], 0, 0, 0.0, 0.0, 0, {}, 0, [])

    monkeypatch.setattr(local, "run_local", run_local)
    request = local.Request(1.0, (), None, tmp_path, own_folder=True, jobs=1)
    local.run(request, True)
    report = json.loads(capsys.readouterr().out)["meetings"]
    assert report["met"] == {"read write": 3, "write madvise": 1}
    assert report["all"]["once"] == 1
    assert "madvise" in report["unmet"]["read"]
    local.run(request, False)
    assert "Who met whom: 2 of" in capsys.readouterr().out
    assert meetings.text({}) == ""


def test_generated_ops_can_all_meet_somebody() -> None:
    """The aim is not at pairs that the generator cannot make."""
    made = {op.code for seed in range(400) for op in generate(Rng(seed), 64).ops}
    assert made <= {spec.number for spec in OPS if any(can_meet(spec.number, c) for c in made)}
