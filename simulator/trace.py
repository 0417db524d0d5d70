# SPDX-License-Identifier: MIT
"""`Tracer`: the Watch of a run that people will look at. Oracles listen as ever; besides, every
step becomes a TraceEvent of what comes next, and every outcome one of what has happened: a value
read, an entry written, a lock taken, released or waited for, a TLB flushed. Each stands in the
calls around it (simulator/calls.py). The state before is the one in which nobody was inside an op
for the last time before two were.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.calls import Call, Calls
from simulator.dump import describe, entry_text
from simulator.mm.page_ref import REASONS
from simulator.mm.pgtable import frame_text, peek
from simulator.objects import decode, lock_obj, pmd_obj, pte_obj
from simulator.oracles.listener import Oracles
from simulator.outcome import TraceEvent
from simulator.state import READ
from simulator.touched import name_of, touched

if TYPE_CHECKING:
    from simulator.machine.cpu import Cpu
    from simulator.mm.mm_types import Folio, Mm, Page, Stale
    from simulator.state import Kernel
    from simulator.task import Task

_PTE: Final = decode(pte_obj(0, 0))[0]
_PMD: Final = decode(pmd_obj(0, 0))[0]
_LOCK: Final = decode(lock_obj(0, 0))[0]


class Tracer(Oracles):
    """Keeps what is told in one run."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[TraceEvent] = []
        self.calls: Calls = Calls()
        # Which op has had a CPU walk to a page last: by CPU, mm and page.
        self.filled: dict[tuple[int, int, int], int] = {}
        self.calm: str = ""  # the state when the last op began that began alone
        self.state_before: str = ""  # the state before the race

    def stepped(self, k: "Kernel", t: "Task", site: i64, obj: i64, access: i64) -> None:
        if site == sites.OP__BEGIN and not self.state_before:
            if k.sched.nr_inside == 1:
                self.calm = describe(k)
            else:
                self.state_before = self.calm
        self.put(k, t, site, touched(obj, access), self.calls.at_site(t.id, site))

    def accessing(self, k: "Kernel", t: "Task", site: i64, obj: i64, access: i64) -> None:
        """What is read of a page table; what is written is told when it has been."""
        if access == READ and obj >= 0:
            kind, container, index = decode(obj)
            if kind == _PTE:
                entry = entry_text(k, peek(k, k.mms[container], index))
                self.add(k, t, site, f"pte {index}{_of(k, container)} is {entry}")
            elif kind == _PMD:
                if k.mms[container].tables[index] is None:  # that it is a table is no news
                    self.add(k, t, site, f"pmd {index}{_of(k, container)} is none")

    def user_loaded(
        self,
        k: "Kernel",
        mm: "Mm",
        va: i64,
        page: "Page",
        word: i64,
        value: i64,
        stale: "Stale | None",
    ) -> None:
        self.accessed(k, mm, va, f"loads {value} from page {va}, {frame_text(page.pfn)}", stale)
        super().user_loaded(k, mm, va, page, word, value, stale)

    def user_stored(
        self,
        k: "Kernel",
        mm: "Mm",
        va: i64,
        page: "Page",
        word: i64,
        token: i64,
        stale: "Stale | None",
    ) -> None:
        self.accessed(k, mm, va, f"stores {token} to page {va}, {frame_text(page.pfn)}", stale)
        super().user_stored(k, mm, va, page, word, token, stale)

    def accessed(self, k: "Kernel", mm: "Mm", va: i64, text: str, stale: "Stale | None") -> None:
        """User code has used a translation: which the tables have, or one of before."""
        t = k.cur
        key = (int(t.cpu), int(mm.id), int(va))
        if stale is None:
            self.filled[key] = int(t.uid)
        elif key in self.filled:
            text += f" through the stale translation that op {self.filled[key]} brought"
        else:
            text += f" through the stale translation that CPU{t.cpu} has walked to ahead"
        self.add(k, t, t.site, text)

    def entry_written(self, k: "Kernel", mm: "Mm", va: i64, old: i64, new: i64) -> None:
        was, now = entry_text(k, old), entry_text(k, new)
        pte = f"pte {va}{_of(k, mm.id)}"
        if not new:
            text = f"clears {pte}, was {was}"
        elif not old:
            text = f"sets {pte}: {now}"
        else:
            text = f"{pte}: {was} becomes {now}"
        self.add(k, k.cur, k.cur.site, text)

    def lock_taken(self, k: "Kernel", obj: i64, how: str) -> None:
        self.add(k, k.cur, k.cur.site, f"takes {name_of(obj)} {how}".rstrip())

    def lock_busy(self, k: "Kernel", obj: i64, holder: i64) -> None:
        why = "made to fail" if holder < 0 else f"{sites.ACTOR_LABELS[holder]} has it"
        self.add(k, k.cur, k.cur.site, f"does not get {name_of(obj)}: {why}")

    def lock_released(self, k: "Kernel", obj: i64) -> None:
        if decode(obj)[0] == _LOCK:  # a strategy is told of other things, too
            self.put(
                k,
                k.cur,
                k.cur.site,
                f"releases {name_of(obj)}",
                self.calls.now(k.cur.id, leaf=False),
            )

    def blocked(self, k: "Kernel", cls: i64, obj: i64, holder: i64) -> None:
        what = "waits until its IPIs are handled"
        if cls:
            name = name_of(obj)
            is_lock = decode(obj)[0] == _LOCK
            what = f"waits for {name if is_lock else f'{sites.lock_label(cls)} of {name}'}"
        by = f", held up by {sites.ACTOR_LABELS[holder]}" if holder >= 0 else ""
        self.add(k, k.cur, k.cur.site, what + by)

    def tlb_flushed(self, k: "Kernel", cpu: "Cpu", mm: "Mm", start: i64, end: i64) -> None:
        what = f"pages {start}..{end}" if end else "all"
        self.add(k, k.cur, k.cur.site, f"CPU{cpu.id} flushes mm{mm.id}: {what}")

    def ipi_sent(self, k: "Kernel", cpu: "Cpu", late: i64) -> None:
        text = f"IPI to CPU{cpu.id}"
        if cpu.irqs_off:
            text += ", which has interrupts off"
        elif late:
            text += f", {late} steps late"
        self.add(k, k.cur, k.cur.site, text)

    def ipi_spared(self, k: "Kernel", cpu: "Cpu", mm: "Mm") -> None:
        self.add(k, k.cur, k.cur.site, f"no IPI to CPU{cpu.id}")

    def ref_taken(self, k: "Kernel", folio: "Folio", reason: i64) -> None:
        what = f"{frame_text(folio.pfn)}: {REASONS[reason]}, {folio.ref} in all"
        self.add(k, k.cur, k.cur.site, f"reference on {what}")

    def ref_dropped(self, k: "Kernel", folio: "Folio", reason: i64) -> None:
        what = f"{frame_text(folio.pfn)}: {REASONS[reason]}, {folio.ref} left"
        self.add(k, k.cur, k.cur.site, f"drops a reference on {what}")

    def noted(self, k: "Kernel", text: str) -> None:
        self.add(k, k.cur, k.cur.site, text)

    def preempted(self, k: "Kernel", t: "Task", site: i64, target: i64) -> None:
        self.add(k, t, site, "-> " + sites.ACTOR_LABELS[target])
        if not self.state_before:
            self.state_before = self.calm

    def failed(self, k: "Kernel", oracle: str, promise: str) -> None:
        self.add(k, k.cur, k.cur.site, f"{oracle}: {promise}")

    def add(self, k: "Kernel", t: "Task", site: i64, text: str) -> None:
        """What has happened to `t`, which runs, since it has passed `site`."""
        self.put(k, t, site, text, self.calls.now(t.id))

    def put(self, k: "Kernel", t: "Task", site: i64, text: str, calls: tuple[Call, ...]) -> None:
        self.events.append(
            TraceEvent(k.nr_steps, t.id, t.cpu, t.uid, sites.NAMES[site], calls, text)
        )


def _of(k: "Kernel", mm: i64) -> str:
    """Whose an entry is, where there is more than one mm."""
    return f" of mm{mm}" if len(k.mms) > 1 else ""
