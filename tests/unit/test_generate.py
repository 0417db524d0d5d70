# SPDX-License-Identifier: MIT
"""The generator: valid, small, varied, and mostly of ops that succeed."""

from collections import Counter

from fuzz.codec import check_fuzz_limits
from fuzz.generate import WEIGHTS, generate, write_ops
from fuzz.rng import Rng
from simulator.features import Z_COLLAPSED, Z_MTHP_COLLAPSED
from simulator.ops import BY_NUMBER, OP_EXIT, OP_FORK, OP_MMAP, OP_MREMAP, OP_READ, OP_SCAN, OPS
from simulator.outcome import SIGSEGV
from simulator.run import Machine
from simulator.scenario import DEVICE, Scenario
from simulator.validate import validate


def many(count: int, max_ops: int = 64) -> list[Scenario]:
    return [generate(Rng(seed), max_ops) for seed in range(count)]


def test_every_scenario_is_valid_and_within_the_limits() -> None:
    for max_ops in (0, 1, 2, 5, 16, 64, 1000):
        for scenario in many(100, max_ops):
            validate(scenario)
            check_fuzz_limits(scenario)
            assert 1 <= len(scenario.ops) <= max(1, max_ops)
            assert not scenario.directives


def test_the_same_seed_gives_the_same_scenario() -> None:
    assert many(50) == many(50)
    assert len(set(many(200))) > 190


def test_small_programs_are_favoured_and_large_ones_occur() -> None:
    sizes = sorted(len(s.ops) for s in many(400))
    assert sizes[200] <= 16
    assert sizes[-1] > 40


def test_every_row_of_the_op_table_comes_up() -> None:
    seen = Counter(op.code for s in many(2000) for op in s.ops)
    missing = [spec.name for spec in OPS if not seen[spec.number]]
    assert not missing


def test_casts_vary_threads_children_and_device() -> None:
    scenarios = many(400)
    forks = [s for s in scenarios if any(op.code == OP_FORK for op in s.ops)]
    threads = [
        s
        for s in scenarios
        if {op.actor for op in s.ops if op.actor < 8}
        - {op.args[0] for op in s.ops if op.code == OP_FORK}
        - {0}
    ]
    devices = [s for s in scenarios if any(op.actor == DEVICE for op in s.ops)]
    shared_cpus = [s for s in scenarios if s.config.cpus]
    for some in (forks, threads, devices, shared_cpus):
        assert 40 < len(some) < 360


def test_several_actors_meet_on_the_same_pages() -> None:
    meetings = 0
    scenarios = [s for s in many(300) if len({op.actor for op in s.ops}) > 1]
    for scenario in scenarios:
        pages: dict[int, set[int]] = {}
        for op in scenario.ops:
            spec = BY_NUMBER[op.code]
            if spec.args and spec.args[0].kind == "word":
                pages.setdefault(op.args[0] // 4, set()).add(op.actor)
            elif spec.args and spec.args[0].kind == "range":
                for page in range(op.args[0], op.args[1]):
                    pages.setdefault(page, set()).add(op.actor)
        meetings += any(len(actors) > 1 for actors in pages.values())
    assert meetings > 0.8 * len(scenarios)


def test_at_least_four_fifths_of_the_ops_succeed() -> None:
    machine = Machine()
    good = total = 0
    failures: Counter[tuple[str, int]] = Counter()
    for seed in range(300):
        scenario = generate(Rng(seed), 64)
        for op, result in zip(scenario.ops, machine.run(scenario).results, strict=True):
            total += 1
            good += result >= 0
            if result < 0:
                failures[BY_NUMBER[op.code].name, result] += 1
    assert good >= 0.8 * total, failures.most_common(8)
    # Some must fail: error paths are code too.
    assert good < total
    assert any(result == SIGSEGV for _, result in failures)


MOVING = [w if code in (OP_MMAP, OP_MREMAP) else 0 for code, w in enumerate(WEIGHTS)]


def test_rows_without_weight_do_not_come_up() -> None:
    """But for forks and exits of the cast, and the load of who can do nothing else."""
    for seed in range(300):
        ops = write_ops(Rng(seed), 16, MOVING, 64, 8)
        assert {op.code for op in ops} <= {OP_MMAP, OP_MREMAP, OP_FORK, OP_EXIT, OP_READ}


def test_moved_pages_come_back_to_where_they_were_mapped() -> None:
    """Only there do they merge with what is left of their mapping."""
    moves = back = 0
    for seed in range(4_000):
        ops = write_ops(Rng(seed), 8, MOVING, 64, 8)
        for first, second in zip(ops, ops[1:], strict=False):
            if first.code == second.code == OP_MREMAP and first.actor == second.actor:
                start, _, to, to_end, _ = first.args
                if to <= second.args[0] < to_end and to != start:
                    moves += 1
                    back += second.args[2] - second.args[0] == start - to
    assert back > moves / 4


def test_khugepaged_finds_something_to_collapse() -> None:
    """By chance alone it hardly ever did: of 2500 scenarios one had a page table that was fit."""
    scenarios = [
        scenario
        for scenario in (generate(Rng(seed), 24) for seed in range(900))
        if scenario.config.thp and any(op.code == OP_SCAN for op in scenario.ops)
    ]
    machine = Machine()
    before = machine.k.named_seen[Z_COLLAPSED] + machine.k.named_seen[Z_MTHP_COLLAPSED]
    for scenario in scenarios:
        machine.run(scenario)
    collapsed = machine.k.named_seen[Z_COLLAPSED] + machine.k.named_seen[Z_MTHP_COLLAPSED] - before
    assert collapsed * 16 > len(scenarios), (collapsed, len(scenarios))
