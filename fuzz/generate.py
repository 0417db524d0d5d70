# SPDX-License-Identifier: MIT
"""New scenarios: a machine, a cast of actors, some memory set up, then ops that meet on it.

Contract: `generate` is a function of its random numbers; the scenario passes
`simulator.validate`, is within the fuzz limits, has at most `max_ops` ops and no directives
(strategies find the schedule). Small programs are favoured. Every scenario draws its own
subset of ops and its own config ("swarm"): leaving out most of the table is what gives the
rest the room to interact.

It knows what makes mm scenarios interesting in general, and nothing of any known bug.
"""

from typing import Final

from mypy_extensions import i64

from fuzz.operands import can_run, make_args, pick_page
from fuzz.rng import Rng
from fuzz.sketch import MAPPED, READABLE, WRITABLE, Sketch
from fuzz.slots import ACTORS_OF_CODE, CODES_OF_ACTOR, NR_CODES
from simulator.build.native import final
from simulator.ops import (
    MADV_HUGEPAGE,
    MADV_NOHUGEPAGE,
    MADV_POPULATE_WRITE,
    OP_CLEAR_REFS,
    OP_DEVICE_ATOMIC,
    OP_DEVICE_CLOSE,
    OP_DEVICE_EXCLUSIVE,
    OP_DEVICE_OPEN,
    OP_DEVICE_READ,
    OP_DEVICE_WRITE,
    OP_DMA_READ,
    OP_DMA_WRITE,
    OP_EXIT,
    OP_FALLOCATE,
    OP_FILE_READ,
    OP_FILE_WRITE,
    OP_FORK,
    OP_FSTAT,
    OP_FTRUNCATE,
    OP_KILL,
    OP_LSEEK,
    OP_MADVISE,
    OP_MEM_READ,
    OP_MEM_WRITE,
    OP_MEMFD,
    OP_MIGRATE_TO_DEVICE,
    OP_MIGRATE_TO_RAM,
    OP_MINCORE,
    OP_MLOCK,
    OP_MLOCK2,
    OP_MLOCKALL,
    OP_MMAP,
    OP_MPROTECT,
    OP_MREMAP,
    OP_MUNLOCK,
    OP_MUNLOCKALL,
    OP_MUNMAP,
    OP_PAGEMAP,
    OP_PIN,
    OP_PIN_FAST,
    OP_PIPE_READ,
    OP_PREAD,
    OP_PROCMAP,
    OP_PWRITE,
    OP_READ,
    OP_RECLAIM,
    OP_SCAN,
    OP_SLEEP,
    OP_SWAPOFF,
    OP_UFFD_CLOSE,
    OP_UFFD_CONTINUE,
    OP_UFFD_COPY,
    OP_UFFD_POISON,
    OP_UFFD_READ,
    OP_UFFD_REGISTER,
    OP_UFFD_UNREGISTER,
    OP_UFFD_WAKE,
    OP_UFFD_WRITEPROTECT,
    OP_UFFD_ZEROPAGE,
    OP_UNPIN,
    OP_USERFAULTFD,
    OP_VMSPLICE,
    OP_WRITE,
    PROTS,
    of_every_op,
)
from simulator.scenario import (
    DEVICE,
    DEVICE1,
    KHUGEPAGED,
    KSWAPD,
    MAX_FUZZ_ACTORS,
    MAX_FUZZ_OPS,
    NR_USER_ACTORS,
    SWAP_DEVICES,
    THP_ALWAYS,
    THP_MADVISE,
    THP_NEVER,
    WORDS_PER_PAGE,
    Config,
    Op,
    Scenario,
)

