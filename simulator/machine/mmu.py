# SPDX-License-Identifier: MIT
"""What the hardware does: walks page tables, caches translations, sets accessed and dirty.

A CPU's caches are may-cache sets (an idea of the nrkernel proofs):
everything that was walkable on that CPU since its last covering invalidation may be cached.
What the tables say now needs no record; a `Stale` is kept only for what they said before,
with the mask of CPUs that may still hold it. By default an access uses the current tables;
`tlb K` makes it use the K-th stale entry instead. Accessed bits alone are not tracked: their
loss is benign.

x86-64: an entry cached clean re-checks the tables before it sets the dirty bit, one cached
dirty touches no PTE.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.machine.cpu import Cpu
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_DIRTY,
    PTE_PRESENT,
    PTE_WRITE,
    PTE_YOUNG,
    Mm,
    PageTable,
    Stale,
    pmd_pte,
)
from simulator.objects import pmd_obj, pte_obj
from simulator.scenario import TLB
from simulator.sched import core
from simulator.state import READ, WRITE
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel


# --- may-cache sets --------------------------------------------------------------------------


def reset(k: "Kernel") -> None:
    """Nothing has been taken away yet."""
    k.seq = 0
    for mm in k.mms:
        k.stale_pool.extend(mm.stale)


def made_stale(
    k: "Kernel", mm: Mm, va: i64, old: i64, table: PageTable | None, zapped: bool, pages: i64 = 1
) -> None:
    """The tables said `old` at `va` (or pointed to `table`) and no longer do."""
    mask = mm.cached
    if mask == 0:
        return
    t = k.cur
    s = k.stale_pool.pop() if k.stale_pool else Stale()
    s.va = va
    s.pages = pages
    s.pte = old
    s.table = table
    s.mask = mask
    s.who = t.site
    k.seq += 1
    s.seq = k.seq
    s.owner = t.id
    s.queued = False
    s.flushed = False
    s.zapped = zapped
    s.promised = False
    mm.stale.append(s)


def no_longer_stale(k: "Kernel", mm: Mm, va: i64, pte: i64, pages: i64 = 1) -> None:
    """The tables say `pte` at `va`: what was cached before and allows no more than that is what a
    walk may find now."""
    gone = False
    for s in mm.stale:
        if (
            s.va == va
            and s.pages == pages
            and s.table is None
            and s.pte >> PFN_SHIFT == pte >> PFN_SHIFT
            and not s.pte & ~pte & (PTE_WRITE | PTE_DIRTY)
            and not s.promised
        ):
            s.mask = 0
            gone = True
    if gone:
        forget(k, mm)


def flush_range(k: "Kernel", cpu: Cpu, mm: Mm, start: i64, end: i64) -> None:
    """INVLPG for each page: also drops all paging-structure entries of the ASID, and the whole of
    a translation of a huge page."""
    cpu.flushes += 1
    keep: i64 = ~(1 << cpu.id)
    live = False
    for s in mm.stale:
        if s.table is not None or (s.va < end and start < s.va + s.pages):
            s.mask &= keep
            live = live or s.mask == 0
    if live:
        forget(k, mm)
    if k.tracing:
        k.watch.tlb_flushed(k, cpu, mm, start, end)


def flush_all(k: "Kernel", cpu: Cpu, mm: Mm) -> None:
    """Every entry of this mm's ASID on this CPU."""
    cpu.flushes += 1
    if mm.stale:
        keep: i64 = ~(1 << cpu.id)
        for s in mm.stale:
            s.mask &= keep
        forget(k, mm)
    if k.tracing:
        k.watch.tlb_flushed(k, cpu, mm, 0, 0)


def forget(k: "Kernel", mm: Mm) -> None:
    """Drop records that no CPU may hold any more; the order of the others stays."""
    kept: list[Stale] = []
    for s in mm.stale:
        if s.mask:
            kept.append(s)
        else:
            s.table = None
            k.stale_pool.append(s)
    mm.stale = kept


def load_cr3(k: "Kernel", cpu: Cpu, mm: Mm, flush: bool) -> None:
    """MOV to CR3: from now on this CPU may cache what `mm`'s tables say."""
    cpu.cr3 = mm
    mm.cached |= 1 << cpu.id
    if flush:
        flush_all(k, cpu, mm)


def drop_asid(k: "Kernel", cpu: Cpu, mm_id: i64) -> None:
    """The ASID of another mm is about to be flushed and reused on this CPU."""
    mm = k.mms[mm_id]
    flush_all(k, cpu, mm)
    mm.cached &= ~(1 << cpu.id)


def count_stale(mm: Mm, va: i64, bit: i64) -> i64:
    n: i64 = 0
    for s in mm.stale:
        if s.va <= va < s.va + s.pages and s.table is None and s.mask & bit:
            n += 1
    return n


def nth_stale(mm: Mm, va: i64, bit: i64, n: i64) -> Stale:
    """The n-th (from 1) stale translation of `va` on the CPU, the newest first."""
    found: Stale | None = None
    left = n
    i: i64 = len(mm.stale) - 1
    while i >= 0:
        s = mm.stale[i]
        if s.va <= va < s.va + s.pages and s.table is None and s.mask & bit:
            found = s
            left -= 1
            if left == 0:
                break
        i -= 1
    assert found is not None
    return found


