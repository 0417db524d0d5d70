# SPDX-License-Identifier: MIT
"""The byte codec: total, exact, local."""

import pytest

from fuzz.codec import HEADER_SIZE, MAX_SIZE, RECORD_SIZE, FuzzLimitError, decode, encode
from fuzz.generate import generate
from fuzz.mutate import mutate
from fuzz.rng import Rng
from simulator.ops import COUNT, OP_FORK, OP_MUNMAP, OP_READ, OPS, SLOTS
from simulator.scenario import (
    DEVICE,
    FAIL,
    IPI,
    KHUGEPAGED,
    KSWAPD,
    MAX_FUZZ_DIRECTIVES,
    MAX_FUZZ_OPS,
    NR_USER_ACTORS,
    PARK,
    SWITCH,
    TLB,
    Config,
    Directive,
    Op,
    Scenario,
)
from simulator.validate import validate


def random_bytes(rng: Rng, size: int) -> bytes:
    return bytes(rng.bits(8) for _ in range(size))


def busy_scenario(seed: int) -> Scenario:
    """A generated scenario with directives of all kinds, from a few mutations."""
    rng = Rng(seed)
    scenario = generate(rng, 24)
    for _ in range(12):
        scenario = mutate(scenario, rng)
    return scenario


def test_any_bytes_decode_to_a_valid_scenario_that_encodes_again() -> None:
    for seed in range(400):
        rng = Rng(seed)
        data = random_bytes(rng, rng.below(MAX_SIZE + 100))
        scenario = decode(data)
        validate(scenario)
        assert decode(encode(scenario)) == scenario


def test_damaged_encodings_decode_to_valid_scenarios() -> None:
    for seed in range(400):
        rng = Rng(seed)
        data = bytearray(encode(busy_scenario(seed)))
        for _ in range(rng.between(1, 8)):
            kind = rng.below(4)
            at = rng.below(max(1, len(data)))
            if kind == 0 and data:
                data[at] = rng.bits(8)
            elif kind == 1:
                del data[at : at + rng.between(1, 20)]
            elif kind == 2:
                data[at:at] = random_bytes(rng, rng.between(1, 20))
            else:
                data[at:at] = data[at // 2 : at // 2 + 2 * RECORD_SIZE]
        scenario = decode(bytes(data))
        validate(scenario)
        assert decode(encode(scenario)) == scenario


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 7, b"\xff" * MAX_SIZE, bytes(MAX_SIZE)])
def test_edge_bytes_decode_to_valid_scenarios(data: bytes) -> None:
    validate(decode(data))


def test_scenarios_survive_the_round_trip() -> None:
    for seed in range(300):
        scenario = busy_scenario(seed)
        assert decode(encode(scenario)) == scenario


@pytest.mark.parametrize("spec", OPS, ids=lambda spec: spec.name)
def test_every_op_row_survives_with_its_extreme_arguments(spec) -> None:  # type: ignore[no-untyped-def]
    pages = 64
    actor = {"device": DEVICE, "khugepaged": KHUGEPAGED, "kswapd": KSWAPD}.get(spec.actors, 3)
    for high in (False, True):
        args: list[int] = []
        for arg in spec.args:
            kind = arg.kind
            if kind in ("range", "dest"):
                args += [pages - 1, pages] if high else [0, 1]
            elif kind == "page":
                args.append(pages - 1 if high else 0)
            elif kind == "word":
                args.append(pages * 4 - 1 if high else 0)
            elif kind == "enum":
                args.append(len(arg.names) - 1 if high else 0)
            elif kind == "flags":
                args.append((1 << len(arg.names)) - 1 if high else 0)
            elif kind == "handle":
                args.append(arg.limit - 1 if high else 0)
            elif kind == "hword":
                args.append(arg.limit * 4 - 1 if high else 0)
            elif kind == "actor":
                args.append(7 if high else 1)
            elif kind == "process":
                args.append(NR_USER_ACTORS - 1 if high else 0)
            elif kind == COUNT:
                args.append(arg.limit if high else 1)
            else:
                assert kind == "backing"
                args += [9 + 1023, 63] if high else [0, 0]
        assert len(args) == sum(SLOTS[a.kind] for a in spec.args)
        scenario = Scenario(Config(), (Op(9, actor, spec.number, tuple(args)),))
        validate(scenario)
        assert decode(encode(scenario)) == scenario


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(pmd_order=9, frames=4096, pages=8192),
        Config(
            pmd_order=4,
            frames=512,
            pages=100,
            cpus=2,
            steps=65_535,
            stack_gap=256,
            folio_batch=31,
            gather_batch=500,
            flush_ceiling=33,
            placement=((0, 0), (1, 1)),
        ),
        Config(cpus=1, steps=1000),
    ],
)
def test_configs_survive_the_round_trip(config: Config) -> None:
    scenario = Scenario(config, (Op(1, 0, OP_READ, (5,)), Op(2, 1, OP_READ, (9,))))
    validate(scenario)
    assert decode(encode(scenario)) == scenario


