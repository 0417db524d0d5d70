# SPDX-License-Identifier: MIT
"""arch/x86/mm/tlb.c (7.2): switches of the mm, ASIDs, generations and shootdowns by IPI.

Without what a model of mm races does not need: PTI, LAM, global ASIDs (INVLPGB), membarrier,
and the periodic trimming of mm_cpumask().
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

from simulator import features, sites
from simulator.machine import ipi, mmu
from simulator.machine.cpu import TLB_NR_DYN_ASIDS, CallSingleData, Cpu
from simulator.mm.mm_types import Mm
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


# --- context switches ----------------------------------------------------------------------


def enter_lazy_tlb(cpu: Cpu) -> None:
    if cpu.loaded_mm is not None:
        cpu.is_lazy = True


def switch_mm_irqs_off(k: "Kernel", cpu: Cpu, mm: Mm) -> None:
    """Load `mm` on this CPU; interrupts are off."""
    prev = cpu.loaded_mm
    was_lazy = cpu.is_lazy
    bit: i64 = 1 << cpu.id
    o = mm.obj
    if was_lazy:
        cpu.is_lazy = False
    if prev is mm:
        if not was_lazy:
            return
        k.step(sites.SWITCH_MM_IRQS_OFF__LAZY_GEN_READ, o, READ)
        gen = mm.tlb_gen
        asid = cpu.asid
        if cpu.ctx_gen[asid] == gen:
            k.watch.user_resumes(k, cpu, mm)
            return
        flush = True
        k.sometimes(features.Z_SWITCH_MM_FLUSH)
    else:
        k.step(sites.SWITCH_MM_IRQS_OFF__SWITCHING, cpu.obj, WRITE)
        cpu.switching = True
        k.step(sites.SWITCH_MM_IRQS_OFF__CPUMASK, o, WRITE)
        mm.cpumask |= bit
        k.step(sites.SWITCH_MM_IRQS_OFF__GEN_READ, o, READ)
        gen = mm.tlb_gen
        asid, flush = choose_new_asid(k, cpu, mm, gen)
    k.step(sites.SWITCH_MM_IRQS_OFF__LOAD_CR3, o, READ)
    if flush:
        cpu.ctx_mm[asid] = mm.id
        cpu.ctx_gen[asid] = gen
    mmu.load_cr3(k, cpu, mm, flush)
    k.step(sites.SWITCH_MM_IRQS_OFF__LOADED_MM, cpu.obj, WRITE)
    cpu.loaded_mm = mm
    cpu.asid = asid
    cpu.switching = False
    k.watch.user_resumes(k, cpu, mm)


def choose_new_asid(k: "Kernel", cpu: Cpu, mm: Mm, gen: i64) -> tuple[i64, bool]:
    """The ASID for `mm` on this CPU, and whether it must be flushed first."""
    for asid in range(TLB_NR_DYN_ASIDS):
        if cpu.ctx_mm[asid] == mm.id:
            flush = cpu.ctx_gen[asid] < gen
            if flush:
                k.sometimes(features.Z_SWITCH_MM_FLUSH)
            return asid, flush
    asid = cpu.next_asid
    cpu.next_asid = (asid + 1) % TLB_NR_DYN_ASIDS
    old = cpu.ctx_mm[asid]
    if old >= 0:
        k.sometimes(features.Z_ASID_REUSED)
        mmu.drop_asid(k, cpu, old)
    return asid, True


def leave_mm(k: "Kernel", cpu: Cpu) -> None:
    """Switch to init_mm: nothing of a user mm may be walked any more."""
    mm = cpu.loaded_mm
    if mm is None:
        return
    cpu.loaded_mm = None
    cpu.cr3 = None
    cpu.is_lazy = False


# --- shootdowns ------------------------------------------------------------------------------


@mypyc_attr(acyclic=True)
class FlushInfo(CallSingleData):
    """struct flush_tlb_info."""

    def __init__(
        self, mm: Mm, start: i64, end: i64, full: bool, freed_tables: bool, gen: i64, source: i64
    ) -> None:
        super().__init__(source)
        self.mm: Mm = mm
        self.start: i64 = start
        self.end: i64 = end
        self.full: bool = full
        self.freed_tables: bool = freed_tables
        self.gen: i64 = gen  # new_tlb_gen

    def func(self, k: "Kernel", cpu: Cpu) -> None:
        flush_tlb_func(k, cpu, self)


def flush_tlb_mm_range(k: "Kernel", mm: Mm, start: i64, end: i64, freed_tables: bool) -> None:
    """Pages [start, end) of `mm` are in no TLB when this returns."""
    full = end - start > k.flush_ceiling
    do_flush(k, mm, start, end, full, freed_tables)


def flush_pmd_tlb_range(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """flush_tlb_mm_range() of huge pages only: one invalidation is enough for each."""
    full = (end - start) >> k.pmd_order > k.flush_ceiling
    do_flush(k, mm, start, end, full, False)


def flush_tlb_range(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """arch/x86's macro over flush_tlb_mm_range(): it says that page tables may have gone, so that
    lazy CPUs leave the mm."""
    flush_tlb_mm_range(k, mm, start, end, True)


def flush_tlb_mm(k: "Kernel", mm: Mm) -> None:
    do_flush(k, mm, 0, k.nr_arena, True, True)


def flush_tlb_page(k: "Kernel", mm: Mm, va: i64) -> None:
    do_flush(k, mm, va, va + 1, False, False)


def do_flush(k: "Kernel", mm: Mm, start: i64, end: i64, full: bool, freed_tables: bool) -> None:
    t = k.cur
    me = k.cpus[t.cpu]
    t.preempt_count += 1  # get_cpu()
    k.step(sites.FLUSH_TLB_MM_RANGE__INC_GEN, mm.obj, WRITE)
    seq = k.seq
    mm.tlb_gen += 1
    gen = mm.tlb_gen
    others = mm.cpumask & ~(1 << me.id)
    if others:
        i: i64 = 0
        while others:
            if others & 1:
                cpu = k.cpus[i]
                if freed_tables or should_flush_tlb(k, cpu, mm):
                    t.acks_missing += 1
                    ipi.send(
                        k,
                        sites.NATIVE_FLUSH_TLB_MULTI__IPI,
                        cpu,
                        FlushInfo(mm, start, end, full, freed_tables, gen, t.id),
                    )
                elif k.tracing:
                    k.watch.ipi_spared(k, cpu, mm)
            others >>= 1
            i += 1
    if me.loaded_mm is mm:
        ipi.local_irq_disable(k)
        flush_tlb_func(k, me, FlushInfo(mm, start, end, full, freed_tables, gen, t.id))
        ipi.local_irq_enable(k)
    if t.acks_missing:
        ipi.wait_for_acks(k, sites.NATIVE_FLUSH_TLB_MULTI__IPI)
    for s in mm.stale:
        if s.seq <= seq and (full or (s.va < end and start < s.va + s.pages)):
            s.flushed = True
    t.preempt_count -= 1


def broadcast_tlb_flush(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """Hardware that drops translations from all TLBs by one instruction (TLBI of arm64, INVLPGB):
    nobody is interrupted, and so nobody waited for who has interrupts off."""
    k.step(sites.FLUSH_TLB_MM_RANGE__INC_GEN, mm.obj, WRITE)
    seq = k.seq
    mm.tlb_gen += 1
    full = end - start > k.flush_ceiling
    for cpu in k.cpus:
        if mm.cpumask >> cpu.id & 1:
            flush_tlb_func(k, cpu, FlushInfo(mm, start, end, full, True, mm.tlb_gen, k.cur.id))
    for s in mm.stale:
        if s.seq <= seq and (full or (s.va < end and start < s.va + s.pages)):
            s.flushed = True


def should_flush_tlb(k: "Kernel", cpu: Cpu, mm: Mm) -> bool:
    """Whether this CPU in mm_cpumask() needs the IPI. A switch writes what it loads after whether
    it is lazy, so this is read the other way round."""
    k.step(sites.SHOULD_FLUSH_TLB__CHECK, cpu.obj, READ)
    switching = cpu.switching
    loaded = cpu.loaded_mm
    k.step(sites.SHOULD_FLUSH_TLB__IS_LAZY, cpu.obj, READ)
    if cpu.is_lazy:
        k.sometimes(features.Z_LAZY_TLB_SKIPPED)
        return False
    if switching:
        return not k.bug.shootdown_skips_switching_cpu
    return loaded is mm


def flush_tlb_func(k: "Kernel", cpu: Cpu, info: FlushInfo) -> None:
    """The flush on one CPU, interrupts off there. Runs no other actor."""
    mm = info.mm
    if cpu.loaded_mm is not mm or cpu.switching:
        if not cpu.switching:
            mm.cpumask &= ~(1 << cpu.id)
        return
    if cpu.is_lazy:
        leave_mm(k, cpu)
        return
    asid = cpu.asid
    local = cpu.ctx_gen[asid]
    if info.gen <= local:
        return
    current = mm.tlb_gen
    if local == current:
        return
    if not info.full and info.gen == local + 1 and info.gen == current:
        mmu.flush_range(k, cpu, mm, info.start, info.end)
    else:
        mmu.flush_all(k, cpu, mm)
    cpu.ctx_gen[asid] = current
