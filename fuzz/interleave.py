# SPDX-License-Identifier: MIT
"""One interleaving after another of one scenario: the strategy under `mmfarm explore`.

Contract: a run makes the given switches and, after the last of them, notes every place where
another actor could have been switched to; `fuzz.exploration` turns each into a run of its own. So
the set of runs is every way to interleave the ops with at most so many switches, less what is left
out as equal to something that is tried:

- *Local steps.* A switch before an access to something that no other actor was seen to use (or
  that everybody only reads) gives what a switch a little later gives. What is shared is learned
  while exploring; `grew` says that a run has shown more of it, and all starts again.
- *The same past.* Two prefixes in which all accesses to one object come in the same order, and
  all actors stand at the same places, have the same futures. Each prefix has a fingerprint of
  that partial order (of happens-before); one met before, with no more switches, is not gone on
  from.

What makes two steps dependent: one object, and one of the two writes. A step touches what it
announces, and with an entry the page behind it; a walk of the hardware reads its CPU, which IPIs
write; who sleeps makes its CPU lazy; pages that a gather frees are all pages; a lock is
written by its release, and what allocates by what frees, which are no steps. Fingerprints have
62 bits.

It does not promise that these rules are all of the model's dependences: tests compare with
plain enumeration, which `reduce=False` asks for.
"""

from typing import Final, final

from mypy_extensions import i64

from simulator.build.native import append, vec
from simulator.lock_classes import LC_PAGE_TABLE
from simulator.mm.mm_types import PFN_SHIFT
from simulator.mm.pgtable import peek
from simulator.objects import (
    CONTAINER_BITS,
    INDEX_BITS,
    KIND_SHIFT,
    cpu_obj,
    decode,
    lock_obj,
    page_obj,
    pmd_obj,
    pte_obj,
)
from simulator.run import Machine
from simulator.scenario import NR_ACTORS
from simulator.sched.strategy import ALLOCATOR, Strategy
from simulator.sites import NAMES, NR_SITES, OP__BEGIN, OP__END, TLB_FLUSH_MMU__FREE_BATCH
from simulator.state import READ, WRITE

UNBOUNDED: Final[i64] = 1 << 30
_SLOTS: Final[i64] = 4093  # of the table of objects, a prime; two that share one count as one
_PLACES: Final[i64] = 2 * NR_ACTORS  # in its op, and in a context switch on the way
_MORE: Final[i64] = 2  # objects that a step touches besides the one that it announces
_PTE: Final[i64] = decode(pte_obj(0, 0))[0]
_PAGE: Final[i64] = decode(page_obj(0))[0]
_PMD: Final[i64] = decode(pmd_obj(0, 0))[0]
_LOCK: Final[i64] = decode(lock_obj(0, 0))[0]
_ALL_PAGES: Final[i64] = 1 << 60  # no objects of the model's
_ALL_PMDS: Final[i64] = _ALL_PAGES + 1
_MASK: Final[i64] = (1 << 62) - 1
# Sites where something is allocated: who comes first gets the first free object.
_ALLOCATING: Final = ("alloc", "new_table", "mt_dup", "prealloc")
ALLOCATES: Final[list[bool]] = [name.partition(":")[2] in _ALLOCATING for name in NAMES]
# Sites of the hardware's walk, and the one before it: the walk looks whether its CPU is flushed.
WALKS: Final[list[bool]] = [
    name.startswith("mmu:") or name == "do_user_addr_fault:begin" for name in NAMES
]


