# SPDX-License-Identifier: MIT
"""Scenarios as values: config + ops + directives.

Contract: plain data, no behaviour of Linux here. A `Scenario` that `simulator.validate`
accepts can be run by `simulator.run`, printed by the text codec of `corpus` and packed by
the byte codec of `fuzz`. Nothing in this file knows how any of those look.
"""

from dataclasses import dataclass, field, replace
from typing import Final

# Actors: eight user threads, then the kernel's own. The numbers are part of the digest.
KHUGEPAGED: Final = 8
KSWAPD: Final = 9
KCOMPACTD: Final = 10
DEVICE: Final = 11
OOM_REAPER: Final = 12
NR_USER_ACTORS: Final = 8
ACTOR_NAMES: Final = (
    "T0", "T1", "T2", "T3", "T4", "T5", "T6", "T7",
    "KHUGEPAGED", "KSWAPD", "KCOMPACTD", "DEVICE", "OOM_REAPER",
)
NR_ACTORS: Final = 13

# Kinds of directives.
SWITCH: Final = 0  # arg: actor to run instead
PARK: Final = 1  # arg: op uid to wait for
FAIL: Final = 2  # the allocation or trylock at the site fails
IPI: Final = 3  # arg: the IPI sent here is delivered that many steps late
TLB: Final = 4  # arg: which may-cache entry the hardware uses, 0 is the current walk

WORDS_PER_PAGE: Final = 4

MAX_OPS: Final = 4096  # what a text file may hold
MAX_FUZZ_OPS: Final = 64  # what fuzzing makes, and what the byte codec can hold
MAX_FUZZ_ACTORS: Final = 8
MAX_DIRECTIVES: Final = 4096
MAX_FUZZ_DIRECTIVES: Final = 64


@dataclass(frozen=True, slots=True)
class Config:
    """The machine a scenario runs on. A `0` for `pages`, `cpus`, `stack_gap`, `folio_batch`,
    `gather_batch` and `flush_ceiling` means the default for that `pmd_order`."""

    pmd_order: int = 3  # log2 of the pages one page table maps: 3, 4 or 9
    frames: int = 64  # physical page frames
    pages: int = 0  # pages of the address arena; default 8 << pmd_order
    cpus: int = 0  # default: one CPU for each actor
    steps: int = 20_000  # bound of one run
    stack_gap: int = 0  # pages; Linux: stack_guard_gap = 256
    folio_batch: int = 0  # Linux: PAGEVEC_SIZE = 31
    gather_batch: int = 0  # pages in one mmu_gather batch
    flush_ceiling: int = 0  # pages; Linux: tlb_single_page_flush_ceiling = 33
    placement: tuple[tuple[int, int], ...] = ()  # (actor, cpu), sorted
    bugs: tuple[str, ...] = ()  # known bugs the model shall have again, sorted
    kernel: str = ""  # "" is 6.18


@dataclass(frozen=True, slots=True)
class Op:
    """One operation of one actor. `code` is the row number in `simulator.ops`; `args` are
    its integer slots in the order of that row."""

    uid: int
    actor: int
    code: int
    args: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Directive:
    """One schedule entry, anchored to the `visit`-th (from 1) passing of `site` in op `uid`."""

    uid: int
    site: str
    visit: int
    kind: int
    arg: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Config, ops in text order, directives in canonical order, and the text's headers."""

    config: Config = field(default_factory=Config)
    ops: tuple[Op, ...] = ()
    directives: tuple[Directive, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  # ("title", "..."), canonical order

    def with_ops(self, ops: tuple[Op, ...]) -> "Scenario":
        """The same scenario with other ops; directives of ops that are gone are dropped."""
        uids = {op.uid for op in ops}
        return replace(
            self, ops=ops, directives=tuple(d for d in self.directives if d.uid in uids)
        )

    def with_directives(self, directives: tuple[Directive, ...]) -> "Scenario":
        """The same scenario with these directives in canonical order: by the place of their
        op, then site name, then visit. Two directives of one anchor must differ in kind."""
        place = {op.uid: i for i, op in enumerate(self.ops)}
        kept = {d for d in directives if d.uid in place}
        return replace(
            self,
            directives=tuple(
                sorted(kept, key=lambda d: (place[d.uid], d.site, d.visit, d.kind, d.arg))
            ),
        )
