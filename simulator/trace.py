# SPDX-License-Identifier: MIT
"""`Tracer`: the Watch of a run that people will look at. Oracles listen as ever; besides, every
step becomes a TraceEvent of what comes next, and every outcome one of what has happened: a value
read, an entry written, a lock taken, released or waited for, a TLB flushed. The state is described
before the first preemption.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.dump import describe, entry_text
from simulator.mm.pgtable import peek
from simulator.objects import decode, lock_obj, pmd_obj, pte_obj
from simulator.oracles.listener import Oracles
from simulator.outcome import TraceEvent
from simulator.state import READ
from simulator.touched import name_of, touched

if TYPE_CHECKING:
    from simulator.machine.cpu import Cpu
    from simulator.mm.mm_types import Mm
    from simulator.state import Kernel
    from simulator.task import Task

_PTE: Final = decode(pte_obj(0, 0))[0]
_PMD: Final = decode(pmd_obj(0, 0))[0]
_LOCK: Final = decode(lock_obj(0, 0))[0]


class Tracer(Oracles):
    """Keeps what is told in one run. The depth of an event is inferred from its function."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[TraceEvent] = []
        self.state_before: str = ""  # the state before the first preemption

    def stepped(self, k: "Kernel", t: "Task", site: i64, obj: i64, access: i64) -> None:
        self.add(k, t, site, touched(obj, access))

    def accessing(self, k: "Kernel", t: "Task", site: i64, obj: i64, access: i64) -> None:
        """What is read of a page table; what is written is told when it has been."""
        if access == READ and obj >= 0:
            kind, container, index = decode(obj)
            if kind == _PTE:
                entry = entry_text(k, peek(k, k.mms[container], index))
                self.add(k, t, site, f"pte {index} is {entry}")
            elif kind == _PMD:
                if k.mms[container].tables[index] is None:  # that it is a table is no news
                    self.add(k, t, site, f"pmd {index} is none")

    def entry_written(self, k: "Kernel", mm: "Mm", va: i64, old: i64, new: i64) -> None:
        was, now = entry_text(k, old), entry_text(k, new)
        if not new:
            text = f"clears pte {va}, was {was}"
        elif not old:
            text = f"sets pte {va}: {now}"
        else:
            text = f"pte {va}: {was} becomes {now}"
        self.add(k, k.cur, k.cur.site, text)

    def lock_taken(self, k: "Kernel", obj: i64, how: str) -> None:
        self.add(k, k.cur, k.cur.site, f"takes {name_of(obj)} {how}".rstrip())

    def lock_busy(self, k: "Kernel", obj: i64, holder: i64) -> None:
        why = "made to fail" if holder < 0 else f"{sites.ACTOR_LABELS[holder]} has it"
        self.add(k, k.cur, k.cur.site, f"does not get {name_of(obj)}: {why}")

    def lock_released(self, k: "Kernel", obj: i64) -> None:
        kind, cls, _ = decode(obj)
        if kind == _LOCK:  # whoever took the lock of a VMA, its caller lets go of it
            self.add(k, k.cur, k.cur.took[cls], f"releases {name_of(obj)}")

    def blocked(self, k: "Kernel", cls: i64, holder: i64) -> None:
        what = f"waits for {sites.lock_label(cls)}" if cls else "waits until its IPIs are handled"
        by = f", held up by {sites.ACTOR_LABELS[holder]}" if holder >= 0 else ""
        self.add(k, k.cur, k.cur.site, what + by)

    def tlb_flushed(self, k: "Kernel", cpu: "Cpu", mm: "Mm", start: i64, end: i64) -> None:
        what = f"pages {start}..{end}" if end else "all"
        self.add(k, k.cur, k.cur.site, f"CPU{cpu.id} drops its translations of mm{mm.id}: {what}")

    def ipi_sent(self, k: "Kernel", cpu: "Cpu", late: i64) -> None:
        text = f"IPI to CPU{cpu.id}"
        if cpu.irqs_off:
            text += ", which has interrupts off"
        elif late:
            text += f", {late} steps late"
        self.add(k, k.cur, k.cur.site, text)

    def noted(self, k: "Kernel", text: str) -> None:
        self.add(k, k.cur, k.cur.site, text)

    def preempted(self, k: "Kernel", t: "Task", site: i64, target: i64) -> None:
        self.add(k, t, site, "-> " + sites.ACTOR_LABELS[target])
        if not self.state_before:
            self.state_before = describe(k)

    def failed(self, k: "Kernel", oracle: str, promise: str) -> None:
        self.add(k, k.cur, k.cur.site, f"{oracle}: {promise}")

    def add(self, k: "Kernel", t: "Task", site: i64, text: str) -> None:
        """One more event. A function seen before on the stack means that the ones above it have
        returned."""
        function = sites.FUNCTION[site]
        if function in t.depth:
            while t.depth[-1] != function:
                t.depth.pop()
        else:
            t.depth.append(function)
        self.events.append(
            TraceEvent(
                k.nr_steps, t.id, t.cpu, t.uid, sites.NAMES[site], len(t.depth) - 1, text
            )
        )
