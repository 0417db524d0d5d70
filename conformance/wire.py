# SPDX-License-Identifier: MIT
"""What goes between us and the executor: the structs of conformance/c/control.h.

Contract: `program` and `PROBE` are whole requests, `observed` and `features` read the bodies
of their answers. Both ends run on x86-64, so everything is little-endian and aligned as in C.
"""

from collections.abc import Sequence
from functools import cache
from struct import Struct
from typing import Final

from conformance.executor import max_slots
from conformance.features import huge_pages
from conformance.observation import Checkpoint, Observed, Region
from conformance.vm_flags import VM_FLAGS
from simulator import ops
from simulator.scenario import Scenario
from simulator.validate import arena_pages

_REQUEST: Final = Struct("<8I")
_SLOTS: Final = max_slots()
_OP: Final = Struct(f"<qHBBI{_SLOTS}q")
_PADDING: Final = [(0,) * (_SLOTS - used) for used in range(_SLOTS + 1)]
_CHECKPOINT: Final = Struct("<qII")
_REGION: Final = Struct("<IIBBbBIIIq64s")
HEADER: Final = Struct("<3I")  # bytes of the body, whether it is an error, checkpoints

_RUN_PROGRAM: Final = 0
_PROBE: Final = 1
_RUN_FORCED: Final = 2
_SYMBOLS: Final = 3

MODEL_VM_FLAGS: Final = frozenset(VM_FLAGS.values())


def program(scenario: Scenario, order: Sequence[int], *, every_op: bool, timeout_ms: int) -> bytes:
    """The request to run the ops in the `order` of these indices."""
    everything = scenario.ops
    children = 0
    packed = [b""]
    for index in order:
        op = everything[index]
        args = op.args
        if op.code == ops.OP_FORK:
            children |= 1 << args[0]
        packed.append(_OP.pack(op.uid, index, op.actor, op.code, 0, *args, *_PADDING[len(args)]))
    packed[0] = _REQUEST.pack(
        _RUN_PROGRAM,
        len(order),
        arena_pages(scenario.config),
        every_op,
        children,
        timeout_ms,
        0,
        huge_pages(scenario),
    )
    return b"".join(packed)


def probe(timeout_ms: int) -> bytes:
    return _REQUEST.pack(_PROBE, 0, 0, 0, 0, timeout_ms, 0, 1)


def symbols(timeout_ms: int) -> bytes:
    return _REQUEST.pack(_SYMBOLS, 0, 0, 0, 0, timeout_ms, 0, 0)


def forced(nr_pages: int, actors: int, children: int, timeout_ms: int, huge: bool) -> bytes:
    """The request for a program of these actors (a mask), of which forks make `children`, with
    `huge` pages or none. Its operations come later, by the bells."""
    return _REQUEST.pack(_RUN_FORCED, 0, nr_pages, 0, children, timeout_ms, actors, huge)


def features(body: bytes) -> frozenset[str]:
    """The names behind which there stands a 1."""
    lines = (line.split() for line in body.decode().splitlines())
    return frozenset(name for name, has in lines if has == "1")


def observed(scenario: Scenario, body: bytes, nr_checkpoints: int) -> Observed:
    nr_ops = len(scenario.ops)
    nr_pages = arena_pages(scenario.config)
    results = Struct(f"<{nr_ops}q").unpack_from(body)
    return Observed(results, checkpoints(nr_pages, body, 8 * nr_ops, nr_checkpoints))


def checkpoints(nr_pages: int, body: bytes, at: int, nr_checkpoints: int) -> tuple[Checkpoint, ...]:
    """What was observed, in an answer from the offset `at` on."""
    pages = Struct(f"<{nr_pages}I")
    found = []
    for _ in range(nr_checkpoints):
        uid, actor, nr_regions = _CHECKPOINT.unpack_from(body, at)
        at += _CHECKPOINT.size
        regions = tuple(
            [
                Region(
                    start, end, prot, shared == 1, backing, offset, _vm_flags(flags), rss, anonymous
                )
                for (start, end, prot, shared, backing, _, rss, anonymous, _, offset, flags) in (
                    _REGION.iter_unpack(body[at : at + nr_regions * _REGION.size])
                )
            ]
        )
        at += nr_regions * _REGION.size
        found.append(Checkpoint(uid, actor, regions, pages.unpack_from(body, at)))
        at += pages.size + 7 & ~7
    return tuple(found)


@cache
def _vm_flags(text: bytes) -> tuple[str, ...]:
    """The model's flags among those of one line, sorted. There are few different lines."""
    return tuple(sorted(MODEL_VM_FLAGS.intersection(text.decode().split())))
