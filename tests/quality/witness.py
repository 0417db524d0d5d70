# SPDX-License-Identifier: MIT
"""`Witness`: holds every line that a drawing may have against the machine, when it is told.

Contract: it is the tracer of one run of the interpreted model, and looks at the machine itself:
page table entries, owners and waiters of locks, what each CPU's TLB may hold, pending IPIs, ledgers
of references, words of pages, and at what the hardware was asked to do. What a line says and the
machine does not is a complaint; so is a line that nobody here knows how to hold against it. A
`lie` changes lines before they are looked at: how a test shows that a false one is noticed.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from simulator import run
from simulator.calls import Call
from simulator.machine import mmu
from simulator.machine.cpu import Cpu
from simulator.mm import mm_types
from simulator.mm.mm_types import (
    GUP_PIN_COUNTING_BIAS,
    PFN_SHIFT,
    PTE_DIRTY,
    PTE_PRESENT,
    PTE_PROTNONE,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_WRITE,
    SWP_MARKER_GUARD,
    VM_UFFD_MISSING,
    Folio,
    Inode,
    Lock,
    Mm,
    RwSem,
    pte_kind,
)
from simulator.mm.page_ref import REASONS
from simulator.mm.pgtable import DEVICE_PFN_BASE, pfn_to_page
from simulator.ops import OP_READ
from simulator.outcome import Outcome
from simulator.scenario import ACTOR_NAMES, Op, Scenario
from simulator.state import Kernel
from simulator.task import BLOCKED, Task
from simulator.trace import Tracer

TOUCHING: Final = ("read ", "write ")  # what comes next: no line is made of it
Check = Callable[["Witness", Kernel, Task, "re.Match[str]"], bool]


@dataclass
class Seen:
    """The machine as it was when the last line was told."""

    entries: dict[tuple[int, int], int] = field(default_factory=dict)  # by mm and page
    stale: list[tuple[int, int, int, int]] = field(default_factory=list)  # mm, page, entry, CPUs
    refs: dict[int, tuple[int, tuple[int, ...]]] = field(default_factory=dict)  # by frame
    held: dict[str, int] = field(default_factory=dict)  # by lock: the actors that have it


class Witness(Tracer):
    """Its complaints are for the test."""

    def __init__(self, lie: Callable[[str], str] = lambda text: text) -> None:
        super().__init__()
        self.complaints: list[str] = []
        self.kinds: set[str] = set()  # of lines that were held against the machine
        self.told: set[tuple[int, str]] = set()  # step and line
        self.functions: set[tuple[int, str]] = set()  # step and a function around a line
        self.results: dict[int, int] = {}
        self.lie = lie
        self.seen = Seen()
        self.tables_at: dict[tuple[int, int], int] = {}  # by mm and PMD: the last table there
        self.comes_in = -1  # the actor that was said to
        self.flushed: list[tuple[int, int, int, int]] = []  # what hardware was told: CPU, mm, pages
        self.walked: dict[int, tuple[int, int]] = {}  # by actor: page and entry of its last access
        self.brought: list[tuple[int, int, int, int, int]] = []  # CPU, mm, page, frame, op

    def put(self, k: Kernel, t: Task, site: int, text: str, calls: tuple[Call, ...]) -> None:
        told = self.lie(text)
        self.look_at_order(t)
        if told and not told.startswith(TOUCHING) and k.sched.failed is None:
            self.check(k, t, told)
        self.look_at_calls(k, told, calls)
        self.told.add((k.nr_steps, told))
        super().put(k, t, site, told, calls)
        self.look(k)

    def op_returns(self, k: Kernel, t: Task, op: Op, result: int) -> None:
        self.results[op.uid] = result
        super().op_returns(k, t, op, result)

    def check(self, k: Kernel, t: Task, told: str) -> None:
        for kind, (pattern, holds) in CHECKS.items():
            found = pattern.fullmatch(told)
            if found:
                self.kinds.add(kind)
                try:
                    so = holds(self, k, t, found)
                except (IndexError, KeyError, ValueError):  # it names what is not there
                    so = False
                if not so:
                    self.complain(k, t, f"not so: {told}")
                return
        self.complain(k, t, f"nobody knows how to check: {told}")

    def complain(self, k: Kernel, t: Task, what: str) -> None:
        self.complaints.append(f"step {k.nr_steps}, {ACTOR_NAMES[t.id]}: {what}")

    def look_at_order(self, t: Task) -> None:
        if self.comes_in >= 0 and t.id != self.comes_in:
            self.complaints.append(
                f"{ACTOR_NAMES[self.comes_in]} was to come in, {ACTOR_NAMES[t.id]} did"
            )
        self.comes_in = -1

    def look_at_calls(self, k: Kernel, told: str, calls: tuple[Call, ...]) -> None:
        """Each call is on the interpreter's stack by its name, or by a site that stands there."""
        frames = list(_frames())
        for _, function in calls:
            prefix = function.upper() + "__"
            if not any(
                frame.f_code.co_name == function
                or any(name.startswith(prefix) for name in frame.f_code.co_names)
                for frame in frames
            ):
                self.complaints.append(f"step {k.nr_steps}: {told} is not inside of {function}()")
            self.functions.add((k.nr_steps, function))

    def look(self, k: Kernel) -> None:
        """Keep what the next line may be about."""
        now = Seen()
        for mm in k.mms:
            for table in mm.tables:
                if table is not None:
                    self.tables_at[mm.id, table.pmd] = table.id
                    base = table.pmd << k.pmd_order
                    for i in range(k.ptrs_per_pte):
                        now.entries[mm.id, base + i] = table.pte[i]
            now.stale += [
                (mm.id, s.va, s.pte, s.mask) for s in mm.stale if s.table is None and s.mask
            ]
        for folio in _folios(k):
            now.refs[folio.pfn] = (folio.ref, tuple(folio.ledger))
        for name, lock in _locks(k).items():
            now.held[name] = _holders(lock)
        self.seen = now


