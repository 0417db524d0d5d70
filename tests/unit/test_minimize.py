# SPDX-License-Identifier: MIT
"""The minimizer's parts: what each step makes of a scenario, what counts as simpler, what is
searched and what is drawn at random."""

from typing import Any, cast

import pytest

from corpus import text
from fuzz.minimize import _in_chunks, minimize
from fuzz.minimizing.anew import Anew
from fuzz.minimizing.edits import NAMES, apply, canonical, delete_ops, steps
from fuzz.minimizing.judge import Judge
from fuzz.minimizing.order import cost
from fuzz.minimizing.shuffle import Shuffle
from fuzz.rng import Rng
from fuzz.search import Search
from simulator.ops import OP_EXIT, OP_FORK, OP_MMAP, OP_MREMAP, OP_READ
from simulator.outcome import Outcome, Signature
from simulator.run import Machine
from simulator.scenario import PARK, SWITCH, Directive, Scenario
from simulator.sites import BY_NAME
from simulator.validate import validate

HEAD = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n"


def scenario(*ops: str, config: str = "") -> Scenario:
    lines = [f"{i} {op}" for i, op in enumerate(ops, 1)]
    head = HEAD if not config else HEAD.replace("frames=64", f"frames=64 {config}")
    return text.parse(head + "\n".join(lines) + "\n")


def lines(made: Scenario) -> list[str]:
    return [line.split(" ", 1)[1] for line in text.dump(made).splitlines() if line[0].isdigit()]


FORKING = scenario(
    "T0 mmap 8..16 rw private anon",
    "T0 fork T2",
    "T2 write 9",
    "T2 fork T3",
    "T3 read 9",
    "T0 read 9.2",
)


def test_deleting_a_fork_deletes_the_childs_ops_and_grandchildren() -> None:
    left = delete_ops(FORKING, {2})
    assert lines(left) == ["T0 mmap 8..16 rw private anon", "T0 read 9.2"]


def test_deleting_only_the_fork_keeps_the_childs_ops() -> None:
    left = apply(FORKING, ("delete-fork", 4))
    assert "T3 read 9" in lines(left)
    assert "T2 fork T3" not in lines(left)


def test_directives_go_with_the_ops_and_actors_they_name() -> None:
    with_directives = FORKING.with_directives(
        (
            Directive(1, "op:begin", 1, SWITCH, 3),
            Directive(1, "op:end", 1, SWITCH, 2),
            Directive(2, "op:begin", 1, PARK, 5),
            Directive(6, "op:begin", 1, SWITCH, 2),
        )
    )
    left = delete_ops(with_directives, {5})
    assert left.directives == (
        Directive(1, "op:end", 1, SWITCH, 2),
        Directive(6, "op:begin", 1, SWITCH, 2),
    )


def test_an_op_moves_both_its_ranges_down_at_once() -> None:
    made = scenario("T0 mmap 0..8 rw private anon", "T0 mremap 6..8 to 3")
    step = ("set-args", 2, OP_MREMAP, 3, 5, 0, 2, 0)
    assert step in set(steps(made))
    assert lines(apply(made, step))[1] == "T0 mremap 3..5 to 0"


@pytest.mark.parametrize(("at", "mapped"), [(0, "1..4"), (3, "0..3")])
def test_what_is_moved_gets_shorter_at_either_end_and_where_it_goes(at: int, mapped: str) -> None:
    made = scenario(f"T0 mmap {mapped} rw private anon", "T0 mremap 0..4 to 8")
    step = ("cut-moved", 2, at, 1)
    assert step in set(steps(made))
    assert lines(apply(made, step)) == ["T0 mmap 0..3 rw private anon", "T0 mremap 0..3 to 7"]


def test_taking_pages_out_moves_all_ops_together() -> None:
    cut = apply(FORKING, ("cut-pages", 0, 8))
    assert lines(cut)[0] == "T0 mmap 0..8 rw private anon"
    assert lines(cut)[2] == "T2 write 1"
    assert lines(cut)[5] == "T0 read 1.2"


def test_pages_of_a_file_do_not_move_with_the_arena() -> None:
    made = apply(scenario("T0 memfd f0 8", "T0 pread f0 5", "T0 read 9"), ("cut-pages", 0, 4))
    assert lines(made) == ["T0 memfd f0 8", "T0 pread f0 5", "T0 read 5"]