def test_every_kind_of_directive_survives_the_round_trip() -> None:
    ops = (Op(7, 0, OP_READ, (5,)), Op(3, 1, OP_MUNMAP, (0, 8)))
    scenario = Scenario(Config(), ops).with_directives(
        (
            Directive(7, "op:begin", 1, SWITCH, 1),
            Directive(7, "op:begin", 1, PARK, 3),
            Directive(7, "op:end", 1, FAIL),
            Directive(3, "op:end", 300, IPI, 17),
            Directive(3, "op:begin", 2, TLB, 3),
        )
    )
    validate(scenario)
    assert decode(encode(scenario)) == scenario


def test_headers_bugs_and_kernel_are_not_expressed() -> None:
    ops = (Op(1, 0, OP_READ, (5,)),)
    rich = Scenario(Config(bugs=("x",), kernel="6.12"), ops, (), (("title", "x"),))
    assert decode(encode(rich)) == Scenario(Config(), ops)


def test_removing_a_record_removes_one_op_and_its_directives() -> None:
    checked = 0
    for seed in range(60):
        scenario = busy_scenario(seed)
        if any(op.code == OP_FORK for op in scenario.ops):
            continue
        data = encode(scenario)
        at: int = HEADER_SIZE
        for op in scenario.ops:
            size = RECORD_SIZE * (1 + sum(d.uid == op.uid for d in scenario.directives))
            rest = tuple(o for o in scenario.ops if o.uid != op.uid)
            waited_for = any(d.kind == PARK and d.arg == op.uid for d in scenario.directives)
            if not waited_for:
                assert decode(data[:at] + data[at + size :]) == scenario.with_ops(rest)
                checked += 1
            at += size
    assert checked > 100


def test_one_changed_argument_byte_changes_one_op() -> None:
    scenario = busy_scenario(5)
    data = bytearray(encode(scenario))
    at = HEADER_SIZE + 4  # first argument of the first op
    data[at] ^= 1
    changed = decode(bytes(data))
    assert changed.ops[0] != scenario.ops[0]
    assert changed.ops[1:] == scenario.ops[1:]
    assert changed.directives == scenario.directives


def test_the_largest_scenario_fits_max_size() -> None:
    ops = tuple(Op(i + 1, i % 8, OP_READ, (i,)) for i in range(MAX_FUZZ_OPS))
    directives = tuple(
        Directive(ops[i % 8].uid, "op:begin", i + 1, SWITCH, 1) for i in range(MAX_FUZZ_DIRECTIVES)
    )
    scenario = Scenario(Config(), ops).with_directives(directives)
    data = encode(scenario)
    assert len(data) == MAX_SIZE
    assert decode(data) == scenario


def test_what_is_too_large_for_fuzzing_is_refused_with_the_limit() -> None:
    read = Op(1, 0, OP_READ, (5,))
    many = tuple(Op(i + 1, 0, OP_READ, (i,)) for i in range(MAX_FUZZ_OPS + 1))
    with pytest.raises(FuzzLimitError, match=f"at most {MAX_FUZZ_OPS} ops"):
        encode(Scenario(Config(), many))
    with pytest.raises(FuzzLimitError, match="number of an op"):
        encode(Scenario(Config(), (Op(70_000, 0, OP_READ, (5,)),)))
    with pytest.raises(FuzzLimitError, match="frames"):
        encode(Scenario(Config(pmd_order=9, frames=100_000), (read,)))
    with pytest.raises(FuzzLimitError, match="steps"):
        encode(Scenario(Config(steps=1_000_000), (read,)))
    with pytest.raises(FuzzLimitError, match="visit of a directive"):
        encode(Scenario(Config(), (read,), (Directive(1, "op:begin", 70_000, FAIL),)))


def test_decoding_never_yields_an_actor_that_cannot_run_the_op() -> None:
    data = bytearray(encode(Scenario(Config(), (Op(1, 0, OP_READ, (5,)),))))
    data[HEADER_SIZE] = KHUGEPAGED
    assert decode(bytes(data)).ops[0].actor < 8


def test_a_second_fork_of_one_child_is_ignored() -> None:
    fork = Op(1, 0, OP_FORK, (2,))
    data = encode(Scenario(Config(), (fork, Op(2, 0, OP_READ, (5,)))))
    twice = data + encode(Scenario(Config(), (Op(5, 0, OP_FORK, (2,)),)))[HEADER_SIZE:]
    assert decode(twice) == decode(data)
