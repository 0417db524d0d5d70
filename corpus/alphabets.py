# SPDX-License-Identifier: MIT
"""Alphabets: ops of which `mmfarm explore --ops N` makes every program of N ops.

    config pmd_order=3 frames=64
    before T0 mmap 0..2 rw private anon
    before T0 write 0
    user write 0
    user madvise 0..1 DONTNEED
    DEVICE migrate_to_device 0..1

`before` ops run first, in this order. An op of `user` may be T0's or T1's, another one is the named
actor's. A program has at most two actors besides those of its beginning.

Contract: `read` raises TextError with the place for what is no alphabet. `programs(n)` come in one
order on every machine, the first op varying slowest.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from corpus import headers
from corpus.text import TextError, parse
from simulator.ops import OP_FORK
from simulator.scenario import Config, Op, Scenario

USERS: Final = ("T0", "T1")
MAX_ACTORS: Final = 2
FIRST_CHILD: Final = 2  # T2: a fork's child in programs, whatever the alphabet calls it
_CONFIG: Final = "config pmd_order=3 frames=64"


@dataclass(frozen=True, slots=True)
class Alphabet:
    """`letters` are ops that a program may have at any place; uids are not theirs."""

    config: Config
    before: tuple[Op, ...]
    letters: tuple[Op, ...]
    nr_ops: int  # lines of letters: one of `user` is two letters

    def programs(self, length: int) -> Iterator[Scenario]:
        """Every program of `length` ops."""
        for word in product(self.letters, repeat=length):
            if len({op.actor for op in word}) > MAX_ACTORS:
                continue
            yield Scenario(self.config, _numbered([*self.before, *word]))


def read(text: str, name: str = "<alphabet>") -> Alphabet:
    """The alphabet that a text says."""
    config = _CONFIG
    before: list[tuple[int, str]] = []
    letters: list[tuple[int, str]] = []
    nr_ops = 0
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        first, _, rest = words.partition(" ")
        if not words or words.startswith("#"):
            continue
        if first == "config":
            config = words
        elif first == "before":
            before.append((number, rest))
        elif first == "user":
            nr_ops += 1
            letters += [(number, f"{user} {rest}") for user in USERS]
        else:
            nr_ops += 1
            letters.append((number, words))
    if not letters:
        raise TextError(name, 1, 1, "an alphabet has an op a line, like `user write 0`")
    whole = _parse(name, config, before)
    made = tuple(_parse(name, config, [letter]).ops[0] for letter in letters)
    return Alphabet(whole.config, whole.ops, made, nr_ops)


def _numbered(ops: list[Op]) -> tuple[Op, ...]:
    """Ops with uids; each fork has a child of its own."""
    made = []
    child = FIRST_CHILD
    for uid, op in enumerate(ops, 1):
        args = op.args
        if op.code == OP_FORK:
            args = (child,)
            child += 1
        made.append(Op(uid, op.actor, op.code, args))
    return tuple(made)


def _parse(name: str, config: str, ops: list[tuple[int, str]]) -> Scenario:
    lines = [headers.MAGIC, config, *(f"{uid} {op}" for uid, (_, op) in enumerate(ops, 1))]
    try:
        return parse("\n".join(lines) + "\n", name)
    except TextError as error:
        uid = error.line - 2
        number = ops[uid - 1][0] if 1 <= uid <= len(ops) else 1
        raise TextError(name, number, 1, error.message) from None