def test_neighbouring_pages_change_places_for_all_ops() -> None:
    made = scenario("T0 mmap 1..2 rw private anon", "T0 mmap 0..1 r private anon", "T1 write 1.2",
                    "T0 munmap 0..2", "T0 mremap 1..2 to 4")  # fmt: skip
    swapped = apply(made, ("swap-pages", 0, 1, 2))
    assert lines(swapped) == [
        "T0 mmap 0..1 rw private anon",
        "T0 mmap 1..2 r private anon",
        "T1 write 0.2",
        "T0 munmap 0..2",
        "T0 mremap 0..1 to 4",
    ]
    assert apply(swapped, ("swap-pages", 0, 1, 2)) == made


def test_pieces_that_ops_name_change_places_though_there_are_edges_within() -> None:
    made = scenario(
        "T0 mmap 2..4 w private anon", "T0 mremap 2..4 to 0 dontunmap", "T0 mremap 0..1 to 2"
    )
    assert ("swap-pages", 0, 2, 4) in set(steps(made))
    assert lines(apply(made, ("swap-pages", 0, 2, 4))) == [
        "T0 mmap 0..2 w private anon",
        "T0 mremap 0..2 to 2 dontunmap",
        "T0 mremap 2..3 to 0",
    ]


def test_pages_of_a_range_that_has_a_part_of_one_piece_stay() -> None:
    made = scenario("T0 mmap 0..3 rw private anon", "T0 read 1")
    assert apply(made, ("swap-pages", 1, 2, 4)) == made


def test_canonical_names_follow_first_use() -> None:
    made = scenario(
        "T3 mmap 0..8 rw shared f2",
        "T3 fork T5",
        "T5 pin p4 0 w",
        "T1 unpin p2",
        "T5 dma_write p4.1",
    ).with_directives((Directive(3, "op:begin", 1, SWITCH, 1), Directive(4, "op:end", 1, PARK, 5)))
    named = canonical(made)
    assert lines(named) == [
        "T0 mmap 0..8 rw shared f0",
        "T0 fork T1",
        "T1 pin p0 0 w",
        "T2 unpin p1",
        "T1 dma_write p0.1",
    ]
    assert [d.arg for d in named.directives] == [2, 5]
    assert canonical(named) == named


def test_canonical_uids_count_from_one_and_directives_follow() -> None:
    made = delete_ops(FORKING, {1}).with_directives((Directive(6, "op:begin", 1, SWITCH, 2),))
    named = canonical(made)
    assert [op.uid for op in named.ops] == [1, 2, 3, 4, 5]
    assert named.directives == (Directive(5, "op:begin", 1, SWITCH, 1),)


def test_every_step_gives_a_text_that_parses_back_or_no_text_at_all() -> None:
    """Steps may make invalid scenarios; those are refused before they run, never misread."""
    made = scenario(
        "T0 mmap 8..24 rw private anon populate",
        "T0 mremap 8..16 to 32",
        "T1 madvise 8..16 WIPEONFORK",
        "T1 pin_fast p3 10 w longterm",
        "DEVICE migrate_to_device 16..24",
        "T0 memfd f1 8",
        "T0 mmap 40..44 r shared f1+2",
        config="pages=64 cpus=2",
    )
    seen = 0
    for step in steps(made):
        candidate = apply(made, step)
        try:
            dumped = text.dump(candidate)
        except ValueError:
            continue
        seen += candidate != made
        try:
            assert text.parse(dumped) == candidate, step
        except text.TextError:
            continue
    assert seen > 50


def test_steps_reach_the_simplest_operands() -> None:
    """Following any step that is simpler ends, and ends at the least operands."""
    made = scenario("T0 mmap 8..24 rwx shared anon noreplace populate", config="pages=64")
    while True:
        simpler = [c for s in steps(made) if (c := apply(made, s)).ops and cost(c) < cost(made)]
        if not simpler:
            break
        made = simpler[0]
    assert lines(made) == ["T0 mmap 0..1 none private anon"]
    assert made.config.pages == 0


