# SPDX-License-Identifier: MIT
"""`Kernel`: all state of one simulated machine, and `step`, which everything goes through.

Contract: model code calls `k.step(SITE, obj, access)` just before an access that another CPU
could see or disturb; there, and only there, another actor may run. State is changed by the
model's plain functions. This class keeps steps, digest and feedback, and stores what subsystems
work on, each of which resets its own before a run.

Not promised: thread safety (one Kernel, one OS thread), or the same digest from another
build of the model.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, u8

from simulator import features, sites
from simulator.bugs import BugFlags, in_kernel, set_bug
from simulator.build.native import final, vec
from simulator.features import CONFLICT, EDGE
from simulator.kernels import KERNELS, Linux
from simulator.lib.slab import Slab
from simulator.mm import swap_types
from simulator.mm.mm_types import (
    PG_DEVICE_PRIVATE,
    PG_ZERO,
    AnonVma,
    Folio,
    Inode,
    Mm,
    Page,
    PageTable,
    Stale,
    UserfaultfdCtx,
    Vma,
)
from simulator.mm.swap_types import SwapInfo
from simulator.objects import OBJ_NONE
from simulator.ops import NR_FILES
from simulator.scenario import NR_ACTORS, NR_USER_ACTORS, SWAP_ZRAM, Config
from simulator.task import Schedule, Task
from simulator.validate import arena_pages
from simulator.watch import Watch

if TYPE_CHECKING:
    from greenlet import greenlet

    from simulator.machine.cpu import Cpu
    from simulator.mm.memremap import DevPagemap
    from simulator.mm.pins import Pin
    from simulator.sched.core import Upcalls
    from simulator.sched.strategy import Strategy

READ: Final = 0
WRITE: Final = 1

_M32: Final = 0xFFFFFFFF
# The digest is a polynomial in _FACTOR modulo 2**60. _FACTOR is greater than any `obj`, so that
# no step has the term of another one.
_FACTOR: Final = 0x851_F42D_4C95_7F2D
_DIGEST_MASK: Final = 0xFFF_FFFF_FFFF_FFFF
# Slots of the last-access table behind the conflict zone. Modulo this number few of the objects
# that one run touches are the same.
LAST_SIZE: Final = 997
assert NR_ACTORS <= 16, "step() and the tables of last accesses have four bits for an actor"
MAX_PAGE_ORDER: Final = 9  # the largest block: what a PMD entry maps at most
RETRIES_UNTIL_FAIR: Final = 24  # retries of one op after which the schedule becomes fair


@final
class Kernel:
    """One machine. Reused from run to run."""

    def __init__(self) -> None:
        # Feedback, over all runs.
        self.counters: Final[vec[u8]] = vec[u8]([u8(0)] * features.COUNTERS_SIZE)
        self.counted: Final[vec[i64]] = vec[i64]([0] * features.COUNTERS_SIZE)  # not zero:
        self.nr_counted: i64 = 0  # the first so many
        self.sites_seen: Final[vec[i64]] = vec[i64]([0] * sites.NR_SITES)  # visits
        self.sites_left: Final[vec[i64]] = vec[i64]([0] * sites.NR_SITES)  # preemptions
        self.named_seen: Final[vec[i64]] = vec[i64]([0] * len(features.NAMED_SITUATIONS))

        # Steps of this run.
        self.tasks: Final[list[Task]] = [Task(i) for i in range(NR_ACTORS)]
        self.cur: Task = self.tasks[0]
        self.nr_steps: i64 = 0
        self.alarm: i64 = 0  # step at which the slow path is taken
        self.digest: i64 = 0
        self.last_access: vec[i64] = vec[i64]()  # who came last, by object; 0 nobody
        self.tokens: i64 = 0  # stores so far
        self.sched: Schedule = Schedule([], 0)
        self.strategy: Strategy | None = None
        self.above: Upcalls = core.Upcalls()
        self.watch: Watch = Watch()  # who is told what happens
        self.tracing: bool = False

        # Configuration of this run.
        self.pmd_order: i64 = 3
        self.ptrs_per_pte: i64 = 8
        self.nr_frames: i64 = 64
        self.thp: i64 = 0  # scenario.THP_*
        self.mthp: i64 = 0  # orders of large folios below the PMD's
        self.max_ptes_none: i64 = 0  # khugepaged's knobs
        self.max_ptes_shared: i64 = 0
        self.nr_arena: i64 = 64
        self.stack_gap: i64 = 1
        self.folio_batch: i64 = 2
        self.gather_batch: i64 = 4
        self.flush_ceiling: i64 = 4
        self.bug: BugFlags = BugFlags()
        self.linux: Linux = KERNELS[""]

        # What subsystems keep here: theirs to use and to reset.
        self.hub: greenlet | None = None  # engine.py
        self.idle_stacks: list[greenlet] = []
        self.busy_stacks: list[greenlet] = []
        self.cpus: list[Cpu] = []  # machine/cpu.py
        self.cpu_pool: list[Cpu] = []
        self.shared_cpus: bool = False
        self.stale_pool: list[Stale] = []  # machine/mmu.py
        self.seq: i64 = 0  # counts page table writes that took something away
        self.frames: Final[Slab[Page]] = Slab()  # mm/page_alloc.py
        # By order, the first frames of free blocks of more than one frame, and how many frames
        # those are: mm/page_alloc.py.
        self.free_blocks: Final[list[list[int]]] = [[] for _ in range(MAX_PAGE_ORDER + 1)]
        self.nr_block_frames: i64 = 0
        self.deferred_split: list[Folio] = []  # mm/deferred_split.py
        self.lru_hand: i64 = 0  # mm/kswapd.py: the frame at which the last scan has stopped
        self.swap: Final[SwapInfo] = SwapInfo()  # mm/swapfile.py, swap_state.py
        self.zero_page: Final[Page] = Page(0)
        self.pagemaps: list[DevPagemap] = []  # mm/memremap.py: by page frame number
        self.tables: Final[Slab[PageTable]] = Slab()  # mm/pgtable.py
        self.rcu_tables: list[PageTable] = []  # mm/mmu_gather.py: tables that wait for readers
        self.rcu_masks: list[i64] = []
        self.vmas: Final[Slab[Vma]] = Slab()  # mm/vma.py
        self.anon_vmas: Final[Slab[AnonVma]] = Slab()  # mm/anon_vma.py
        self.mms: list[Mm] = []  # kernel/fork.py: by id
        self.inodes: list[Inode] = [Inode(i) for i in range(NR_FILES)]  # mm/shmem.py
        self.other_files: list[Inode] = []
        self.shared_anon: list[Inode] = []  # files behind shared anonymous mappings
        self.pins: list[Pin] = []  # mm/pins.py
        self.open_pins: i64 = 0
        self.uffds: list[UserfaultfdCtx | None] = []  # mm/userfaultfd.py: by handle
        self.uffd_contexts: list[UserfaultfdCtx] = []  # all that the run has opened

    def begin(self, c: Config, strategy: "Strategy | None", tracing: bool) -> None:
        """A run on the machine `c` begins: no steps yet."""
        large = c.pmd_order == 9
        self.pmd_order = c.pmd_order
        self.ptrs_per_pte = 1 << c.pmd_order
        self.nr_frames = c.frames
        self.thp = c.thp
        self.mthp = c.mthp
        self.lru_hand = 0
        swap_types.reset(self.swap, c.swap, c.swap_device == SWAP_ZRAM)
        self.max_ptes_none = (1 << c.pmd_order) - 1 if c.max_ptes_none < 0 else c.max_ptes_none
        self.max_ptes_shared = self.ptrs_per_pte // 2
        if c.max_ptes_shared >= 0:
            self.max_ptes_shared = c.max_ptes_shared
        self.nr_arena = arena_pages(c)
        self.stack_gap = c.stack_gap or (256 if large else 1)
        self.folio_batch = c.folio_batch or (31 if large else 2)
        self.gather_batch = c.gather_batch or (512 if large else 4)
        self.flush_ceiling = c.flush_ceiling or (33 if large else 4)
        self.linux = KERNELS[c.kernel]
        self.bug = BugFlags()
        for bug in in_kernel(c.kernel) + list(c.bugs):
            set_bug(self.bug, bug)
        self.nr_steps = 0
        self.digest = 1
        self.last_access = vec[i64]([0] * LAST_SIZE)
        self.tokens = 0
        self.strategy = strategy
        self.tracing = tracing

    # --- steps, digest, feedback ------------------------------------------------------------

    def step(self, site: i64, obj: i64, access: i64) -> None:
        """Announce the access that comes next. Other actors may run before it returns.

        `site` is a constant of `simulator.sites`, `obj` one of `simulator.objects` (OBJ_NONE for a
        place that touches nothing shared), `access` READ or WRITE.
        """
        n = self.nr_steps + 1
        self.nr_steps = n
        t = self.cur
        word = site * 32 + access * 16 + t.id  # four bits of actors: see the assertion above
        self.digest = ((self.digest + word) * _FACTOR + obj) & _DIGEST_MASK
        feature = EDGE + ((t.site * 41 ^ site) & 8191)
        count = self.counters[feature]
        if count == 0:
            self._first(feature)
        elif count != 255:
            self.counters[feature] = count + 1
        t.site = site
        self.sites_seen[site] += 1
        if obj >= 0:
            h = obj % LAST_SIZE
            last = self.last_access[h]
            if last and (last ^ word) & 15 and (last | word) & 16:  # another actor, and a write
                self.feature(CONFLICT + (((last >> 5) * 173 ^ site * 5) & 8191))
            self.last_access[h] = word
        if n >= self.alarm:
            core.interpose(self, t, site, obj, access)
            if self.tracing:
                self.watch.accessing(self, t, site, obj, access)

    def fold(self, value: i64) -> None:
        """Mix a result or a loaded value into the digest."""
        self.digest = (self.digest * _FACTOR + (value & _M32)) & _DIGEST_MASK

    def sometimes(self, situation: i64) -> None:
        """A named rare situation (features.Z_*) has come up."""
        self.feature(features.NAMED + situation)
        self.named_seen[situation] += 1

    def feature(self, i: i64) -> None:
        """Count one feature, by its place in the map (simulator/features.py), up to 255."""
        count = self.counters[i]
        if count == 0:
            self._first(i)
        elif count != 255:
            self.counters[i] = count + 1

    def _first(self, i: i64) -> None:
        """Feature `i` was not counted before: `clear_counters` must know of it."""
        self.counted[self.nr_counted] = i
        self.nr_counted += 1
        self.counters[i] = u8(1)

    def clear_counters(self) -> None:
        """Zero the feedback map: only what is not zero, for a run counts in few places."""
        c = self.counters
        for n in range(self.nr_counted):
            c[self.counted[n]] = u8(0)
        self.nr_counted = 0

    def feature_preempt(self, site: i64, target: i64) -> None:
        """An actor was preempted at `site` in favour of `target`."""
        self.sites_left[site] += 1
        kind: i64 = 0 if is_user(target) else target
        self.feature(features.PREEMPT + (site * 16 + kind) % features.PREEMPT_SIZE)

    def violate(self, oracle: str, culprit: i64, cls: str, promise: str) -> None:
        """A promise is broken: freeze the run. Never returns to the caller.

        `culprit` is a site of the kernel function that broke it, `cls` the class of the
        object, `promise` one sentence for people.
        """
        core.fail(self, oracle, culprit, cls, promise)

    def class_of(self, page: Page) -> str:
        """The object class of a page in signatures."""
        folio = page.folio
        if folio.flags & PG_ZERO:
            return "zero-page"
        if folio.flags & PG_DEVICE_PRIVATE:
            return "device-private"
        if folio.inode is not None:
            return "file"
        return "anon"

    def new_token(self) -> i64:
        """A unique value for the next store."""
        self.tokens += 1
        return self.tokens

    def should_fail(self, site: i64, obj: i64) -> bool:
        """A step before an allocation or trylock that a directive may make fail."""
        self.step(site, obj, WRITE)
        t = self.cur
        if t.inject_fail:
            t.inject_fail = False
            t.met = -1
            self.sched.used[t.inject_index] = 1
            return True
        s = self.strategy
        if s is not None and t.watch and not self.sched.fair and s.fail(site):
            core.record_fault(self, t, site)
            t.met = -1
            return True
        return False

    def retry(self, site: i64) -> None:
        """The back edge of a loop that only others can end. A bounded number of them is
        normal; past that the schedule becomes fair, and past more it is a livelock (O10)."""
        t = self.cur
        t.retries += 1
        t.retried_at = site
        if t.retries > RETRIES_UNTIL_FAIR:
            core.fair_turn(self, t, site)
        else:
            self.step(site, OBJ_NONE, READ)

    def retry_on(self, site: i64, found: i64) -> None:
        """The back edge of a loop that waits for `found` to change: rounds that find nothing new
        count towards a livelock."""
        t = self.cur
        if t.met == found and t.idle_since == self.sched.nr_ended:
            t.idle_rounds += 1
            core.idle_round(self, t, site)
        else:
            t.idle_rounds = 0
            t.idle_since = self.sched.nr_ended
            t.met = found
        self.retry(site)

    def note(self, text: str) -> None:
        """A line of the trace for people. Guard the call with `k.tracing`."""
        self.watch.noted(self, text)


def is_user(actor: i64) -> bool:
    return actor < NR_USER_ACTORS


# Where the scheduler comes in: a step takes its slow path, and the scheduler works on Kernel. The
# one circle of the model.
from simulator.sched import core  # noqa: E402