# --- what lines say, and where the machine has it ------------------------------------------------


def _frames() -> Iterator[Any]:
    frame: Any = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


def _folios(k: Kernel) -> list[Folio]:
    slabs = [k.frames, *(pgmap.slab for pgmap in k.pagemaps)]
    return [page.folio for slab in slabs for page in slab.taken() if page.folio.page is page]


def _mm(k: Kernel, number: str | None) -> Mm:
    return k.mms[int(number or 0)]


def _entry(k: Kernel, mm: Mm, va: int) -> int:
    table = mm.tables[va >> k.pmd_order]
    return 0 if table is None else table.pte[va & (k.ptrs_per_pte - 1)]


def _frame(text: str) -> int:
    words, _, number = text.rpartition(" ")
    return int(number) + (DEVICE_PFN_BASE if words == "device page" else 0)


_KINDS: Final = {
    name.removeprefix("SWP_").lower().replace("_", "-"): number
    for name, number in vars(mm_types).items()
    if name.startswith("SWP_") and isinstance(number, int)
}
_ENTRY: Final = re.compile(
    r"(rw|ro)( dirty)?( soft-dirty)?( prot-none)?, (the zero page|frame \d+|device page \d+)"
)
_SPECIAL: Final = re.compile(r"a ([a-z-]+) entry of (frame \d+|device page \d+)")


def _is(pte: int, text: str) -> bool:
    """Whether an entry is what a line calls it."""
    if text == "none":
        return pte == 0
    if text == "a guard marker":
        return pte_kind(pte) == SWP_MARKER_GUARD
    if special := _SPECIAL.fullmatch(text):
        return pte_kind(pte) == _KINDS[special[1]] and pte >> PFN_SHIFT == _frame(special[2])
    found = _ENTRY.fullmatch(text)
    if found is None or pte == 0 or pte_kind(pte):
        return False
    bits = (
        (PTE_WRITE, found[1] == "rw"),
        (PTE_DIRTY, bool(found[2])),
        (PTE_SOFT_DIRTY, bool(found[3])),
        (PTE_SPECIAL, found[5] == "the zero page"),
    )
    prot_none = bool(pte & PTE_PROTNONE and not pte & PTE_PRESENT)
    return (
        all(bool(pte & bit) == said for bit, said in bits)
        and prot_none == bool(found[4])
        and (found[5] == "the zero page" or pte >> PFN_SHIFT == _frame(found[5]))
    )