@pytest.mark.parametrize(
    ("simple", "complex_"),
    [
        (("T0 read 0", "T0 read 0"), ("T0 read 0", "T1 read 0")),
        (("T0 read 0", "T1 read 0"), ("T0 read 0", "T0 read 0", "T0 read 0")),
        (("T0 write 0", "T0 write 0"), ("T0 read 0", "T0 fork T1")),
        (("T0 write 60",), ("T0 read 0", "T0 read 0")),
        (("T0 read 9",), ("T0 write 0",)),
        (("T0 munmap 4..5",), ("T0 munmap 0..4",)),
        (("T0 read 0", "T1 read 0"), ("T1 read 0", "T0 read 0")),
    ],
)
def test_the_order_prefers_less(simple: tuple[str, ...], complex_: tuple[str, ...]) -> None:
    assert cost(scenario(*simple)) < cost(scenario(*complex_))


def test_a_step_that_does_not_fit_changes_nothing() -> None:
    for step in (("delete-directive", 0), ("delete-op", 99), ("cut-pages",)):
        assert apply(FORKING, step) == FORKING


def test_the_first_thread_takes_over_though_it_has_no_op() -> None:
    made = scenario("T1 mmap 0..1 rw private anon", "T1 write 0", "T2 read 0")
    assert ("give-actor", 1, 0) in steps(made)
    assert ("move-op", 1, 0, 0) in steps(made)


STAGED = scenario(
    "T0 mmap 8..16 rw private anon populate",
    "T0 fork T2",
    "T2 write 9",
    "T1 madvise 8..12 DONTNEED",
).with_directives((Directive(2, "op:begin", 1, PARK, 4), Directive(4, "op:begin", 1, SWITCH, 2)))


def test_shuffled_scenarios_have_one_op_more_at_most_and_only_directives_that_fit() -> None:
    shuffle = Shuffle(STAGED, Rng(1))
    for _ in range(300):
        made = shuffle.next()
        uids = {op.uid for op in made.ops}
        assert len(made.ops) <= len(STAGED.ops) + 1
        assert made.config == STAGED.config
        assert made.with_directives(made.directives) == made
        assert {d.arg for d in made.directives if d.kind == PARK} <= uids
        assert {d.arg for d in made.directives if d.kind == SWITCH} <= {op.actor for op in made.ops}


def test_shuffling_is_a_function_of_scenario_and_seed_and_does_not_stay_where_it_is() -> None:
    one, two = Shuffle(STAGED, Rng(3)), Shuffle(STAGED, Rng(3))
    made = [one.next() for _ in range(100)]
    assert made == [two.next() for _ in range(100)]
    assert len(set(made)) > 80


def test_new_scenarios_are_valid_and_smaller_and_the_same_for_a_seed() -> None:
    one, two = Anew(STAGED, Rng(5)), Anew(STAGED, Rng(5))
    made = [one.next() for _ in range(500)]
    assert made == [two.next() for _ in range(500)]
    assert len(set(made)) > 300
    for candidate in made:
        validate(candidate)
        assert len(candidate.ops) < len(STAGED.ops) + len(STAGED.directives)


def test_who_is_alone_stays_alone_with_its_kinds_of_ops() -> None:
    anew = Anew(scenario("T0 mmap 0..4 rw private anon", "T0 mremap 0..4 to 8", "T0 exit"), Rng(1))
    codes = {op.code for _ in range(300) for op in anew.next().ops if op.actor == 0}
    assert codes <= {OP_MMAP, OP_MREMAP, OP_EXIT, OP_READ, OP_FORK}
    assert anew.alone
    assert not Anew(STAGED, Rng(1)).alone


def test_directives_move_to_where_ops_pass_their_function_and_leave_it_smaller() -> None:
    racing = scenario("T0 mmap 0..4 w private anon populate", "T0 sleep", "T1 read 0")
    racing = racing.with_directives((Directive(2, "switch_mm_irqs_off:loaded_mm", 1, SWITCH, 1),))
    anew = Anew(racing, Rng(1))
    made = scenario("T0 fork T2", "T2 exit")
    passed = [(1, "op:begin"), (2, "switch_mm_irqs_off:load_cr3")]
    assert list(anew.moved(made, passed)) == [
        (Directive(2, "switch_mm_irqs_off:load_cr3", 1, SWITCH, 0),)
    ]
    assert list(anew.moved(racing, passed)) == []