@final
class Interleaving(Strategy):
    """The switches of one run, and what could have gone otherwise."""

    def __init__(
        self, machine: Machine, switches: i64, faults: i64, walks: bool, reduce: bool
    ) -> None:
        super().__init__()
        self.machine: Machine = machine
        self.max_switches: i64 = switches
        self.max_faults: i64 = faults
        self.walks: bool = walks
        self.reduce: bool = reduce
        self.due: vec[i64] = vec[i64]([])  # number of each deviation's decision, ascending
        self.answer: vec[i64] = vec[i64]([])  # and what it answers
        self.count: i64 = 0  # decisions of this run so far
        self.done: i64 = 0  # deviations that this run has made
        self.switches: i64 = 0  # those that are switches
        self.faults: i64 = 0  # and those that are faults
        self.point: vec[i64] = vec[i64]([])  # decisions that could have gone otherwise
        self.options: vec[i64] = vec[i64]([])  # and the other answers of each, as a mask
        self.cut: bool = False  # this run came to what had been explored
        self.grew: bool = False  # something is shared that was not known to be
        self.readers: vec[i64] = vec[i64]([0] * _SLOTS)  # masks of actors, over all runs
        self.writers: vec[i64] = vec[i64]([0] * _SLOTS)
        self.seen: dict[int, int] = {}  # fingerprints, with the fewest switches that led there
        # Sites after which something shared is written in silence: not local, whatever they touch.
        self.leaks: vec[i64] = vec[i64]([0] * NR_SITES)
        # Happens-before of this run: fingerprints of what has been, by CPU and by object.
        self.past: vec[i64] = vec[i64]([0] * NR_ACTORS)
        self.cpu_of: vec[i64] = vec[i64]([0] * NR_ACTORS)
        self.written: vec[i64] = vec[i64]([0] * _SLOTS)
        self.read: vec[i64] = vec[i64]([0] * _SLOTS)
        self.touched: vec[i64] = vec[i64]([])
        self.waiting: i64 = 0  # places at which actors were preempted before their access
        # The access that each actor announced last, and what it touches besides: objects, and
        # whether it writes them.
        self.place: vec[i64] = vec[i64]([0] * _PLACES)  # op, site and visit, as one number
        self.obj: vec[i64] = vec[i64]([-1] * _PLACES)
        self.access: vec[i64] = vec[i64]([0] * _PLACES)
        self.more: vec[i64] = vec[i64]([-1] * (_PLACES * _MORE))
        self.more_access: vec[i64] = vec[i64]([0] * (_PLACES * _MORE))

    def prepare(self, due: tuple[int, ...], answer: tuple[int, ...]) -> None:
        """The next run makes these deviations: the number of each one's decision, ascending, and
        what it answers."""
        self.due = vec[i64](list(due))
        self.answer = vec[i64](list(answer))

    def choices(self) -> list[tuple[int, int]]:
        """What the run could have done otherwise: a decision's number and another answer, each."""
        found: list[tuple[int, int]] = []
        i: i64 = 0
        while i < len(self.point):
            mask = self.options[i]
            answer: i64 = 0
            while mask:
                if mask & 1:
                    found.append((self.point[i], answer))
                mask >>= 1
                answer += 1
            i += 1
        return found

    def forget(self) -> None:
        """Begin to explore anew, with what is shared so far."""
        self.grew = False
        self.seen = {}

    def begin(self, nr_ops: i64) -> None:
        self.count = 0
        self.done = 0
        self.switches = 0
        self.faults = 0
        self.cut = False
        self.waiting = 0
        if len(self.point):
            self.point = vec[i64]([])
            self.options = vec[i64]([])
        for slot in self.touched:
            self.written[slot] = 0
            self.read[slot] = 0
        self.touched = vec[i64]([])
        for t in self.machine.k.tasks:
            i = t.id
            self.cpu_of[i] = t.cpu
            self.past[i] = 0
            self.place[i] = 0
            self.place[i + NR_ACTORS] = 0

    def choose(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        number = self.count
        self.count = number + 1
        self._blocked()
        at = self._resumed(cur)
        self._look_again()
        shared = self._announce(cur, at, site, obj, access)
        self.waiting |= 1 << at
        others = runnable & ~(1 << cur)
        if self._is_due(number):
            self.switches += 1
            chosen = self._answer()
            if (self.waiting >> (chosen + NR_ACTORS)) & 1:
                self._goes_on(chosen + NR_ACTORS)
            elif not self._locks(chosen):
                self._goes_on(chosen)
            return chosen
        if (
            others
            and self.done == len(self.due)
            and (
                shared
                or self.leaks[site]
                or not self.reduce
                or self.machine.k.shared_cpus
                or site == OP__BEGIN
                or site == OP__END
            )
        ):
            if self.reduce and self._known(cur, runnable):
                self.cut = True
                self.machine.stop()
            if self.switches < self.max_switches:
                self._could_be(number, others)
        if not self._locks(at):
            self._goes_on(at)
        return cur

    def fail(self, site: i64) -> bool:
        number = self.count
        self.count = number + 1
        if self._is_due(number):
            self._answer()
            self.faults += 1
            self._deviates(1)
            return True
        if self.faults < self.max_faults:
            self._could_be(number, 1)
        return False

    def tlb(self, entries: i64) -> i64:
        number = self.count
        self.count = number + 1
        if self._is_due(number):
            entry = self._answer()
            self._deviates(1 + entry)
            return entry
        if self.walks:
            self._could_be(number, ((1 << entries) - 1) << 1)
        return 0

    def _is_due(self, number: i64) -> bool:
        return self.done < len(self.due) and self.due[self.done] == number

    def _answer(self) -> i64:
        answer = self.answer[self.done]
        self.done += 1
        return answer

    def _could_be(self, number: i64, options: i64) -> None:
        if self.done == len(self.due):
            self.point = append(self.point, number)
            self.options = append(self.options, options)

    def _deviates(self, how: i64) -> None:
        """A fault, or a stale translation, of the running actor: part of its past."""
        mine = self.cpu_of[self.machine.k.cur.id]
        self.past[mine] = _mix(self.past[mine], how)

    def finished(self) -> i64:
        """The fingerprint of a whole run: runs of one partial order have the same."""
        return self._fingerprint()

    # --- what is shared -------------------------------------------------------------------------

    def _announce(self, cur: i64, at: i64, site: i64, obj: i64, access: i64) -> bool:
        """Book what the next access touches; whether anything of it is shared with a writer."""
        self.place[at] = _mix(_mix(self.pend_pos[cur], site), self.pend_visit[cur])
        if ALLOCATES[site]:
            obj = ALLOCATOR
        self.obj[at] = obj
        self.access[at] = access
        i: i64 = 0
        while i < _MORE:
            self.more[at * _MORE + i] = -1
            i += 1
        shared = self._learn(cur, obj, access)
        kind = obj >> KIND_SHIFT
        if kind == _PTE:
            shared = self._also(cur, at, 0, self._page_behind(obj), access) or shared
        elif kind == _PAGE:
            shared = self._also(cur, at, 0, _ALL_PAGES, READ) or shared
        elif kind == _PMD:
            shared = self._also(cur, at, 0, _ALL_PMDS, READ) or shared
        elif kind == _LOCK:
            shared = self._also(cur, at, 0, cpu_obj(self.cpu_of[cur]), WRITE) or shared
            if obj >> INDEX_BITS & ((1 << CONTAINER_BITS) - 1) == LC_PAGE_TABLE:
                shared = self._also(cur, at, 1, _ALL_PMDS, WRITE) or shared
        if WALKS[site]:
            shared = self._also(cur, at, 1, cpu_obj(self.cpu_of[cur]), READ) or shared
        elif site == TLB_FLUSH_MMU__FREE_BATCH:
            shared = self._also(cur, at, 1, _ALL_PAGES, WRITE) or shared
        return shared

    def _also(self, cur: i64, at: i64, i: i64, obj: i64, access: i64) -> bool:
        self.more[at * _MORE + i] = obj
        self.more_access[at * _MORE + i] = access
        return self._learn(cur, obj, access)

    def _page_behind(self, obj: i64) -> i64:
        """The page that an entry names now, or none."""
        k = self.machine.k
        mm = k.mms[obj >> INDEX_BITS & ((1 << CONTAINER_BITS) - 1)]
        va = obj & ((1 << INDEX_BITS) - 1)
        pte = peek(k, mm, va)
        if pte == 0:
            return -1
        return page_obj(pte >> PFN_SHIFT)

    def _learn(self, cur: i64, obj: i64, access: i64) -> bool:
        """Book an access; whether its object is shared with a writer."""
        if obj < 0:
            return False
        slot = _slot(obj)
        readers = self.readers[slot]
        writers = self.writers[slot]
        before = _is_shared(readers, writers)
        me: i64 = 1 << cur
        if access & 1:
            writers |= me
            self.writers[slot] = writers
        else:
            readers |= me
            self.readers[slot] = readers
        now = _is_shared(readers, writers)
        if now and not before:
            self.grew = True
        return now

    # --- happens-before --------------------------------------------------------------------------

    def _resumed(self, cur: i64) -> i64:
        """`cur` runs, by whatever choice: what it announced has been done. Returns its place."""
        at = cur + NR_ACTORS
        self._goes_on(at)
        if self.machine.k.tasks[cur].in_switch:
            return at
        self._goes_on(cur)
        return cur

    def _blocked(self) -> None:
        """Who is blocked has made its access, and waits for others; but a lock is taken only
        when it is there."""
        blocked = self.waiting & self.machine.k.sched.blocked
        at: i64 = 0
        while blocked:
            if blocked & 1 and not self._locks(at):
                self._goes_on(at)
            blocked >>= 1
            at += 1

    def _look_again(self) -> None:
        """Who waits before an entry touches the page that the entry names when it goes on."""
        waiting = self.waiting
        at: i64 = 0
        while waiting:
            if waiting & 1 and self.obj[at] >> KIND_SHIFT == _PTE:
                actor = at if at < NR_ACTORS else at - NR_ACTORS
                self._also(actor, at, 0, self._page_behind(self.obj[at]), self.access[at])
            waiting >>= 1
            at += 1

    def _locks(self, at: i64) -> bool:
        return self.obj[at] >> KIND_SHIFT == _LOCK

    def _goes_on(self, at: i64) -> None:
        """The access that was announced at a place is made now, if it was not before."""
        if not (self.waiting >> at) & 1:
            return
        self.waiting &= ~(1 << at)
        actor = at if at < NR_ACTORS else at - NR_ACTORS
        event = self.place[at]
        if self.obj[at] >= 0:
            self._access(actor, self.obj[at], self.access[at], event)
        i: i64 = at * _MORE
        while i < (at + 1) * _MORE:
            if self.more[i] >= 0:
                self._access(actor, self.more[i], self.more_access[i], event)
            i += 1

    def sleeps(self, cur: i64) -> None:
        cpu = cpu_obj(self.cpu_of[cur])
        self._learn(cur, cpu, WRITE)
        self._access(cur, cpu, WRITE, 2)

    def silent(self, cur: i64, obj: i64) -> None:
        self._resumed(cur)
        site = self.machine.k.tasks[cur].site
        if self._learn(cur, obj, WRITE) and not self.leaks[site]:
            self.leaks[site] = 1
            self.grew = True
        self._access(cur, obj, WRITE, 1)

    def _access(self, actor: i64, obj: i64, access: i64, event: i64) -> None:
        slot = _slot(obj)
        if not _is_shared(self.readers[slot], self.writers[slot]):
            return
        mine = self.cpu_of[actor]
        if self.written[slot] == 0 and self.read[slot] == 0:
            self.touched = append(self.touched, slot)
        event = _mix(_mix(event, self.past[mine]), self.written[slot])
        if access & 1:
            event = _mix(event, self.read[slot])
            self.written[slot] = event | 1
            self.read[slot] = 0
        else:
            self.read[slot] = (self.read[slot] + event) & _MASK
        self.past[mine] = event

    def _fingerprint(self) -> i64:
        """What has been and where everybody stands."""
        total: i64 = 0
        at: i64 = 0
        while at < _PLACES:
            here = self.place[at] << 1 | (self.waiting >> at) & 1
            if at < NR_ACTORS:
                here = _mix(here, self.past[at])
            total = _mix(total, here)
            at += 1
        return total

    def _known(self, cur: i64, runnable: i64) -> bool:
        """Whether all that can follow has been explored; if not, it is about to be."""
        lazy: i64 = 0  # of a CPU whose actor has slept since it announced its access
        for cpu in self.machine.k.cpus:
            lazy = lazy << 1 | (1 if cpu.is_lazy else 0)
        key = _mix(_mix(self._fingerprint(), runnable), lazy)
        key = _mix(key, self.faults)
        used = self.switches
        if self.max_switches == UNBOUNDED:
            used = 0
        else:
            key = _mix(key, cur)
        before = self.seen.get(key, -1)
        if 0 <= before <= used:
            return True
        self.seen[key] = used
        return False


def _is_shared(readers: i64, writers: i64) -> bool:
    both = readers | writers
    return writers != 0 and both & (both - 1) != 0


def _slot(obj: i64) -> i64:
    return obj % _SLOTS


def _mix(a: i64, b: i64) -> i64:
    """Two numbers to one of 62 bits; the order counts. A function of native integers that
    CPython computes alike."""
    h = ((a ^ (a >> 31)) * 0x2545F491 + b + 0x1B873593) & _MASK
    return ((h ^ (h >> 29)) * 0x1F123BB5 + (b >> 7)) & _MASK