def _locks(k: Kernel) -> dict[str, Lock | RwSem]:
    """Every lock, by the name that a drawing has for it."""
    locks: dict[str, Lock | RwSem] = {}
    for mm in k.mms:
        locks[f"mmap_lock {mm.id}"] = mm.mmap_lock
        locks[f"page_table_lock {mm.id}"] = mm.page_table_lock
    for table in k.tables.taken():
        locks[f"ptl {table.id}"] = table.ptl
    for av in k.anon_vmas.taken():
        locks[f"anon_vma_lock {av.id}"] = av.rwsem
    for inode in k.inodes + k.shared_anon + k.other_files:
        locks[f"i_rwsem {inode.id}"] = inode.i_rwsem
        locks[f"i_mmap_rwsem {inode.id}"] = inode.i_mmap_rwsem
        locks[f"f_pos_lock {inode.id}"] = inode.f_pos_lock
        locks[f"i_lock {inode.id}"] = inode.i_lock
        locks[f"i_pages_lock {inode.id}"] = inode.i_pages_lock
    for folio in _folios(k):
        device = folio.pfn >= DEVICE_PFN_BASE
        what = f"device page {folio.pfn - DEVICE_PFN_BASE}" if device else f"frame {folio.pfn}"
        locks[f"folio_lock of {what}"] = folio.lock
    for t in k.tasks:
        mutex = getattr(t.device, "mutex", None)
        if isinstance(mutex, Lock):
            locks[f"dmirror_mutex {mutex.id}"] = mutex
    return locks


def _holders(lock: Lock | RwSem) -> int:
    """The actors that have a lock, a bit each."""
    if isinstance(lock, Lock):
        return 1 << lock.owner if lock.owner >= 0 else 0
    return 1 << lock.writer if lock.writer >= 0 else lock.readers


def _has(lock: Lock | RwSem, actor: int, how: str = "") -> bool:
    if isinstance(lock, Lock):
        return lock.owner == actor and not how
    if how == "for read":
        return bool(lock.readers >> actor & 1)
    return lock.writer == actor if how else lock.writer == actor or bool(lock.readers >> actor & 1)


def _actor(name: str) -> int:
    return ACTOR_NAMES.index(name)