def test_the_judge_sees_which_ops_pass_a_site() -> None:
    made = scenario("T0 mmap 0..4 w private anon", "T0 read 0", "T0 read 0", "T0 read 4")
    walk = [BY_NAME["mmu:walk_pmd"]]
    judge = Judge(Machine(), Signature("rmap", "vma_expand", "anon"), budget=1)
    same, passed = judge.watch(made, walk)
    assert not same
    assert passed == [(uid, "mmu:walk_pmd") for uid in (2, 3, 4)]


RACING = scenario(
    "T0 mmap 0..4 none private anon", "T1 read 1", config="bug=mmap-vma-visible-before-locked"
)


def test_a_search_finds_the_race_and_tries_only_switches_that_can_matter() -> None:
    machine = Machine()
    search = Search(machine, RACING, Signature("permission", "mmap_region", "pte"), budget=2_000)
    found = search.find(1)
    assert found is not None
    outcome = machine.run(RACING.with_directives(found))
    assert outcome.violation is not None
    assert outcome.violation.signature == search.signature
    assert search.executions < machine.run(RACING).steps


def test_a_search_goes_no_deeper_where_nobody_comes_to_the_culprit() -> None:
    search = Search(Machine(), RACING, Signature("pin", "clear_soft_dirty", "anon"), budget=100_000)
    assert search.find(4) is None
    assert not search.reached
    assert search.executions < 100


def test_who_may_have_to_stop_hears_of_ever_simpler_scenarios_that_fail() -> None:
    failing = scenario(
        "T0 mmap 0..8 rw private anon",
        "T0 mmap 16..24 rw private anon",
        "T0 write 3",
        "T0 write 17",
        "T0 read 3",
        "T0 clear_refs soft-dirty",
        "T0 read 17",
        config="bug=softdirty-clear-no-flush",
    )
    machine = Machine()
    violation = machine.run(failing).violation
    assert violation is not None
    told: list[Scenario] = []
    small = minimize(failing, violation.signature, machine, 300, told.append)
    assert len(told) > 1
    costs = [cost(failing), *map(cost, told)]
    assert costs == sorted(costs, reverse=True)
    assert len(set(costs)) == len(costs)
    assert cost(small.scenario) == costs[-1]
    for each in told:
        again = Machine().run(each).violation
        assert again is not None
        assert again.signature == violation.signature
    resumed = minimize(told[-1], violation.signature, machine, 300)
    assert cost(resumed.scenario) <= cost(small.scenario)


class Faulty:
    """A model that breaks down on scenarios of more than two ops, and has nothing to say of
    others."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.k = self.machine.k

    def run(self, made: Scenario, strategy: Any = None, **options: Any) -> Outcome:
        if len(made.ops) > 2:
            raise IndexError("list index out of range")
        return self.machine.run(made, strategy, **options)


def test_an_exception_in_the_model_is_a_verdict_and_ends_nothing() -> None:
    judge = Judge(cast(Machine, Faulty()), Signature("rmap", "vma_expand", "anon"), budget=100)
    assert judge.verdict(FORKING) == "model-exception"
    assert judge.watch(FORKING, []) == (False, [])
    assert judge.rescue(FORKING, 10) is None
    assert judge.verdict(scenario("T0 mmap 0..1 rw private anon", "T0 read 0")) == "clean"


def test_a_step_that_there_is_not_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="no step of minimizing is called 'delete-ops'"):
        apply(FORKING, ("delete-ops", 1))


def test_every_step_that_is_tried_has_a_name_of_the_table() -> None:
    made = scenario(
        "T0 mmap 8..24 rw private anon populate",
        "T0 fork T1",
        "T1 mremap 8..16 to 32",
        "T0 write 9",
        "T1 read 33",
        config="cpus=2 T0@0 T1@1",
    )
    at = (Directive(3, "op:begin", 1, SWITCH, 0), Directive(4, "op:begin", 1, SWITCH, 1))
    assert {str(step[0]) for step in steps(made.with_directives(at))} == NAMES


def test_chunks_shrink_to_what_cannot_be_spared() -> None:
    """Of a hundred only two are needed, and one of them only as long as the other is there."""
    kept = list(range(100))
    tries = 0

    def drop(start: int, end: int) -> int:
        nonlocal kept, tries
        tries += 1
        left = kept[:start] + kept[end:]
        if {17, 60} <= set(left):
            kept = left
        return len(kept)

    _in_chunks(len(kept), drop)
    assert kept == [17, 60]
    assert tries < 50