# How often an op comes up when its scenario has it. Accesses are what notices most bugs.
_WEIGHTS: Final[dict[int, int]] = {
    OP_READ: 12,
    OP_WRITE: 14,
    OP_MMAP: 4,
    OP_MUNMAP: 5,
    OP_MREMAP: 6,
    OP_MPROTECT: 6,
    OP_MADVISE: 10,
    OP_FORK: 2,
    OP_EXIT: 1,
    OP_MEMFD: 1,
    OP_PREAD: 2,
    OP_PWRITE: 3,
    OP_CLEAR_REFS: 4,
    OP_PAGEMAP: 3,
    OP_MEM_READ: 3,
    OP_MEM_WRITE: 5,
    OP_PIN: 4,
    OP_PIN_FAST: 5,
    OP_UNPIN: 3,
    OP_DMA_READ: 4,
    OP_DMA_WRITE: 4,
    OP_VMSPLICE: 3,
    OP_PIPE_READ: 3,
    OP_SLEEP: 2,
    OP_MIGRATE_TO_DEVICE: 12,
    OP_MIGRATE_TO_RAM: 4,
    OP_DEVICE_READ: 5,
    OP_DEVICE_WRITE: 5,
    OP_MINCORE: 2,
    OP_KILL: 1,
    OP_PROCMAP: 2,
    OP_DEVICE_OPEN: 2,
    OP_DEVICE_CLOSE: 2,
    OP_SCAN: 8,
    OP_RECLAIM: 12,
    OP_SWAPOFF: 1,
    OP_DEVICE_EXCLUSIVE: 6,
    OP_DEVICE_ATOMIC: 5,
    OP_MLOCK: 4,
    OP_MUNLOCK: 3,
    OP_MLOCK2: 2,
    OP_MLOCKALL: 2,
    OP_MUNLOCKALL: 1,
    OP_USERFAULTFD: 2,
    OP_UFFD_CLOSE: 2,
    OP_UFFD_REGISTER: 6,
    OP_UFFD_UNREGISTER: 2,
    OP_UFFD_COPY: 10,
    OP_UFFD_ZEROPAGE: 4,
    OP_UFFD_WAKE: 2,
    OP_UFFD_READ: 3,
    OP_FTRUNCATE: 6,
    OP_FALLOCATE: 6,
    OP_LSEEK: 3,
    OP_FILE_READ: 2,
    OP_FILE_WRITE: 2,
    OP_FSTAT: 2,
    OP_UFFD_WRITEPROTECT: 9,
    OP_UFFD_CONTINUE: 5,
    OP_UFFD_POISON: 3,
}
# Never left out: without memory and accesses nothing happens. DEVICE has few rows anyway.
_ALWAYS: Final = (OP_READ, OP_WRITE, OP_MIGRATE_TO_DEVICE, OP_SCAN)
# Rows that only make sense together are drawn together.
_FAMILIES: Final = (
    (OP_PIN, OP_PIN_FAST, OP_UNPIN, OP_DMA_READ, OP_DMA_WRITE),
    (OP_VMSPLICE, OP_PIPE_READ),
    (OP_MEMFD, OP_PREAD, OP_PWRITE, OP_FTRUNCATE, OP_FALLOCATE),
    (OP_LSEEK, OP_FILE_READ, OP_FILE_WRITE, OP_FSTAT),
    (OP_CLEAR_REFS, OP_PAGEMAP),
    (OP_DEVICE_EXCLUSIVE, OP_DEVICE_ATOMIC),
    (OP_MLOCK, OP_MUNLOCK, OP_MLOCK2, OP_MLOCKALL, OP_MUNLOCKALL),
    (
        OP_USERFAULTFD,
        OP_UFFD_CLOSE,
        OP_UFFD_REGISTER,
        OP_UFFD_UNREGISTER,
        OP_UFFD_COPY,
        OP_UFFD_ZEROPAGE,
        OP_UFFD_WAKE,
        OP_UFFD_READ,
        OP_UFFD_WRITEPROTECT,
        OP_UFFD_CONTINUE,
        OP_UFFD_POISON,
    ),
)


def _weight_table() -> list[int]:
    of_every_op("generate._WEIGHTS", _WEIGHTS)
    table = [0] * NR_CODES
    for code, weight in _WEIGHTS.items():
        table[code] = weight
    return table


WEIGHTS: Final[list[int]] = _weight_table()  # by row number
_RW: Final = PROTS.index("rw")
# A wanted op comes up about as often as a store more, and leaves room for what it meets.
_WANTED: Final[i64] = 12
_MAX_CAST: Final[i64] = 5  # more actors only dilute a small program ...
_CROWD: Final[i64] = 8  # ... but what is counted per CPU or per family needs them at times
_CROWD_ONE_IN: Final[i64] = 32


