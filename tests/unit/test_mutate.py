# SPDX-License-Identifier: MIT
"""Mutators and crossover: total, valid, keeping what they do not touch."""

import pytest

from fuzz.codec import check_fuzz_limits
from fuzz.crossover import crossover
from fuzz.draft import Draft
from fuzz.generate import generate
from fuzz.hints import MAX_SIGHTINGS, VISIT_SCALE, Conflict, Hints
from fuzz.mutate import graft, mutate
from fuzz.rng import Rng
from fuzz.slots import NR_CODES
from simulator.ops import OP_FORK, OP_MADVISE, OP_MMAP, OP_READ, OP_WRITE
from simulator.scenario import FAIL, IPI, PARK, SWITCH, TLB, Config, Directive, Op, Scenario
from simulator.sites import BY_NAME
from simulator.validate import validate

BEGIN = BY_NAME["op:begin"]
END = BY_NAME["op:end"]

FAMILY = Scenario(
    Config(),
    (
        Op(1, 0, OP_MMAP, (0, 8, 3, 0, 0, 0, 0)),
        Op(2, 0, OP_FORK, (1,)),
        Op(3, 1, OP_FORK, (2,)),
        Op(4, 1, OP_WRITE, (0,)),
        Op(5, 2, OP_WRITE, (0,)),
        Op(6, 3, OP_READ, (0,)),
    ),
)
RACE = Scenario(
    Config(),
    (
        Op(1, 0, OP_MMAP, (0, 8, 3, 0, 0, 0, 0)),
        Op(2, 0, OP_WRITE, (12,)),
        Op(3, 1, OP_MADVISE, (0, 8, 4)),
    ),
)


def test_mutants_of_mutants_stay_valid_and_within_the_limits() -> None:
    rng = Rng(1)
    pool = [generate(Rng(seed), 64) for seed in range(20)]
    hints = Hints()
    hints.saw(SWITCH, OP_WRITE, END, 1)
    hints.saw(FAIL, OP_WRITE, END, 1)
    hints.conflict(Conflict(OP_WRITE, BEGIN, 1, OP_MADVISE, END))
    for i in range(4000):
        a = rng.pick(pool)
        b = rng.pick(pool)
        if i % 5 == 0:
            made = crossover(a, b, rng)
        else:
            made = mutate(a, rng, b if i & 1 else None, hints if i & 2 else None)
        validate(made)
        check_fuzz_limits(made)
        pool[rng.below(len(pool))] = made


def test_the_smallest_scenarios_can_be_mutated() -> None:
    nothing = Scenario()
    one = Scenario(Config(), (Op(1, 0, OP_READ, (5,)),))
    for seed in range(200):
        for scenario in (nothing, one):
            made = mutate(scenario, Rng(seed), nothing)
            validate(made)
            assert made.ops
        assert crossover(one, nothing, Rng(seed)) == one
        assert crossover(nothing, one, Rng(seed)) == one


@pytest.mark.parametrize("pages", [1, 2, 5, 8, 9])
def test_scenarios_in_the_smallest_arenas_can_be_mutated(pages: int) -> None:
    made = Scenario(Config(pages=pages), (Op(1, 0, OP_READ, (0,)),))
    for seed in range(1_000):
        made = mutate(made, Rng(seed))
        validate(made)


def test_the_same_random_numbers_give_the_same_mutant() -> None:
    assert [mutate(RACE, Rng(i)) for i in range(50)] == [mutate(RACE, Rng(i)) for i in range(50)]
    assert len({mutate(RACE, Rng(i)) for i in range(200)}) > 100


def test_uids_name_the_same_op_before_and_after() -> None:
    """An op that a mutation did not change is found under its old uid, and ops that come in
    take uids that were never used."""
    for seed in range(500):
        made = mutate(FAMILY, Rng(seed))
        old = {op.uid: op for op in FAMILY.ops}
        changed = [op for op in made.ops if op.uid in old and op != old[op.uid]]
        assert len(changed) <= 6
        assert len({op.uid for op in made.ops}) == len(made.ops)
        for op in made.ops:
            assert op.uid in old or op.uid > 6


def test_deleting_a_fork_deletes_its_family() -> None:
    draft = Draft(FAMILY)
    draft.delete(1)
    assert [op.uid for op in draft.finish().ops] == [1, 6]


def test_deleting_a_grandchilds_fork_keeps_the_child() -> None:
    draft = Draft(FAMILY)
    draft.delete(2)
    assert [op.uid for op in draft.finish().ops] == [1, 2, 4, 6]


