# SPDX-License-Identifier: MIT
"""Scenarios as values: config + ops + directives.

Contract: plain data, no behaviour of Linux here. A `Scenario` that `simulator.validate`
accepts can be run by `simulator.run`, printed by the text codec of `corpus` and packed by
the byte codec of `fuzz`. Nothing in this file knows how any of those look.

Fuzzing makes millions of these, and a frozen dataclass sets each field by a call of Python's.
So they have constructors of their own, and `Final` fields, which mypy and the compiled form
refuse to change.
"""

from dataclasses import dataclass
from typing import Final, final

from simulator.tables import by_number, numbered

# Actors: eight user threads, then the kernel's own. The numbers are part of the digest.
KHUGEPAGED: Final = 8
KSWAPD: Final = 9
KCOMPACTD: Final = 10
DEVICE: Final = 11
OOM_REAPER: Final = 12
DEVICE1: Final = 13
DEVICES: Final = (DEVICE, DEVICE1)
NR_USER_ACTORS: Final = 8
ACTOR_NAMES: Final = by_number(
    "actors",
    (
        (0, "T0"),
        (1, "T1"),
        (2, "T2"),
        (3, "T3"),
        (4, "T4"),
        (5, "T5"),
        (6, "T6"),
        (7, "T7"),
        (KHUGEPAGED, "KHUGEPAGED"),
        (KSWAPD, "KSWAPD"),
        (KCOMPACTD, "KCOMPACTD"),
        (DEVICE, "DEVICE"),
        (OOM_REAPER, "OOM_REAPER"),
        (DEVICE1, "DEVICE1"),
    ),
)
NR_ACTORS: Final = 14
assert len(ACTOR_NAMES) == NR_ACTORS

# Kinds of directives.
SWITCH: Final = 0  # arg: actor to run instead
PARK: Final = 1  # arg: op uid to wait for
FAIL: Final = 2  # the allocation or trylock at the site fails
IPI: Final = 3  # arg: the IPI sent here is delivered that many steps late
TLB: Final = 4  # arg: which may-cache entry the hardware uses, 0 is the current walk

# When anonymous memory gets huge pages (/sys/kernel/mm/transparent_hugepage/enabled).
THP_NEVER: Final = 0
THP_MADVISE: Final = 1
THP_ALWAYS: Final = 2
THP_MODES: Final = numbered(globals(), "THP_")

# What swap is on. A zram frees a slot as soon as its page is mapped again.
SWAP_DISK: Final = 0
SWAP_ZRAM: Final = 1
SWAP_DEVICES: Final = numbered(globals(), "SWAP_")

WORDS_PER_PAGE: Final = 4

MAX_OPS: Final = 4096  # what a text file may hold
MAX_FUZZ_OPS: Final = 64  # what fuzzing makes, and what the byte codec can hold
MAX_FUZZ_ACTORS: Final = 8
MAX_DIRECTIVES: Final = 4096
MAX_FUZZ_DIRECTIVES: Final = 64