def pick_code(sketch: Sketch, rng: Rng, actor: i64, weights: list[int]) -> i64:
    """A row that `actor` may run and that has a chance in the sketch; a load at worst."""
    codes = CODES_OF_ACTOR[actor]
    total: i64 = 0
    for code in codes:
        total += weights[code]
    tries: i64 = 0
    while tries < 4:
        left = rng.below(total)
        for code in codes:
            left -= weights[code]
            if left < 0:
                if can_run(sketch, actor, code):
                    return code
                break
        tries += 1
    return codes[0]


def weights_with(every: list[int], wanted: list[int]) -> list[int]:
    """Weights of rows, with those of some rows raised."""
    weights = list(every)
    for code in wanted:
        weights[code] += _WANTED
    return weights


def small_number(rng: Rng, low: i64, high: i64) -> i64:
    """In low..high: mostly at most 4 * low, sometimes anything."""
    if rng.chance(1, 8):
        return rng.between(low, high)
    return rng.between(low, min(high, 4 * low))


def pick_config(rng: Rng) -> Config:
    """A small machine. One cpu for each actor most of the time; shared ones, where context
    switches happen, a third of the time."""
    r = rng.below(16)
    cpus: i64 = 0
    if r < 2:
        cpus = 1
    elif r < 5:
        cpus = 2
    placement: list[tuple[int, int]] = []
    if cpus == 2 and rng.chance(1, 2):
        actor: i64 = 0
        while actor < 4:
            placement.append((actor, rng.below(2)))
            actor += 1
    thp = pick_thp(rng)
    pmd_order: i64 = 3 if rng.chance(7, 8) else 4
    mthp = pick_mthp(rng, thp, pmd_order)
    return Config(
        pmd_order=pmd_order,
        frames=pick_frames(rng),
        cpus=cpus,
        stack_gap=pick_tunable(rng),
        folio_batch=pick_tunable(rng),
        gather_batch=pick_tunable(rng),
        flush_ceiling=pick_tunable(rng),
        placement=tuple(placement),
        thp=thp,
        mthp=mthp,
        max_ptes_none=pick_max_ptes_none(rng, thp, mthp, pmd_order),
        max_ptes_shared=pick_max_ptes(rng, thp, pmd_order),
        swap=pick_swap(rng),
        swap_device=rng.below(len(SWAP_DEVICES)),
    )


def pick_thp(rng: Rng) -> i64:
    """Huge pages for all anonymous memory, where advised, or for none."""
    r = rng.below(16)
    if r < 6:
        return THP_NEVER
    return THP_ALWAYS if r < 13 else THP_MADVISE


def pick_mthp(rng: Rng, thp: i64, pmd_order: i64) -> i64:
    """Orders of large folios below that of the PMD: none mostly, else any."""
    if thp == THP_NEVER or rng.chance(3, 4):
        return 0
    return rng.below(1 << pmd_order) & ~3 | 4


def pick_max_ptes_none(rng: Rng, thp: i64, mthp: i64, pmd_order: i64) -> i64:
    """With smaller orders mostly none or a few: by default all that khugepaged makes is huge."""
    if mthp == 0 or rng.chance(1, 4):
        return pick_max_ptes(rng, thp, pmd_order)
    return 0 if rng.chance(2, 3) else rng.below(1 << pmd_order)


def pick_max_ptes(rng: Rng, thp: i64, pmd_order: i64) -> i64:
    """A limit of khugepaged: the default mostly, none, or a few."""
    if thp == THP_NEVER or rng.chance(3, 4):
        return -1
    return 0 if rng.chance(1, 2) else rng.below(1 << pmd_order)


def pick_swap(rng: Rng) -> i64:
    """Slots of the swap device: none mostly, few enough to run out now and then, or plenty."""
    if rng.chance(5, 8):
        return 0
    return 64 if rng.chance(3, 4) else 1 + rng.below(8)


def pick_frames(rng: Rng) -> i64:
    """Physical pages: few enough that memory runs out now and then."""
    r = rng.below(16)
    if r < 10:
        return 64
    if r < 13:
        return 32 if r < 12 else 16
    return 128 if r < 15 else 256


def pick_tunable(rng: Rng) -> i64:
    """A kernel constant: the default mostly, else one that makes its limit easy to hit."""
    r = rng.below(16)
    if r < 10:
        return 0
    return 1 << rng.below(5)