# --- translation -----------------------------------------------------------------------------


def translate(k: "Kernel", t: Task, mm: Mm, va: i64, access: i64) -> i64:
    """The PTE that this access goes through (its pfn is the frame), or 0 for a page fault.

    After it returns non-zero the caller does the access without another step: a TLB flush
    of this CPU cannot fall between translation and access. `t.through_stale` is the stale
    record that was used, or None.
    """
    t.through_stale = None
    if mm.stale:
        n = count_stale(mm, va, 1 << t.cpu)
        if n:
            k.step(sites.MMU__TRANSLATE, pte_obj(mm.id, va), access)
            n = count_stale(mm, va, 1 << t.cpu)
            chosen = choose(k, t, n)
            if chosen:
                s = nth_stale(mm, va, 1 << t.cpu, chosen)
                if use_stale(k, t, s, access):
                    return pmd_pte(s.pte, va - s.va) if s.pages > 1 else s.pte
    return walk(k, t, mm, va, access)


def choose(k: "Kernel", t: Task, entries: i64) -> i64:
    """Which of the stale entries the hardware uses, 0 for a walk."""
    chosen = t.inject_tlb
    t.inject_tlb = 0
    if chosen:
        if chosen > entries:
            return 0
        k.sched.used[t.inject_index] = 1
        return chosen
    s = k.strategy
    if s is None or not t.watch or k.sched.fair or entries == 0:
        return 0
    chosen = s.tlb(entries)
    if chosen > entries:
        return 0
    if chosen:
        core.record_choice(k, t, sites.MMU__TRANSLATE, TLB, chosen)
    return chosen


def use_stale(k: "Kernel", t: Task, s: Stale, access: i64) -> bool:
    """Whether the cached entry serves this access; a clean one asks the tables first."""
    if access == WRITE:
        if not s.pte & PTE_WRITE:
            return False
        if not s.pte & PTE_DIRTY:
            k.sometimes(features.Z_STALE_DIRTY_RECHECK)
            return False
        k.sometimes(features.Z_STALE_STORE)
    else:
        k.sometimes(features.Z_STALE_LOAD)
    t.through_stale = s
    return True


def walk(k: "Kernel", t: Task, mm: Mm, va: i64, access: i64) -> i64:
    """A page walk, level by level; sets accessed and dirty in the entry as one atomic step.

    A flush of this CPU during the walk starts it over, for the hardware takes the interrupt
    before it goes on. Without one it may go on in a page table that has been unlinked.
    """
    pmd = va >> k.pmd_order
    i = va & (k.ptrs_per_pte - 1)
    cpu = k.cpus[t.cpu]
    while True:
        flushes = cpu.flushes
        k.step(sites.MMU__WALK_PMD, pmd_obj(mm.id, pmd), READ)
        table = mm.tables[pmd]
        if table is None:
            if not mm.pmd[pmd] & PTE_PRESENT:
                return 0
            k.step(sites.MMU__WALK_HUGE, pmd_obj(mm.id, pmd), access)
            if cpu.flushes == flushes:
                return walk_huge(k, t, mm, va, access)
            continue
        k.step(sites.MMU__WALK_PTE, pte_obj(mm.id, va), access)
        if cpu.flushes == flushes:
            break
    if mm.tables[pmd] is not table:
        t.through_stale = stale_table(mm, table)
    if not table.live:
        k.violate(
            "use-after-free",
            sites.MMU__WALK_PTE,
            "page-table",
            f"the hardware walks the page table of page {va} after it was freed",
        )
    pte = table.pte[i]
    if not pte & PTE_PRESENT:
        return 0
    if mm.stale:
        k.watch.translation_cached(k, mm, va, 1)
    if access == WRITE:
        if not pte & PTE_WRITE:
            return 0
        # On x86 a dirty PTE is soft-dirty as well: the kernel counts _PAGE_DIRTY|SOFT_DIRTY
        # (pte_mkdirty), but the hardware sets only _PAGE_DIRTY.
        table.pte[i] = pte | PTE_YOUNG | PTE_DIRTY
    else:
        table.pte[i] = pte | PTE_YOUNG
    return table.pte[i]


def walk_huge(k: "Kernel", t: Task, mm: Mm, va: i64, access: i64) -> i64:
    """The walk ends at a PMD entry that maps a huge page: its accessed and dirty bits are set, and
    what it says of the page at `va` is returned."""
    i = va >> k.pmd_order
    pmd = mm.pmd[i]
    if not pmd & PTE_PRESENT or (access == WRITE and not pmd & PTE_WRITE):
        return 0
    start = i << k.pmd_order
    if mm.stale:
        k.watch.translation_cached(k, mm, start, k.ptrs_per_pte)
    pmd |= PTE_YOUNG | PTE_DIRTY if access == WRITE else PTE_YOUNG
    mm.pmd[i] = pmd
    return pmd_pte(pmd, va - start)


def stale_table(mm: Mm, table: PageTable) -> Stale | None:
    """The record of a page table that this mm had and that a walk still uses."""
    for s in mm.stale:
        if s.table is table:
            return s
    return None


def frame(pte: i64) -> i64:
    return pte >> PFN_SHIFT