def _cleared(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    mm, va = _mm(k, said[2]), int(said[1])
    before = w.seen.entries.get((mm.id, va), 0)
    return _entry(k, mm, va) == 0 and before != 0 and _is(before, said[3])


def _set(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    mm, va = _mm(k, said[2]), int(said[1])
    return w.seen.entries.get((mm.id, va), 0) == 0 and _is(_entry(k, mm, va), said[3])


def _became(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    mm, va = _mm(k, said[2]), int(said[1])
    before = w.seen.entries.get((mm.id, va), 0)
    return _is(before, said[3]) and _is(_entry(k, mm, va), said[4])


def _pte_is(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    return _is(_entry(k, _mm(k, said[2]), int(said[1])), said[3])


def _pmd_is_none(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    return _mm(k, said[2]).tables[int(said[1])] is None


def _taken(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    lock = _locks(k)[said[1]]
    return (
        _has(lock, t.id, said[2] or "")
        and (said[2] is not None) == isinstance(lock, RwSem)
        and not w.seen.held[said[1]] >> t.id & 1
    )


def _released(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    """It is not its own any more, and was."""
    return not _has(_locks(k)[said[1]], t.id) and bool(w.seen.held[said[1]] >> t.id & 1)


def _not_got(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    lock = _locks(k)[said[1]]
    return not _has(lock, t.id) and (said[2] is None or _has(lock, _actor(said[2])))


def _waits(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    """It stands among the waiters, and who is said to hold it up has it, or waits for it to
    write, which keeps readers out."""
    if t.state != BLOCKED:
        return False
    held_up_by = -1 if said[3] is None else _actor(said[3])
    what = said[1] or said[2]
    lock = _locks(k).get(what)
    if lock is None:  # of a kind that has waiters without a lock
        kind, _, number = what.rpartition(" ")
        if kind == "vma_lock of vma":
            vma = k.vmas.taken()[int(number)]
            held = held_up_by >= 0 and vma.readers >> held_up_by & 1
            return bool(vma.mm is not None and vma.mm.vma_writer_wait >> t.id & 1 and held)
        mm = k.mms[int(number.removeprefix("mm"))]
        return kind == "mmu_notifier of" and bool(mm.notifier_waiters >> t.id & 1)
    queued = isinstance(lock, RwSem) and held_up_by >= 0 and lock.write_waiters >> held_up_by & 1
    return (
        bool(lock.waiters >> t.id & 1)
        and held_up_by >= 0
        and (_has(lock, held_up_by) or bool(queued))
    )


def _waits_for_ipis(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    cpus = [cpu for cpu in k.cpus if any(each.source == t.id for each in cpu.pending)]
    if not cpus or t.acks_missing == 0:
        return False
    return said[1] is None or any(cpu.irqs_off and cpu.curr == _actor(said[1]) for cpu in cpus)


def _flushed(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    """The hardware was told to, and its TLB has nothing of that range any more; what it may have
    had elsewhere is there yet."""
    cpu, mm = int(said[1]), int(said[2])
    start, end = (0, 0) if said[3] == "all" else (int(said[4]), int(said[5]))
    if (cpu, mm, start, end) not in w.flushed:
        return False
    w.flushed.remove((cpu, mm, start, end))
    now = {(m.id, s.va, s.pte): s.mask for m in k.mms for s in m.stale if s.table is None}
    for owner, va, pte, mask in w.seen.stale:
        if owner == mm and mask >> cpu & 1:
            has = bool(now.get((owner, va, pte), 0) >> cpu & 1)
            if has == (not end or start <= va < end):
                return False
    return True


def _ipi(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    cpu: Cpu = k.cpus[int(said[1])]
    mine = [each for each in cpu.pending if each.source == t.id]
    late = f"{mine[-1].due - k.nr_steps}" if mine and mine[-1].due else None
    off = bool(cpu.irqs_off)
    return bool(mine) and off == (said[2] is not None) and (off or said[3] == late)


def _no_ipi(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    cpu: Cpu = k.cpus[int(said[1])]
    return cpu.id != t.cpu and not any(each.source == t.id for each in cpu.pending)


def _accessed(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    """The word has the value, in the frame that the translation leads to; the tables have another
    one exactly where it is called stale."""
    va, frame = int(said[3]), _frame(said[4])
    op = k.sched.ops[t.pos]
    if op.args[0] >> 2 != va or w.walked.get(t.id, (-1, 0))[0] != va or t.mm is None:
        return False
    if (said[1] == "loads") != (op.code == OP_READ):
        return False
    pte = w.walked[t.id][1]
    value = pfn_to_page(k, frame).words[op.args[0] & 3]
    stale = t.through_stale is not None
    if pte >> PFN_SHIFT != frame or value != int(said[2]) or stale != (said[5] is not None):
        return False
    if said[6] is not None:
        return (t.cpu, t.mm.id, va, frame, int(said[6])) in w.brought
    if not stale:
        w.brought.append((t.cpu, t.mm.id, va, frame, t.uid))
        return _entry(k, t.mm, va) >> PFN_SHIFT == frame
    return not any(each[:3] == (t.cpu, t.mm.id, va) for each in w.brought)


def _referenced(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    """The ledger has one of that reason more, or a reference less than it had, and the count is the
    sum that it says."""
    folio = pfn_to_page(k, _frame(said[2])).folio
    reason = list(REASONS).index(said[3])
    change = GUP_PIN_COUNTING_BIAS if said[3] == "pin" else 1
    change = change if said[1] == "" else -change
    before = w.seen.refs.get(folio.pfn, (0, ()))
    ledger = list(folio.ledger)
    return (
        folio.ref == int(said[4]) == sum(ledger)
        and said[5] == ("in all" if change > 0 else "left")
        and before[0] in (0, folio.ref - change)  # 0: it is just allocated
        and (ledger[reason] > 0 if change > 0 else bool(before[1]) and sum(before[1]) > 0)
    )


def _deferred(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    """An mmu_gather owes the flush of the page."""
    for frame in _frames():
        tlb, va = frame.f_locals.get("tlb"), frame.f_locals.get("va")
        if tlb is not None and va is not None:
            return bool(tlb.cleared and tlb.start <= va < tlb.end)
    return False


def _nothing(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    for frame in _frames():
        tlb = frame.f_locals.get("tlb")
        if tlb is not None:
            return tlb.end == 0 and not tlb.freed_tables and not tlb.cleared
    return False


def _fault(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    return w.walked.get(t.id) == (int(said[1]), 0)


def _downgraded(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    lock = _locks(k)[said[1]]
    return isinstance(lock, RwSem) and lock.writer < 0 and bool(lock.readers >> t.id & 1)


def _table_moved(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    assert t.mm is not None
    old, new = int(said[1]), int(said[2])
    tables = t.mm.tables
    now = tables[new >> k.pmd_order]
    return (
        tables[old >> k.pmd_order] is None
        and now is not None
        and (w.tables_at[t.mm.id, old >> k.pmd_order] == now.id)
    )


def _holds(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    pin = k.pins[int(said[1])]
    return pin.va == int(said[2]) and pin.mm is t.mm and pin.page is not None


def _remote(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    op = k.sched.ops[t.pos]
    page = pfn_to_page(k, _frame(said[3]))
    return op.args[0] >> 2 == int(said[2]) and page.words[op.args[0] & 3] == int(said[1])


def _freed_anon_vma(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    av = k.anon_vmas.taken()[int(said[1])]
    return not av.vmas and (av.refcount == 0 or not av.live)


def _grew(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    return t.mm is not None and any(vma.start == int(said[1]) for vma in t.mm.vmas)


def _file(k: Kernel, ident: str) -> Inode:
    return next(inode for inode in k.inodes + k.shared_anon if inode.id == int(ident))


def _hidden(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    return len(set(_file(k, said[2]).i_pages.retry)) == int(said[1])


def _awaited(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    return any(
        (vma.start, vma.end) == (int(said[1]), int(said[2]))
        and vma.inode is not None
        and vma.flags & VM_UFFD_MISSING
        for mm in k.mms
        for vma in mm.vmas
    )


def _not_awaited(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    asked = [
        vma
        for mm in k.mms
        for vma in mm.vmas
        if vma.inode is _file(k, said[4])
        and vma.pgoff <= int(said[3])
        and vma.pgoff + vma.end - vma.start > int(said[2])
    ]
    return len(asked) == int(said[1]) and not any(v.flags & VM_UFFD_MISSING for v in asked)


def _came_in(w: Witness, k: Kernel, t: Task, said: "re.Match[str]") -> bool:
    """Seen when the next line is told, by whom."""
    w.comes_in = _actor(said[1])
    return True


_OF: Final = r"(?: of mm(\d+))?"
_LOCK: Final = r"((?:folio_lock of (?:frame|device page)|vma_lock of vma|[a-z_]+) \d+)"
_FRAME: Final = r"(frame \d+|device page \d+)"
CHECKS: Final[dict[str, tuple["re.Pattern[str]", Check]]] = {
    kind: (re.compile(pattern), check)
    for kind, pattern, check in (
        ("clears", rf"clears pte (\d+){_OF}, was (.+)", _cleared),
        ("sets", rf"sets pte (\d+){_OF}: (.+)", _set),
        ("becomes", rf"pte (\d+){_OF}: (.+) becomes (.+)", _became),
        ("pte", rf"pte (\d+){_OF} is (.+)", _pte_is),
        ("pmd", rf"pmd (\d+){_OF} is none", _pmd_is_none),
        ("takes", rf"takes {_LOCK}(?: (for read|for write))?", _taken),
        ("releases", rf"releases {_LOCK}", _released),
        ("trylock", rf"does not get {_LOCK}: (?:(\w+) has it|made to fail)", _not_got),
        ("waits", rf"waits for (?:{_LOCK}|(mmu_notifier of mm\d+))(?:, held up by (\w+))?", _waits),
        (
            "waits for IPIs",
            r"waits until its IPIs are handled(?:, held up by (\w+))?",
            _waits_for_ipis,
        ),
        ("flushes", r"CPU(\d+) flushes mm(\d+): (all|pages (\d+)\.\.(\d+))", _flushed),
        ("IPI", r"IPI to CPU(\d+)(, which has interrupts off)?(?:, (\d+) steps late)?", _ipi),
        ("no IPI", r"no IPI to CPU(\d+)", _no_ipi),
        (
            "accesses",
            rf"(loads|stores) (\d+) (?:from|to) page (\d+), {_FRAME}"
            r"( through the stale translation that "
            r"(?:op (\d+) brought|CPU\d+ has walked to ahead))?",
            _accessed,
        ),
        (
            "references",
            rf"(|drops a )reference on {_FRAME}: ([a-z_ ]+), (-?\d+) (in all|left)",
            _referenced,
        ),
        ("flush deferred", r"flush deferred", _deferred),
        ("nothing to flush", r"nothing to flush", _nothing),
        ("fault", r"page fault at (\d+)", _fault),
        ("downgrade", rf"{_LOCK} downgraded to read", _downgraded),
        ("table moved", r"moves the page table of page (\d+) to (\d+)", _table_moved),
        ("pin", r"p(\d+) holds page (\d+)", _holds),
        (
            "remote store",
            rf"stores (\d+) to page (\d+), {_FRAME}, through the kernel's mapping",
            _remote,
        ),
        ("anon_vma", r"frees anon_vma (\d+)", _freed_anon_vma),
        ("stack", r"stack grows down to page (\d+)", _grew),
        ("holes hidden", r"retry entries hide (\d+) holes of file (\d+)", _hidden),
        ("awaited", r"userfaultfd waits for missing pages of vma (\d+)\.\.(\d+)", _awaited),
        (
            "not awaited",
            r"no userfaultfd waits in (\d+) mappings of pages (\d+)\.\.(\d+) of file (\d+)",
            _not_awaited,
        ),
        ("comes in", r"-> (\w+)", _came_in),
    )
}


@contextmanager
def watching(witness: Witness) -> Iterator[None]:
    """While it lasts, runs with a trace are told to `witness`, and what hardware does too."""
    flush_range, flush_all, translate = mmu.flush_range, mmu.flush_all, mmu.translate
    tracer = vars(run)["Tracer"]

    def note_range(k: Kernel, cpu: Cpu, mm: Mm, start: int, end: int) -> None:
        witness.flushed.append((cpu.id, mm.id, start, end))
        flush_range(k, cpu, mm, start, end)

    def note_all(k: Kernel, cpu: Cpu, mm: Mm) -> None:
        witness.flushed.append((cpu.id, mm.id, 0, 0))
        flush_all(k, cpu, mm)

    def note_walk(k: Kernel, t: Task, mm: Mm, va: int, access: int) -> int:
        pte = translate(k, t, mm, va, access)
        witness.walked[t.id] = (va, pte)
        return pte

    mmu.flush_range, mmu.flush_all, mmu.translate = note_range, note_all, note_walk
    vars(run)["Tracer"] = lambda: witness
    try:
        yield
    finally:
        mmu.flush_range, mmu.flush_all, mmu.translate = flush_range, flush_all, translate
        vars(run)["Tracer"] = tracer


def witnessed(
    scenario: Scenario, lie: Callable[[str], str] = lambda text: text
) -> tuple[Outcome, Witness]:
    """What comes of a scenario, and who has watched it."""
    witness = Witness(lie)
    with watching(witness):
        outcome = run.Machine().run(scenario, trace=True)
    return outcome, witness