@final
class _Draft:
    """A scenario while it is written."""

    def __init__(self, rng: Rng, weights: list[int], max_ops: i64, pages: i64, ptrs: i64) -> None:
        self.rng: Rng = rng
        self.weights: list[int] = weights
        self.max_ops: i64 = max_ops
        self.ops: list[Op] = []
        self.cast: list[int] = [0]
        self.children: list[int] = []  # of the cast, not yet forked
        children: i64 = 0
        device = weights[OP_MIGRATE_TO_DEVICE] > 0
        crowd = rng.chance(1, _CROWD_ONE_IN)
        size: i64 = _CROWD - 1
        if not crowd:
            size = small_number(rng, 1, _MAX_CAST - 1) if rng.chance(15, 16) else 0
        actor: i64 = 0
        i: i64 = 0
        while i < size:
            i += 1
            r = rng.below(16)
            if r < 3 and device and DEVICE not in self.cast and not crowd:
                self.cast.append(DEVICE)
                continue
            if r < 2 and device and DEVICE1 not in self.cast and not crowd:
                self.cast.append(DEVICE1)
                continue
            if r == 3 and weights[OP_SCAN] and KHUGEPAGED not in self.cast and not crowd:
                self.cast.append(KHUGEPAGED)
                continue
            if r > 12 and weights[OP_RECLAIM] and KSWAPD not in self.cast and not crowd:
                self.cast.append(KSWAPD)
                continue
            actor += 1
            if r < 8 or crowd:
                self.children.append(actor)
                children |= 1 << actor
            else:
                self.cast.append(actor)
        self.sketch: Sketch = Sketch(pages, ptrs, children)

    def call_in(self, code: i64) -> None:
        """Somebody is to be there who may run the row, if there is room."""
        able = ACTORS_OF_CODE[code]
        for actor in self.cast:
            if (able >> actor) & 1:
                return
        if len(self.cast) + len(self.children) >= MAX_FUZZ_ACTORS:
            return
        actor_id: i64 = 0
        while not (able >> actor_id) & 1:
            actor_id += 1
        self.cast.append(actor_id)

    def full(self) -> bool:
        return len(self.ops) >= self.max_ops

    def add(self, actor: i64, code: i64, args: tuple[int, ...]) -> None:
        if self.full():
            return
        op = Op(len(self.ops) + 1, actor, code, args)
        self.sketch.apply(op)
        self.ops.append(op)

    def fork(self) -> None:
        """Fork the next child that the cast plans, if there is one. T0 does it, or the
        youngest, or anybody: families get wide and deep. At times the parent is gone then."""
        rng = self.rng
        r = rng.below(3)
        actor: i64 = 0
        if r == 1:
            actor = self.cast[len(self.cast) - 1]
        elif r == 2:
            actor = rng.pick(self.cast)
        if actor >= NR_USER_ACTORS or not self.sketch.exists(actor):
            actor = 0
        if self.children and not self.full() and self.sketch.exists(actor):
            child = self.children.pop(0)
            self.add(actor, OP_FORK, (child,))
            self.cast.append(child)
            if actor != 0 and rng.chance(1, 8):
                self.add(actor, OP_EXIT, ())

    def set_up(self) -> None:
        """T0 maps memory, touches some of it, and perhaps forks."""
        rng = self.rng
        if self.weights[OP_MEMFD] and rng.chance(3, 4):
            self.add(0, OP_MEMFD, make_args(self.sketch, rng, 0, OP_MEMFD))
        if KHUGEPAGED in self.cast and rng.chance(1, 2):
            self.small_pages()
        mappings = small_number(rng, 1, 3) if rng.chance(1, 2) else 1
        while mappings > 0:
            self.add(0, OP_MMAP, make_args(self.sketch, rng, 0, OP_MMAP))
            mappings -= 1
        if self.weights[OP_USERFAULTFD] and rng.chance(7, 8):
            for code in (OP_USERFAULTFD, OP_UFFD_REGISTER):
                self.add(0, code, make_args(self.sketch, rng, 0, code))
        touches = rng.between(0, 3) if self.weights[OP_WRITE] else 0
        while touches > 0:
            page = pick_page(self.sketch, rng, 0, MAPPED | WRITABLE)
            self.add(0, OP_WRITE, (page * WORDS_PER_PAGE,))
            touches -= 1
        while self.children and rng.chance(3, 4):
            self.fork()

    def small_pages(self) -> None:
        """What khugepaged lives on: small pages in a row, in memory that is to have huge ones."""
        rng = self.rng
        ptrs = self.sketch.ptrs
        start = rng.below(max(1, self.sketch.pages // ptrs)) * ptrs
        end = start + ptrs
        self.add(0, OP_MMAP, (start, end, _RW, 0, 0, 0, 0))  # private, anonymous
        self.add(0, OP_MADVISE, (start, end, MADV_NOHUGEPAGE))
        size: i64 = min(ptrs, 4 << rng.below(2))
        first = start + rng.below(ptrs // size) * size
        self.add(0, OP_MADVISE, (first, first + size, MADV_POPULATE_WRITE))
        self.add(0, OP_MADVISE, (start, end, MADV_HUGEPAGE))

    def meet(self, size: i64) -> None:
        """Ops of the whole cast."""
        rng = self.rng
        actor: i64 = 0
        while size > 0 and not self.full():
            size -= 1
            if rng.chance(3, 4):
                actor = rng.pick(self.cast)
            if not self.sketch.exists(actor):
                actor = 0
            if rng.chance(1, 8):
                self.fork()
            code = pick_code(self.sketch, rng, actor, self.weights)
            if code == OP_FORK:
                self.fork()
            elif code != OP_EXIT or rng.chance(1, 2):
                self.add(actor, code, make_args(self.sketch, rng, actor, code))

    def look(self) -> None:
        """A few loads at the end: what earlier ops broke must be seen by somebody."""
        rng = self.rng
        count = rng.between(0, 2) if self.weights[OP_READ] else 0
        while count > 0:
            count -= 1
            actor = rng.pick(self.cast)
            if actor < NR_USER_ACTORS and self.sketch.exists(actor):
                mm = self.sketch.mm_of[actor]
                page = pick_page(self.sketch, rng, mm, MAPPED | READABLE)
                self.add(actor, OP_READ, (page * WORDS_PER_PAGE,))


def _swarm(rng: Rng, every: list[int], wanted: list[int]) -> list[int]:
    """Weights with about half of the ops left out, families as a whole; none that is wanted."""
    weights = [w if rng.chance(5, 8) else 0 for w in every]
    for family in _FAMILIES:
        keep = rng.chance(3, 8)
        for code in wanted:
            if code in family:
                keep = True
        for code in family:
            weights[code] = every[code] if keep else 0
    for code in _ALWAYS:
        weights[code] = every[code]
    for code in wanted:
        weights[code] = every[code]
    return weights


def generate(rng: Rng, max_ops: int, wanted: list[int] | None = None) -> Scenario:
    """A new scenario of 1..`max_ops` ops, in which the rows of `wanted` are likely."""
    config = pick_config(rng)
    ptrs = 1 << config.pmd_order
    pages = config.pages or 8 * ptrs
    ops = write_ops(rng, max_ops, WEIGHTS, pages, ptrs, config.swap > 0, wanted)
    return Scenario(config, ops)


def write_ops(
    rng: Rng,
    max_ops: int,
    weights: list[int],
    pages: int,
    ptrs: int,
    swap: bool = False,
    wanted: list[int] | None = None,
) -> tuple[Op, ...]:
    """1..`max_ops` ops of rows that have a weight, in an arena of `pages`, where one page table
    maps `ptrs`. Without the rows of DEVICE there is none; `swap` says whether there is swap; the
    rows of `wanted`, which have a weight, are likely, and somebody is there who may run them."""
    limit: i64 = min(max(1, max_ops), MAX_FUZZ_OPS)
    aims: list[int] = wanted if wanted is not None else []
    swarm = weights_with(_swarm(rng, weights, aims), aims)
    if not swap:
        for code in (OP_RECLAIM, OP_SWAPOFF):
            if code not in aims:
                swarm[code] = 0
    elif OP_RECLAIM not in aims and rng.chance(3, 4):
        swarm[OP_RECLAIM] = weights[OP_RECLAIM]
    if swap and rng.chance(3, 4):
        swarm[OP_MADVISE] = 3 * weights[OP_MADVISE]
    draft = _Draft(rng, swarm, limit, pages, ptrs)
    draft.sketch.swap = swap
    for code in aims:
        draft.call_in(code)
    draft.set_up()
    draft.meet(small_number(rng, 3, limit))
    draft.look()
    return tuple(draft.ops)