@final
@dataclass(init=False, unsafe_hash=True)
class Config:
    """The machine a scenario runs on. A `0` for `pages`, `cpus`, `stack_gap`, `folio_batch`,
    `gather_batch` and `flush_ceiling` means the default for that `pmd_order`."""

    pmd_order: Final[int]  # log2 of the pages one page table maps: 3, 4 or 9
    frames: Final[int]  # physical page frames
    pages: Final[int]  # pages of the address arena; default 8 << pmd_order
    cpus: Final[int]  # default: one CPU for each actor
    steps: Final[int]  # bound of one run
    stack_gap: Final[int]  # pages; Linux: stack_guard_gap = 256
    folio_batch: Final[int]  # Linux: PAGEVEC_SIZE = 31
    gather_batch: Final[int]  # pages in one mmu_gather batch
    flush_ceiling: Final[int]  # pages; Linux: tlb_single_page_flush_ceiling = 33
    thp: Final[int]  # THP_*: huge pages for anonymous memory
    mthp: Final[int]  # a bit for each order below that of the PMD that large folios may have
    max_ptes_none: Final[int]  # of khugepaged, -1: all but one
    max_ptes_shared: Final[int]  # of khugepaged, -1: half of them
    swap: Final[int]  # slots of the swap device; 0: there is none
    swap_device: Final[int]  # SWAP_*
    placement: Final[tuple[tuple[int, int], ...]]  # (actor, cpu), sorted
    bugs: Final[tuple[str, ...]]  # known bugs the model shall have again, sorted
    kernel: Final[str]  # which Linux, of simulator.kernels; "" is 6.18

    def __init__(
        self,
        pmd_order: int = 3,
        frames: int = 64,
        pages: int = 0,
        cpus: int = 0,
        steps: int = 20_000,
        stack_gap: int = 0,
        folio_batch: int = 0,
        gather_batch: int = 0,
        flush_ceiling: int = 0,
        placement: tuple[tuple[int, int], ...] = (),
        bugs: tuple[str, ...] = (),
        kernel: str = "",
        thp: int = THP_NEVER,
        mthp: int = 0,
        max_ptes_none: int = -1,
        max_ptes_shared: int = -1,
        swap: int = 0,
        swap_device: int = SWAP_DISK,
    ) -> None:
        self.pmd_order = pmd_order
        self.frames = frames
        self.pages = pages
        self.cpus = cpus
        self.steps = steps
        self.stack_gap = stack_gap
        self.folio_batch = folio_batch
        self.gather_batch = gather_batch
        self.flush_ceiling = flush_ceiling
        self.placement = placement
        self.bugs = bugs
        self.kernel = kernel
        self.thp = thp
        self.mthp = mthp
        self.max_ptes_none = max_ptes_none
        self.max_ptes_shared = max_ptes_shared
        self.swap = swap
        self.swap_device = swap_device


@final
@dataclass(init=False, unsafe_hash=True)
class Op:
    """One operation of one actor. `code` is the row number in `simulator.ops`; `args` are
    its integer slots in the order of that row."""

    uid: Final[int]
    actor: Final[int]
    code: Final[int]
    args: Final[tuple[int, ...]]

    def __init__(self, uid: int, actor: int, code: int, args: tuple[int, ...] = ()) -> None:
        self.uid = uid
        self.actor = actor
        self.code = code
        self.args = args


@final
@dataclass(init=False, unsafe_hash=True, order=True)
class Directive:
    """One schedule entry, anchored to the `visit`-th (from 1) passing of `site` in op `uid`."""

    uid: Final[int]
    site: Final[str]
    visit: Final[int]
    kind: Final[int]
    arg: Final[int]

    def __init__(self, uid: int, site: str, visit: int, kind: int, arg: int = 0) -> None:
        self.uid = uid
        self.site = site
        self.visit = visit
        self.kind = kind
        self.arg = arg


@final
@dataclass(init=False, unsafe_hash=True)
class Scenario:
    """Config, ops in text order, directives in canonical order, and the text's headers."""

    config: Final[Config]
    ops: Final[tuple[Op, ...]]
    directives: Final[tuple[Directive, ...]]
    headers: Final[tuple[tuple[str, str], ...]]  # ("title", "..."), canonical order

    def __init__(
        self,
        config: Config | None = None,
        ops: tuple[Op, ...] = (),
        directives: tuple[Directive, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.config = Config() if config is None else config
        self.ops = ops
        self.directives = directives
        self.headers = headers

    def with_ops(self, ops: tuple[Op, ...]) -> "Scenario":
        """The same scenario with other ops; directives of ops that are gone are dropped."""
        uids = {op.uid for op in ops}
        directives = tuple([d for d in self.directives if d.uid in uids])
        return Scenario(self.config, ops, directives, self.headers)

    def with_directives(self, directives: tuple[Directive, ...]) -> "Scenario":
        """The same scenario with these directives in canonical order: by the place of their
        op, then site name, then visit. Two directives of one anchor must differ in kind."""
        place = {op.uid: i for i, op in enumerate(self.ops)}
        keyed = {
            (place[d.uid], d.site, d.visit, d.kind, d.arg): d for d in directives if d.uid in place
        }
        kept = tuple([keyed[key] for key in sorted(keyed)])
        return Scenario(self.config, self.ops, kept, self.headers)
