# SPDX-License-Identifier: MIT
"""Whoever handles ops knows every row of the op table, and every value of its arguments.

Tables keyed by op, advice or flag say at import what they lack (tests/unit/test_tables.py). Here
is what is no table: dispatch, which ends in an assertion, and the generator, which could leave a
value out forever.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.generate import Generator
from corpus import cform, text
from corpus.syz import export
from fuzz import codec
from fuzz.generate import WEIGHTS, generate
from fuzz.minimizing.edits import steps
from fuzz.minimizing.variants import arguments, variants
from fuzz.operands import make_args, make_slot
from fuzz.rng import Rng
from fuzz.sketch import Sketch
from simulator import bugs, ops
from simulator.ops import ENUM, FLAGS, OpSpec
from simulator.outcome import SKIPPED, UNFINISHED
from simulator.run import Machine
from simulator.scenario import Config, Op, Scenario
from simulator.validate import validate

PAGES = 64
# What ops of all rows find something to do on: memory, a file, a pin, a pipe.
STAGE = (
    Op(1, 0, ops.OP_MMAP, (0, 16, 3, 0, 0, 0, 0)),
    Op(2, 0, ops.OP_WRITE, (0,)),
    Op(3, 0, ops.OP_MEMFD, (0, 8)),
    Op(4, 0, ops.OP_PIN, (0, 0, 1, 0)),
    Op(5, 0, ops.OP_VMSPLICE, (1, 2)),
)
ROWS = pytest.mark.parametrize("spec", ops.OPS, ids=lambda spec: spec.name)


def values(spec: OpSpec) -> Iterator[tuple[ops.Arg, int, int]]:
    """Every value of an enumeration, and every flag alone, with the argument and its slot."""
    at = 0
    for arg in spec.args:
        if arg.kind == ENUM:
            yield from ((arg, at, value) for value in range(len(arg.names)))
        elif arg.kind == FLAGS:
            yield from ((arg, at, 1 << bit) for bit in range(len(arg.names)))
        at += ops.SLOTS[arg.kind]


def examples(spec: OpSpec) -> Iterator[Op]:
    """An op of the row, and one with each value of its arguments in place of the plain ones."""
    actor = min(ops.MAY_RUN[spec.actors])
    sketch = sketched()
    plain = make_args(sketch, Rng(1), actor, spec.number)
    yield Op(9, actor, spec.number, plain)
    for _, at, value in values(spec):
        args = list(plain)
        args[at] = value
        yield Op(9, actor, spec.number, tuple(args))


def sketched() -> Sketch:
    sketch = Sketch(PAGES, 8, 0)
    for op in STAGE:
        sketch.apply(op)
    return sketch


def staged(op: Op) -> Scenario:
    return Scenario(Config(), (*STAGE, op))


@ROWS
def test_the_model_has_a_branch_for_every_value(spec: OpSpec) -> None:
    machine = Machine()
    for op in examples(spec):
        made = staged(op)
        validate(made)
        outcome = machine.run(made)
        assert outcome.violation is None, op
        assert outcome.results[-1] != UNFINISHED
        assert outcome.results[-1] >= 0 or outcome.results[-1] in (*spec.failures, SKIPPED), (
            op,
            outcome.results,
        )


@ROWS
def test_the_model_takes_no_value_that_it_has_no_branch_for(spec: OpSpec) -> None:
    machine = Machine()
    plain = next(examples(spec))
    for arg, at in arguments(plain):
        if arg.kind in (ENUM, FLAGS):
            args = list(plain.args)
            args[at] = len(arg.names) if arg.kind == ENUM else 1 << len(arg.names)
            try:
                machine.run(staged(Op(9, plain.actor, plain.code, tuple(args))))
            except (AssertionError, IndexError):
                continue
            pytest.fail(
                f"{spec.name} takes {args[at]} for `{arg.name}`, which means nothing: assert that "
                "it is one of the table's, where the function looks at it"
            )


@ROWS
def test_the_fuzzer_follows_and_changes_every_value(spec: OpSpec) -> None:
    for op in examples(spec):
        sketch = sketched()
        sketch.apply(op)
        for slot in range(spec.slots):
            make_slot(sketch, Rng(slot), op.actor, op.code, slot, op.args)


@ROWS
def test_codecs_and_exports_have_a_form_for_every_value(spec: OpSpec) -> None:
    for op in examples(spec):
        made = staged(op)
        assert text.parse(text.dump(made)) == made
        assert codec.decode(codec.encode(made)) == made
        assert export.export(made)
        if not cform.why_not(op):
            assert cform.literal(op)


@ROWS
def test_the_minimizer_knows_every_value(spec: OpSpec) -> None:
    for op in examples(spec):
        made = staged(op)
        assert list(arguments(op)) or not spec.args
        assert variants(made)
        assert list(steps(made))


def test_every_value_comes_up_in_generated_scenarios() -> None:
    made = [op for seed in range(3_000) for op in generate(Rng(seed), 64).ops]
    assert not never(made, ops.OPS)


def test_every_value_that_a_kernel_can_do_comes_up_in_conformance() -> None:
    rows = [spec for spec in ops.OPS if spec.c]
    generator = Generator(1, [spec.number for spec in rows])
    made = [op for _ in range(1_500) for op in generator.next().ops]
    assert not never(made, rows)


def never(made: list[Op], rows: "list[OpSpec] | tuple[OpSpec, ...]") -> list[str]:
    """The ops and values that did not come up, by name."""
    seen: dict[int, set[tuple[int, ...]]] = {}
    for op in made:
        seen.setdefault(op.code, set()).add(op.args)
    missing = [spec.name for spec in rows if spec.number not in seen]
    for spec in rows:
        there = seen.get(spec.number, set())
        for arg, at, value in values(spec):
            mask = value if arg.kind == FLAGS else -1
            if not any(args[at] & mask == value for args in there):
                name = arg.names[value if arg.kind == ENUM else value.bit_length() - 1]
                missing.append(f"{spec.name} {arg.name} {name}")
    return missing


def test_no_row_is_left_out_of_generated_scenarios_by_its_weight() -> None:
    assert {code for code, weight in enumerate(WEIGHTS) if weight} == set(ops.BY_NUMBER)


def test_every_known_bug_has_a_flag_and_every_flag_a_known_bug() -> None:
    tree = ast.parse((Path(__file__).parents[2] / "simulator" / "bugs.py").read_text())
    flags = {
        target.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(target := node.target, ast.Attribute)
    }
    assert flags == {bugs.attribute(bug) for bug in bugs.BUGS if not bug.control}