def test_directives_of_deleted_ops_and_for_deleted_ops_go() -> None:
    scenario = RACE.with_directives(
        (
            Directive(2, "op:begin", 1, SWITCH, 1),
            Directive(2, "op:end", 1, PARK, 3),
            Directive(3, "op:begin", 1, FAIL),
        )
    )
    draft = Draft(scenario)
    draft.delete(2)
    assert draft.finish().directives == (Directive(2, "op:begin", 1, SWITCH, 1),)


def test_an_untouched_scenario_comes_out_of_a_draft_as_it_went_in() -> None:
    for seed in range(100):
        scenario = mutate(generate(Rng(seed), 30), Rng(seed))
        assert Draft(scenario).finish() == scenario


def test_a_graft_renumbers_the_donor_and_brings_its_directives() -> None:
    donor = RACE.with_directives(
        (Directive(2, "op:begin", 1, SWITCH, 1), Directive(2, "op:end", 1, PARK, 3))
    )
    draft = Draft(FAMILY)
    graft(draft, donor, 1, 3, 2)
    made = draft.finish()
    assert [op.uid for op in made.ops] == [1, 2, 7, 8, 3, 4, 5, 6]
    assert made.ops[2] == Op(7, 0, OP_WRITE, (12,))
    assert made.directives == (
        Directive(7, "op:begin", 1, SWITCH, 1),
        Directive(7, "op:end", 1, PARK, 8),
    )


def test_known_conflicts_are_flipped_where_they_were_seen() -> None:
    """With a conflict between write and madvise, some mutants stop the write at that site
    and visit, in favour of the actor that runs the madvise, or until the madvise is over."""
    hints = Hints()
    hints.conflict(Conflict(OP_WRITE, END, 7, OP_MADVISE, BEGIN))
    found: set[Directive] = set()
    for seed in range(400):
        found.update(mutate(RACE, Rng(seed), None, hints).directives)
    assert Directive(2, "op:end", 7, SWITCH, 1) in found
    assert Directive(2, "op:end", 7, PARK, 3) in found
    assert Directive(3, "op:begin", 1, SWITCH, 0) in found


def test_new_directives_stand_at_sites_that_the_op_is_known_to_pass() -> None:
    hints = Hints()
    hints.saw(SWITCH, OP_WRITE, END, 3)
    anchors: set[tuple[str, int]] = set()
    for seed in range(600):
        made = mutate(RACE, Rng(seed), None, hints)
        anchors.update((d.site, d.visit) for d in made.directives if d.uid == 2)
    assert ("op:end", 3) in anchors
    assert {site for site, _ in anchors} <= {"op:begin", "op:end"}


def test_faults_stand_only_where_one_of_their_kind_was_seen() -> None:
    hints = Hints()
    hints.saw(IPI, OP_MADVISE, END, 2)
    found: set[Directive] = set()
    for seed in range(2000):
        found.update(mutate(RACE, Rng(seed), None, hints).directives)
    faults = {d for d in found if d.kind in (FAIL, IPI, TLB)}
    assert len({d.arg for d in faults}) > 3
    assert {(d.kind, d.site) for d in faults} == {(IPI, "op:end")}


def test_new_switches_go_to_actors_that_still_have_something_to_do() -> None:
    hints = Hints()
    for code in (OP_MMAP, OP_WRITE, OP_MADVISE):
        hints.saw(SWITCH, code, END, 1)
    for seed in range(400):
        made = mutate(RACE, Rng(seed), None, hints)
        if made.ops == RACE.ops:
            assert all(d.uid != 3 for d in made.directives)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
def test_hints_remember_a_bounded_number_of_sightings(count: int) -> None:
    hints = Hints()
    for visit in range(1, count + 1):
        hints.saw(SWITCH, OP_WRITE, END, visit)
    row = SWITCH * NR_CODES + OP_WRITE
    nr = hints.nr_sightings[row]
    assert nr == min(count, 64)
    first = row * MAX_SIGHTINGS
    assert END * VISIT_SCALE + count in [hints.sightings[first + i] for i in range(nr)]


def test_crossover_has_ops_of_both_parents() -> None:
    both = 0
    for seed in range(100):
        made = crossover(FAMILY, RACE, Rng(seed))
        codes = {op.code for op in made.ops}
        both += OP_MADVISE in codes and any(op in FAMILY.ops for op in made.ops)
    assert both > 20
