# SPDX-License-Identifier: MIT
"""`Kernel`: all state of one simulated machine, and `step`, which everything goes through.

Contract: model code calls `k.step(SITE, obj, access)` just before an access that another CPU
could see or disturb; there, and only there, another actor may run. State is changed by the
model's plain functions; this class stores it, hands out pooled objects, keeps digest and
feedback. `reset` costs what the last run touched.

Not promised: thread safety (one Kernel, one OS thread), or the same digest from another
build of the model.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, u8

from simulator import features, sites
from simulator.bugs import BugFlags
from simulator.build.native import final, vec
from simulator.features import CONFLICT, EDGE
from simulator.kernels import KERNELS, Linux
from simulator.lock_classes import NR_LOCK_CLASSES
from simulator.mm.mm_types import (
    NR_REFS, PG_DEVICE_PRIVATE, PG_ZERO, AnonVma, Inode, Mm, Page, PageTable,
    RwSem, Stale, Vma,
)
from simulator.objects import OBJ_NONE
from simulator.scenario import MAX_OPS, NR_ACTORS, NR_USER_ACTORS, Op
from simulator.watch import Watch

if TYPE_CHECKING:
    from greenlet import greenlet

    from simulator.machine.cpu import Cpu
    from simulator.mm.memremap import DevPagemap
    from simulator.mm.mmu_notifier import MmuIntervalNotifier
    from simulator.mm.pins import Pin
    from simulator.observer import Observer
    from simulator.sched.core import Upcalls
    from simulator.sched.strategy import Strategy

READ: Final = 0
WRITE: Final = 1
GARBAGE: Final = -1  # what a frame holds that nobody has used in this run; never a token

_M32: Final = 0xFFFFFFFF
# The digest is a polynomial in _FACTOR modulo 2**60. _FACTOR is greater than any `obj`, so that
# no step has the term of another one.
_FACTOR: Final = 0x851_F42D_4C95_7F2D
_DIGEST_MASK: Final = 0xFFF_FFFF_FFFF_FFFF
# Slots of the last-access table behind the conflict zone. Modulo this number few of the objects
# that one run touches are the same.
LAST_SIZE: Final = 997
assert NR_ACTORS <= 16, "step() and the tables of last accesses have four bits for an actor"
RETRIES_UNTIL_FAIR: Final = 24  # retries of one op after which the schedule becomes fair

# States of an actor.
ABSENT: Final = 0  # no such process or thread yet
READY: Final = 1  # between two ops, or preempted inside one
BLOCKED: Final = 2  # waits for a lock or an acknowledgement
PARKED: Final = 3  # by a directive
GONE: Final = 4  # exited, or has no more ops


@final
class Planned:
    """A directive as the scheduler uses it."""

    def __init__(self, index: i64, site: i64, visit: i64, kind: i64, arg: i64) -> None:
        self.index: i64 = index  # in Scenario.directives
        self.site: i64 = site
        self.visit: i64 = visit
        self.kind: i64 = kind
        self.arg: i64 = arg


@final
class Task:
    """An actor: struct task_struct as far as mm and the scheduler need it."""

    def __init__(self, ident: i64) -> None:
        self.id: i64 = ident
        self.cpu: i64 = 0
        self.state: i64 = ABSENT
        self.mm: Mm | None = None
        self.ops: list[i64] = []  # indices of its ops in the scenario, in text order
        self.next: i64 = 0  # place in `ops`: the running op, or the next one
        self.in_op: bool = False
        self.pos: i64 = 0  # index of that op in the scenario: its priority
        self.uid: i64 = 0
        self.device: MmuIntervalNotifier | None = None  # what a driver's actor has opened
        self.stack: greenlet | None = None  # suspended inside an op
        self.site: i64 = 0
        self.retries: i64 = 0
        self.retried_at: i64 = 0  # site of the last of them
        self.idle_rounds: i64 = 0  # rounds of a loop that found the same as the one before
        self.idle_since: i64 = 0  # Kernel.nr_ended when the first of them began
        self.met: i64 = -1  # what the last round found
        self.watch: bool = False
        self.planned: list[Planned] = []
        self.visits: vec[i64] = vec[i64]([0] * sites.NR_SITES)
        self.visited: vec[i64] = vec[i64]([0] * sites.NR_SITES)  # the first `nr_visited`
        self.nr_visited: i64 = 0
        self.parked_until: i64 = -1  # op index
        self.inject_fail: bool = False
        self.inject_tlb: i64 = 0
        self.inject_ipi: i64 = 0
        self.inject_index: i64 = 0  # the directive behind them
        self.preempt_count: i64 = 0
        self.rcu_readers: i64 = 0
        self.rcu_at: i64 = 0  # site of who began the last read-side section
        self.held_mask: i64 = 0
        self.held: vec[i64] = vec[i64]([0] * NR_LOCK_CLASSES)
        self.took: vec[i64] = vec[i64]([0] * NR_LOCK_CLASSES)  # site of the last acquisition
        self.waits_for: i64 = -1  # actor that holds what this one waits for
        self.waits_class: i64 = 0
        self.began_seq: i64 = 0  # Kernel.seq when the op began
        self.alone: i64 = 0  # Kernel.nr_begun then, if nobody else was inside an op; else 0
        self.depth: list[str] = []  # trace only: functions on the inferred call stack
        self.in_switch: bool = False  # inside context_switch()
        self.acks_missing: i64 = 0  # IPIs sent and not yet handled
        self.gathering: i64 = 0  # mmu_gathers in progress
        self.through_stale: Stale | None = None  # what the last translation came from
        # Pages whose mapping changed under the current page table lock: the first `nr_recheck`.
        self.recheck: list[Page] = []
        self.nr_recheck: i64 = 0


@final
class Kernel:
    """One machine. Reused from run to run."""

    def __init__(self) -> None:
        self.counters: vec[u8] = vec[u8]([u8(0)] * features.COUNTERS_SIZE)
        self.sites_seen: vec[i64] = vec[i64]([0] * sites.NR_SITES)  # visits over all runs
        self.named_seen: vec[i64] = vec[i64]([0] * len(features.NAMED_SITUATIONS))
        self.last_access: vec[i64] = vec[i64]()  # who came last, by object; 0 nobody
        self.run_number: i64 = 0

        # Pools. The first `nr_*` of each are taken in this run.
        self.page_pool: list[Page] = []
        self.free_pages: list[Page] = []
        self.nr_pages: i64 = 0
        self.pagemaps: list[DevPagemap] = []  # device memory, by page frame number
        self.table_pool: list[PageTable] = []
        self.free_tables: list[PageTable] = []
        self.nr_tables: i64 = 0
        self.table_size: i64 = 0
        self.vma_pool: list[Vma] = []
        self.free_vmas: list[Vma] = []
        self.nr_vmas: i64 = 0
        self.anon_vma_pool: list[AnonVma] = []
        self.free_anon_vmas: list[AnonVma] = []
        self.nr_anon_vmas: i64 = 0
        self.mm_pool: list[Mm] = []
        self.nr_mms: i64 = 0
        self.stale_pool: list[Stale] = []
        self.mms: list[Mm] = []  # live ones, by id

        self.tasks: list[Task] = [Task(i) for i in range(NR_ACTORS)]
        self.cpu_pool: list[Cpu] = []
        self.cpus: list[Cpu] = []
        self.inodes: list[Inode] = [Inode(i) for i in range(4)]
        self.other_files: list[Inode] = []
        self.shared_anon: list[Inode] = []  # files behind shared anonymous mappings
        self.open_pins: i64 = 0
        self.pins: list[Pin] = []
        self.zero_page: Page = Page(0)

        # Configuration of this run.
        self.pmd_order: i64 = 3
        self.ptrs_per_pte: i64 = 8
        self.nr_frames: i64 = 64
        self.nr_arena: i64 = 64
        self.nr_cpus: i64 = 1
        self.max_steps: i64 = 0
        self.stack_gap: i64 = 1
        self.folio_batch: i64 = 2
        self.gather_batch: i64 = 4
        self.flush_ceiling: i64 = 4
        self.shared_cpus: bool = False
        self.bug: BugFlags = BugFlags()
        self.linux: Linux = KERNELS[""]

        # Scheduling.
        self.cur: Task = self.tasks[0]
        self.runnable: i64 = 0
        self.existing: i64 = 0  # actors that exist and may still run
        self.being_forked: i64 = 0  # actors whose fork is under way: their ops wait for it
        self.parked: i64 = 0
        self.blocked: i64 = 0
        self.nr_steps: i64 = 0
        self.alarm: i64 = 0  # step at which the slow path is taken
        self.alarm_due: i64 = 0  # the same without what an op's directives ask for
        self.ipi_due: i64 = 0  # earliest delivery of a delayed IPI; 0 none
        self.strategy: Strategy | None = None
        self.observer: Observer | None = None
        self.watch: Watch = Watch()  # who is told what happens
        self.tracing: bool = False
        self.fair: bool = False
        self.fair_steps: i64 = 0  # that may pass without an op ending
        self.fair_left: i64 = 0
        self.ops: list[Op] = []
        self.results: list[i64] = []
        self.no_plan: list[Planned] = []
        self.plan: list[list[Planned]] = []  # by op index
        self.turn: i64 = 0
        self.turn_left: i64 = 0
        self.nr_ended: i64 = 0  # ops that have ended in this run
        self.nr_begun: i64 = 0  # ops that actors have begun to run
        self.nr_inside: i64 = 0  # those that have not returned yet
        self.op_done: vec[i64] = vec[i64]()  # by op index
        self.used: vec[i64] = vec[i64]()  # by directive: it did something
        self.recorded: list[Planned] = []  # what a strategy decided; `index` is the op's uid
        self.rcu_tables: list[PageTable] = []  # page tables that wait for readers
        self.rcu_masks: list[i64] = []
        self.ending: bool = False
        self.over: bool = False
        self.above: Upcalls = core.Upcalls()
        self.hub: greenlet | None = None
        self.idle_stacks: list[greenlet] = []
        self.busy_stacks: list[greenlet] = []
        self.hint: Task | None = None

        # What the run produces.
        self.digest: i64 = 0
        self.seq: i64 = 0  # counts page table writes that took something away
        self.tokens: i64 = 0
        self.token_mm: vec[i64] = vec[i64]([0] * (MAX_OPS + 1))  # whose store it is; one an op
        self.failed_oracle: str = ""
        self.failed_culprit: str = ""
        self.failed_class: str = ""
        self.failed_promise: str = ""
        self.failed_uid: i64 = 0
        self.failed_step: i64 = 0

        # Logical pages of oracle O5 (simulator/oracles/memory_value.py).
        self.nr_logical: i64 = 0
        self.logical_words: vec[i64] = vec[i64]([0] * 4096)
        self.logical_refs: vec[i64] = vec[i64]([0] * 1024)
        self.logical_gens: vec[i64] = vec[i64]([0] * 1024)
        self.free_logical: list[i64] = []

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
        c = self.counters
        i = EDGE + ((t.site * 41 ^ site) & 8191)
        c[i] = (c[i] + 1) & 255
        t.site = site
        self.sites_seen[site] += 1
        if obj >= 0:
            h = obj % LAST_SIZE
            last = self.last_access[h]
            if last and (last ^ word) & 15 and (last | word) & 16:  # another actor, and a write
                i = CONFLICT + (((last >> 5) * 173 ^ site * 5) & 8191)
                c[i] = (c[i] + 1) & 255
            self.last_access[h] = word
        if n >= self.alarm:
            core.interpose(self, t, site, obj, access)

    def fold(self, value: i64) -> None:
        """Mix a result or a loaded value into the digest."""
        self.digest = (self.digest * _FACTOR + (value & _M32)) & _DIGEST_MASK

    def sometimes(self, situation: i64) -> None:
        """A named rare situation (features.Z_*) has come up."""
        self.feature(features.NAMED + situation)
        self.named_seen[situation] += 1

    def feature(self, i: i64) -> None:
        """Count one feature, by its place in the map (simulator/features.py)."""
        c = self.counters
        c[i] = (c[i] + 1) & 255

    def feature_preempt(self, site: i64, target: i64) -> None:
        """An actor was preempted at `site` in favour of `target`."""
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
        if page.flags & PG_ZERO:
            return "zero-page"
        if page.flags & PG_DEVICE_PRIVATE:
            return "device-private"
        if page.inode is not None:
            return "file"
        return "anon"

    def new_token(self, mm: Mm) -> i64:
        """A unique value for the next store; `token_mm` remembers whose it is."""
        self.tokens += 1
        self.token_mm[self.tokens] = mm.id
        return self.tokens

    def should_fail(self, site: i64, obj: i64) -> bool:
        """A step before an allocation or trylock that a directive may make fail."""
        self.step(site, obj, WRITE)
        t = self.cur
        if t.inject_fail:
            t.inject_fail = False
            t.met = -1
            self.used[t.inject_index] = 1
            return True
        s = self.strategy
        if s is not None and not (self.ending or self.fair) and s.fail(site):
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
        if t.met == found and t.idle_since == self.nr_ended:
            t.idle_rounds += 1
            core.idle_round(self, t, site)
        else:
            t.idle_rounds = 0
            t.idle_since = self.nr_ended
            t.met = found
        self.retry(site)

    def note(self, text: str) -> None:
        """A line of the trace for people. Guard the call with `k.tracing`."""
        self.watch.noted(self, text)

    # --- pools --------------------------------------------------------------------------------

    def take_table(self) -> PageTable:
        """A zeroed page table that nothing points to yet."""
        if self.free_tables:
            table = self.free_tables.pop()
        else:
            if self.nr_tables == len(self.table_pool):
                self.table_pool.append(PageTable(self.nr_tables, self.ptrs_per_pte))
            table = self.table_pool[self.nr_tables]
            self.nr_tables += 1
        if table.used or len(table.pte) != self.ptrs_per_pte:
            table.pte = vec[i64]([0] * self.ptrs_per_pte)
        table.used = 0
        table.gen += 1
        table.live = True
        table.mm_id = -1
        table.linked_at = self.cur.site
        table.ptl.owner = -1
        table.ptl.waiters = 0
        return table

    def put_table(self, table: PageTable) -> None:
        """Nothing points to the table any more."""
        table.live = False
        self.free_tables.append(table)

    def take_vma(self) -> Vma:
        """A VMA that is in no tree."""
        if self.free_vmas:
            vma = self.free_vmas.pop()
        else:
            if self.nr_vmas == len(self.vma_pool):
                self.vma_pool.append(Vma(self.nr_vmas))
            vma = self.vma_pool[self.nr_vmas]
            self.nr_vmas += 1
        vma.gen += 1
        vma.live = True
        vma.mm = None
        vma.start = 0
        vma.end = 0
        vma.pgoff = 0
        vma.flags = 0
        vma.inode = None
        vma.anon_vma = None
        vma.anon_vma_gen = 0
        vma.chain = []
        vma.attached = False
        vma.vm_refcnt = 0
        vma.lock_seq = -1
        vma.readers = 0
        vma.read_locked = 0
        vma.writer = -1
        vma.waiters = 0
        vma.linked_at = self.cur.site
        return vma

    def put_vma(self, vma: Vma) -> None:
        """Back to the slab; it may be reused at once (SLAB_TYPESAFE_BY_RCU)."""
        vma.live = False
        self.free_vmas.append(vma)

    def take_anon_vma(self) -> AnonVma:
        if self.free_anon_vmas:
            av = self.free_anon_vmas.pop()
        else:
            if self.nr_anon_vmas == len(self.anon_vma_pool):
                self.anon_vma_pool.append(AnonVma(self.nr_anon_vmas))
            av = self.anon_vma_pool[self.nr_anon_vmas]
            self.nr_anon_vmas += 1
        av.gen += 1
        av.live = True
        av.root = av
        av.parent = av
        av.refcount = 1
        av.num_children = 0
        av.num_active_vmas = 0
        av.counted_at = self.cur.site
        av.vmas = []
        reset_rwsem(av.rwsem)
        return av

    def put_anon_vma_struct(self, av: AnonVma) -> None:
        av.live = False
        av.root = None
        av.parent = None
        self.free_anon_vmas.append(av)

    def take_mm(self) -> Mm:
        if self.nr_mms == len(self.mm_pool):
            self.mm_pool.append(Mm(self.nr_mms))
        mm = self.mm_pool[self.nr_mms]
        self.nr_mms += 1
        npmd = (self.nr_arena + self.ptrs_per_pte - 1) // self.ptrs_per_pte
        mm.live = True
        mm.users = 1
        mm.count = 1
        mm.vmas = []
        mm.pmd = vec[i64]([0] * npmd)
        mm.tables = [None] * npmd
        reset_rwsem(mm.mmap_lock)
        mm.page_table_lock.owner = -1
        mm.page_table_lock.waiters = 0
        mm.mm_lock_seq = 0
        mm.tlb_gen = 1
        mm.cpumask = 0
        mm.cached = 0
        mm.tlb_flush_pending = 0
        mm.write_protect_seq = 0
        mm.has_pinned = False
        mm.rss_anon = 0
        mm.rss_file = 0
        mm.total_vm = 0
        mm.unstable = False
        mm.nr_anon = 0
        mm.nr_file = 0
        mm.who = vec[i64]([sites.OP__BEGIN] * self.nr_arena)
        self.stale_pool.extend(mm.stale)  # left over from the last run
        mm.stale = []
        mm.shadow = vec[i64]([0] * self.nr_arena)
        if mm.notifiers:
            mm.notifiers = []
        mm.notifier_active = 0
        mm.notifier_waiters = 0
        mm.modified = vec[i64]([0] * self.nr_arena)
        mm.def_flags = 0
        mm.unmapping_start = 0
        mm.unmapping_end = 0
        self.mms.append(mm)
        return mm

    def take_stale(self) -> Stale:
        return self.stale_pool.pop() if self.stale_pool else Stale()

    def reset_pools(self) -> None:
        """Forget the last run. Objects are re-initialised when they are taken again."""
        zero = self.zero_page
        reset_page(zero)
        zero.flags = PG_ZERO
        fill(zero, 0)
        self.free_pages = []
        self.nr_pages = 0
        self.free_tables = []
        if self.table_size != self.ptrs_per_pte:
            self.table_pool = []
            self.table_size = self.ptrs_per_pte
        else:
            for i in range(self.nr_tables):
                self.table_pool[i].gen = 0
        self.nr_tables = 0
        for i in range(self.nr_vmas):
            self.vma_pool[i].gen = 0
        self.free_vmas = []
        self.nr_vmas = 0
        for i in range(self.nr_anon_vmas):
            self.anon_vma_pool[i].gen = 0
        self.free_anon_vmas = []
        self.nr_anon_vmas = 0
        self.nr_mms = 0
        self.mms = []
        self.nr_logical = 1
        self.free_logical = []


def reset_rwsem(sem: RwSem) -> None:
    sem.writer = -1
    sem.readers = 0
    sem.waiters = 0
    sem.write_waiters = 0


def fill(page: Page, word: i64) -> None:
    """Give all words of a page one value."""
    words = page.words
    words[0] = word
    words[1] = word
    words[2] = word
    words[3] = word


def reset_page(page: Page) -> None:
    """A frame as the allocator hands it out: no references, no owner."""
    page.gen += 1
    page.live = True
    page.ref = 0
    page.mapcount = 0
    page.pincount = 0
    page.flags &= PG_DEVICE_PRIVATE
    page.anon_vma = None
    page.anon_vma_gen = 0
    page.inode = None
    page.index = 0
    page.nr_entries = 0
    page.nr_migration = 0
    page.entry_at = sites.OP__BEGIN
    page.nr_writable = 0
    page.logical = 0
    page.abstract = 0
    page.lock.owner = -1
    page.lock.waiters = 0
    ledger = page.ledger
    for i in range(NR_REFS):
        ledger[i] = 0


def is_user(actor: i64) -> bool:
    return actor < NR_USER_ACTORS


# Where the scheduler comes in: a step takes its slow path, and the scheduler works on Kernel. The
# one circle of the model.
from simulator.sched import core  # noqa: E402
