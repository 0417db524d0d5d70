# SPDX-License-Identifier: MIT
"""mm/rmap.c, arch/x86/mm/tlb.c (7.2): TLB flushes that reclaim puts off until it has unmapped many
pages (struct tlbflush_unmap_batch), and what who finds their entries gone must do before.

A page may neither be written out nor freed while CPUs can store to it: the first asks for a flush
of entries that were dirty, for through clean ones hardware does not store without another look at
the page table.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

from simulator import features, sites
from simulator.machine import ipi, mmu
from simulator.machine.cpu import CallSingleData, Cpu
from simulator.mm import tlb
from simulator.mm.mm_types import PTE_DIRTY, Mm
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


@mypyc_attr(acyclic=True)
class BatchFlush(CallSingleData):
    """flush_tlb_func() without an mm: what the CPU has loaded is brought up to date."""

    def func(self, k: "Kernel", cpu: Cpu) -> None:
        mm = cpu.loaded_mm
        if mm is None or cpu.switching:
            return
        if cpu.is_lazy:
            tlb.leave_mm(k, cpu)
            return
        if cpu.ctx_gen[cpu.asid] != mm.tlb_gen:
            mmu.flush_all(k, cpu, mm)
            cpu.ctx_gen[cpu.asid] = mm.tlb_gen


def should_defer_flush(k: "Kernel", mm: Mm) -> bool:
    """Whether another CPU has run the mm, so that an interrupt can be spared."""
    k.step(sites.SHOULD_DEFER_FLUSH__CPUMASK, mm.obj, READ)
    return mm.cpumask & ~(1 << k.cur.cpu) != 0


def set_tlb_ubc_flush_pending(k: "Kernel", mm: Mm, pte: i64) -> None:
    """An entry was taken out, whose flush the running actor owes from now on."""
    t = k.cur
    k.step(sites.SET_TLB_UBC_FLUSH_PENDING__INC_GEN, mm.obj, WRITE)
    mm.tlb_gen += 1
    t.ubc_cpus |= mm.cpumask
    k.step(sites.SET_TLB_UBC_FLUSH_PENDING__PENDING, mm.obj, WRITE)
    mm.tlb_batched += 1
    if pte & PTE_DIRTY:
        t.ubc_writable = True
    k.sometimes(features.Z_FLUSH_BATCHED)
    if k.tracing:
        k.note("flush deferred")


def try_to_unmap_flush(k: "Kernel") -> None:
    """Flush what the running actor has put off."""
    t = k.cur
    if t.ubc_cpus == 0:
        return
    arch_tlbbatch_flush(k, t.ubc_cpus)
    t.ubc_cpus = 0
    t.ubc_writable = False


def try_to_unmap_flush_dirty(k: "Kernel") -> None:
    """The same, if CPUs may store through any of it."""
    if k.cur.ubc_writable:
        try_to_unmap_flush(k)


def arch_tlbbatch_flush(k: "Kernel", mask: i64) -> None:
    """Bring the TLBs of these CPUs up to date, whatever they run."""
    t = k.cur
    me = k.cpus[t.cpu]
    t.preempt_count += 1  # get_cpu()
    seq = k.seq
    i: i64 = 0
    while mask >> i:
        if i != me.id and (mask >> i) & 1:
            cpu = k.cpus[i]
            k.step(sites.SHOULD_FLUSH_TLB__IS_LAZY, cpu.obj, READ)
            if not cpu.is_lazy:
                t.acks_missing += 1
                ipi.send(k, sites.ARCH_TLBBATCH_FLUSH__IPI, cpu, BatchFlush(t.id))
        i += 1
    if (mask >> me.id) & 1:
        ipi.local_irq_disable(k)
        BatchFlush(t.id).func(k, me)
        ipi.local_irq_enable(k)
    if t.acks_missing:
        ipi.wait_for_acks(k, sites.ARCH_TLBBATCH_FLUSH__IPI)
    for mm in k.mms:
        for s in mm.stale:
            if s.seq <= seq and s.owner == t.id:
                s.flushed = True
    t.preempt_count -= 1


def flush_tlb_batched_pending(k: "Kernel", mm: Mm) -> None:
    """Whoever is about to promise for entries of the mm, under the lock of their page table, has to
    flush what others have put off: of those entries nothing is to be seen. Called if
    `mm.tlb_batched` is not what has been flushed."""
    pending = mm.tlb_batched
    tlb.flush_tlb_mm(k, mm)
    k.sometimes(features.Z_FLUSH_BATCHED_PENDING)
    k.step(sites.FLUSH_TLB_BATCHED_PENDING__FLUSHED, mm.obj, WRITE)
    if mm.tlb_batched == pending:
        mm.tlb_flushed = pending
