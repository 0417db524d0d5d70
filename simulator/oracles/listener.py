# SPDX-License-Identifier: MIT
"""Who of the oracles hears of what, and in which order: all that they listen to.

One method for each event of `Watch` that some oracle heeds; what an oracle makes of it is in its
own file. Events come with the model standing still, so that listeners see one state.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator.build.native import vec
from simulator.mm.mm_types import PG_ZERO, SWP_DEVICE_EXCLUSIVE, SWP_MARKER_GUARD, pmd_pte, pte_kind
from simulator.mm.pgtable import peek
from simulator.oracles import (
    anon_exclusive,
    contract,
    dirty_loss,
    freed_page,
    freed_table,
    full_audit,
    mapping,
    memory_value,
    page_cache,
    permission,
    pin,
    secondary_mmu,
    soft_dirty,
    stale_tlb,
    state,
    swap_slots,
    uffd_missed,
    uffd_wp_bypass,
    userfault_wake,
    vma_change,
)
from simulator.scenario import NR_ACTORS
from simulator.watch import Watch

if TYPE_CHECKING:
    from simulator.machine.cpu import Cpu
    from simulator.mm.mm_types import (
        Folio,
        Inode,
        Mm,
        Page,
        PageTable,
        Stale,
        UserfaultfdCtx,
        UserfaultWait,
        Vma,
    )
    from simulator.mm.pins import Pin
    from simulator.scenario import Op
    from simulator.state import Kernel
    from simulator.task import Task


class Oracles(Watch):
    """Ends the run when a promise is broken. What an oracle keeps of a run is here."""

    def __init__(self) -> None:
        self.values: Final[memory_value.LogicalPages] = memory_value.LogicalPages()
        self.dirty_taken: list[dirty_loss.Taken] = []
        self.keeping: i64 = 0  # actors inside calls that give no data up
        # By actor: how many ops had begun when it last tried to resolve a fault.
        self.faulted: Final[vec[i64]] = vec[i64]([-1] * NR_ACTORS)

    # --- what a page table entry stands for ---------------------------------------------------

    def pte_written(
        self, k: "Kernel", mm: "Mm", table: "PageTable", va: i64, old: i64, new: i64
    ) -> None:
        if mm.notifiers:
            if old:
                secondary_mmu.entry_written(k, mm, va, old, new)
            elif pte_kind(new) == SWP_DEVICE_EXCLUSIVE:
                secondary_mmu.exclusive_entry_set(k, mm, va, new)
        if k.open_pins:
            pin.entry_written(k, mm, va, old, new)
        if old | new:
            dirty_loss.entry_written(k, self.dirty_taken, mm, va, old, new)
        if new:
            soft_dirty.entry_written(k, mm, va, new)
            if pte_kind(new) == SWP_MARKER_GUARD:
                state.marker_set(k, mm, va)
        if mm.tables[va >> k.pmd_order] is not table:
            freed_table.written(k, va, table)

    def pmd_written(self, k: "Kernel", mm: "Mm", va: i64, old: i64) -> None:
        i: i64 = 0
        while i < k.ptrs_per_pte:
            new = peek(k, mm, va + i)
            was = pmd_pte(old, i) if old else 0
            if mm.notifiers and was:
                secondary_mmu.entry_written(k, mm, va + i, was, new)
            if k.open_pins:
                pin.entry_written(k, mm, va + i, was, new)
            if new:
                soft_dirty.entry_written(k, mm, va + i, new)
            dirty_loss.entry_written(k, self.dirty_taken, mm, va + i, was, new)
            i += 1
        if mm.stale:
            stale_tlb.resized(k, mm, va)

    def pml_dropping(self, k: "Kernel", mm: "Mm") -> None:
        mapping.lock_dropped(k, mm)
        if k.swap.recheck:
            swap_slots.lock_dropped(k)
        if self.dirty_taken:
            self.dirty_taken = dirty_loss.lock_dropped(k, self.dirty_taken)

    def translation_cached(self, k: "Kernel", mm: "Mm", va: i64, pages: i64) -> None:
        stale_tlb.cached(k, mm, va, pages)

    def page_cleaned(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        dirty_loss.given_up(mm, va)

    def data_stays(self, k: "Kernel", begins: bool) -> None:
        bit: i64 = 1 << k.cur.id
        self.keeping = self.keeping | bit if begins else self.keeping & ~bit

    def data_dropped(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        if (self.keeping >> k.cur.id) & 1:
            memory_value.lost(k, self.values, mm, va)
        if k.open_pins:
            pin.dropped(k, mm, va)
        soft_dirty.dropped(mm, va)
        dirty_loss.given_up(mm, va)
        if mm.uffd_wp[va]:
            uffd_wp_bypass.dropped(mm, va)
        memory_value.dropped(self.values, mm, va)

    def entry_moved(self, k: "Kernel", mm: "Mm", old_va: i64, new_va: i64) -> None:
        if k.open_pins:
            pin.moved(k, mm, old_va, new_va)
        soft_dirty.moved(mm, old_va, new_va)
        dirty_loss.moved(k, self.dirty_taken, mm, old_va, new_va)
        mm.uffd_wp[new_va] = 0
        mm.uffd_wp[old_va] = 0
        memory_value.moved(mm, old_va, new_va)

    def page_shared(self, k: "Kernel", parent: "Mm", child: "Mm", va: i64) -> None:
        anon_exclusive.entry_shared(k, parent, va)
        memory_value.shared(self.values, parent, child, va)
        soft_dirty.shared(parent, child, va)

    def copy_installed(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        memory_value.installed(k, self.values, mm, va, page)

    def hole_filled(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        if k.uffd_contexts:
            uffd_missed.hole_filled(k, mm, va)

    def zeroes_installed(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        memory_value.installed(k, self.values, mm, va, page)
        memory_value.zeroed(k, va, page)
        soft_dirty.zeroed(k, mm, va)

    def copying(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        memory_value.copying(k, mm, va, page)

    def fork_copying(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        memory_value.fork_copying(k, mm, va, page)

    def anon_added(self, k: "Kernel", vma: "Vma", va: i64) -> None:
        state.anon_added(k, vma, va)

    def file_page_mapped(self, k: "Kernel", vma: "Vma", va: i64, page: "Page") -> None:
        page_cache.mapped(k, vma, va, page, k.cur.site)

    def ptl_dropping(self, k: "Kernel", table: "PageTable") -> None:
        mapping.lock_dropped(k, k.mms[table.mm_id])
        if k.swap.recheck:
            swap_slots.lock_dropped(k)
        if self.dirty_taken:
            self.dirty_taken = dirty_loss.lock_dropped(k, self.dirty_taken)

    def migration_ptes_removed(self, k: "Kernel", src: "Page") -> None:
        mapping.restored(k, src)

    # --- swap -----------------------------------------------------------------------------------

    def swap_entry_counted(self, k: "Kernel", slot: i64, n: i64) -> None:
        swap_slots.entry_counted(k, slot, n)

    def swap_entry_exclusive(self, k: "Kernel", slot: i64) -> None:
        swap_slots.exclusive(k, slot)

    def swap_slot_freed(self, k: "Kernel", slot: i64) -> None:
        swap_slots.freed(k, slot)

    def writeback_begins(self, k: "Kernel", folio: "Folio") -> None:
        stale_tlb.writeback_begins(k, folio)

    def swap_cache_removing(self, k: "Kernel", folio: "Folio") -> None:
        swap_slots.cache_removing(k, folio)

    def swap_gone(self, k: "Kernel") -> None:
        swap_slots.device_gone(k)

    def lazyfree_marked(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        memory_value.given_up(self.values, mm, va)

    def lazyfree_discarded(self, k: "Kernel", mm: "Mm", va: i64, droppable: bool) -> None:
        if not droppable:
            memory_value.discarded(k, self.values, mm, va)
        self.data_dropped(k, mm, va)

    def swapped_in(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        memory_value.swapped_in(k, self.values, mm, va, page)

    # --- loads and stores ---------------------------------------------------------------------

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
        if stale is None:
            memory_value.loaded(k, self.values, mm, va, page, word, value)
            permission.loaded(k, mm, va)

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
        folio = page.folio
        if mm.uffd_wp[va]:
            uffd_wp_bypass.stored(k, mm, va)
        if folio.flags & PG_ZERO:
            permission.zero_page_stored(k, mm, va)
        if stale is None:
            memory_value.stored(self.values, mm, va, page, word, token)
            permission.stored(k, mm, va, page)
            soft_dirty.stored(k, mm, va, page)
            if k.open_pins:
                pin.stored(k, mm, va, page)
        elif not stale.zapped or folio.inode is not None:
            memory_value.stored_stale(self.values, page, word, token)

    def forced_store_begins(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        permission.forced(k, mm, va, page)

    def forced_stored(self, k: "Kernel", mm: "Mm", va: i64, page: "Page", seen: i64) -> None:
        soft_dirty.forced(k, mm, va, page, seen)
        if uffd_wp_bypass.has_bit(seen):
            uffd_wp_bypass.stored(k, mm, va)

    def loaded(self, k: "Kernel", mm: "Mm", va: i64, page: "Page", word: i64, value: i64) -> None:
        memory_value.loaded(k, self.values, mm, va, page, word, value)

    def stored(
        self, k: "Kernel", mm: "Mm", va: i64, page: "Page", word: i64, token: i64, here: bool
    ) -> None:
        if here or page.folio.inode is not None:
            memory_value.stored(self.values, mm, va, page, word, token)
        else:
            memory_value.stored_stale(self.values, page, word, token)

    def file_loaded(self, k: "Kernel", inode: "Inode", page: "Page", word: i64) -> None:
        permission.file_content(k, inode, page, word, k.cur.site)

    def device_accesses(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        secondary_mmu.used(k, mm, va, page)

    def device_made_exclusive(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        secondary_mmu.made_exclusive(k, mm, va, page)

    # --- frames and page tables -----------------------------------------------------------------

    def frame_handed_out(self, k: "Kernel", page: "Page", site: i64) -> None:
        state.handed_out(k, page, site)

    def lru_adding(self, k: "Kernel", folio: "Folio") -> None:
        state.lru_adding(k, folio)

    def page_freed(self, k: "Kernel", folio: "Folio") -> None:
        freed_page.check(k, folio)

    def table_locked(self, k: "Kernel", mm: "Mm", va: i64, table: "PageTable") -> None:
        freed_table.locked(k, mm, va, table)

    def table_read(self, k: "Kernel", table: "PageTable") -> None:
        freed_table.read(k, table)

    def table_freed(self, k: "Kernel", table: "PageTable") -> None:
        freed_table.check(k, table)

    def pin_taken(self, k: "Kernel", p: "Pin") -> None:
        pin.taken(k, p)

    def holes_filling(self, k: "Kernel", order: i64, holes: i64) -> None:
        contract.holes_filling(k, order, holes)

    # --- page cache -----------------------------------------------------------------------------

    def cache_found(self, k: "Kernel", inode: "Inode", index: i64, folio: "Folio") -> None:
        page_cache.found(k, inode, index, folio, k.cur.site)

    def cache_adding(self, k: "Kernel", inode: "Inode", index: i64, old: "Folio | None") -> None:
        page_cache.added(k, index, old)

    def cache_removing(self, k: "Kernel", inode: "Inode", folio: "Folio") -> None:
        page_cache.removing(k, inode, folio)
        memory_value.file_dropped(inode, folio)

    def cache_replacing(self, k: "Kernel", inode: "Inode", folio: "Folio") -> None:
        uffd_missed.replacing(k, inode, folio)
        page_cache.replacing(k, inode, folio)

    def hole_hidden(self, k: "Kernel", inode: "Inode", index: i64) -> None:
        if k.uffd_contexts:
            uffd_missed.hidden(k, inode, index)

    def retry_entries_left(self, k: "Kernel", inode: "Inode") -> None:
        page_cache.retry_left(k, inode)

    def data_found(self, k: "Kernel", inode: "Inode", index: i64) -> None:
        page_cache.data_found(inode, index)

    def hole_found(self, k: "Kernel", inode: "Inode", start: i64, end: i64) -> None:
        page_cache.hole_found(k, inode, start, end)

    def file_zeroed(self, k: "Kernel", inode: "Inode", word: i64) -> None:
        inode.expected[word] = 0

    def file_truncated(self, k: "Kernel", inode: "Inode", end: i64) -> None:
        page_cache.truncated(k, inode, end)

    def cache_filled(self, k: "Kernel", inode: "Inode", folio: "Folio") -> None:
        memory_value.cache_filled(inode, folio)

    def inode_evicted(self, k: "Kernel", inode: "Inode") -> None:
        page_cache.evicted(k, inode)

    # --- userfaultfd --------------------------------------------------------------------------

    def userfault_begins(self, k: "Kernel", ctx: "UserfaultfdCtx", wait: "UserfaultWait") -> None:
        userfault_wake.begins(ctx, wait)

    def userfault_sleeps(self, k: "Kernel", ctx: "UserfaultfdCtx", wait: "UserfaultWait") -> None:
        userfault_wake.sleeps(k, ctx, wait)

    def userfault_ends(self, k: "Kernel", ctx: "UserfaultfdCtx", wait: "UserfaultWait") -> None:
        userfault_wake.ends(ctx, wait)

    def userfaults_woken(self, k: "Kernel", ctx: "UserfaultfdCtx", start: i64, end: i64) -> None:
        userfault_wake.woken(k, ctx, start, end)

    def uffd_registering(self, k: "Kernel", vma: "Vma", modes: i64) -> None:
        uffd_missed.registering(vma, modes)

    def uffd_protected(self, k: "Kernel", mm: "Mm", start: i64, end: i64) -> None:
        uffd_wp_bypass.protected(k, mm, start, end)

    def uffd_unprotecting(self, k: "Kernel", mm: "Mm", start: i64, end: i64) -> None:
        uffd_wp_bypass.unprotecting(mm, start, end)

    # --- VMAs -------------------------------------------------------------------------------------

    def fault_resolving(self, k: "Kernel", vma: "Vma", mm: "Mm", va: i64) -> None:
        state.faults(k, vma, mm, va)
        self.faulted[k.cur.id] = k.sched.nr_begun

    def vmas_changed(self, k: "Kernel", mm: "Mm") -> None:
        state.changed(k, mm)

    def vma_flags_set(self, k: "Kernel", mm: "Mm", vma: "Vma", start: i64, end: i64) -> None:
        vma_change.flags_set(k, mm, vma, start, end)

    def ranges_merging(
        self, k: "Kernel", a: i64, a_pgoff: i64, b: i64, b_pgoff: i64, new: bool
    ) -> None:
        vma_change.merging(k, a, a_pgoff, b, b_pgoff, new)

    def vma_unlinking(self, k: "Kernel", vma: "Vma") -> None:
        vma_change.unlinking(k, vma)

    def vma_unmapped(self, k: "Kernel", vma: "Vma") -> None:
        soft_dirty.unmapped(vma)

    def vma_copied(self, k: "Kernel", old: "Vma", new: "Vma") -> None:
        vma_change.copied(k, old, new)

    def vma_splitting(self, k: "Kernel", vma: "Vma", new: "Vma") -> None:
        vma_change.splitting(k, vma, new)

    def stack_grown(self, k: "Kernel", mm: "Mm", vma: "Vma") -> None:
        vma_change.grown(k, mm, vma)

    # --- promises of calls ------------------------------------------------------------------------

    def call_returns(self, k: "Kernel", mm: "Mm", start: i64, end: i64, call: str) -> None:
        stale_tlb.call_returns(k, mm, start, end, call)

    def dontneed_begins(self, k: "Kernel", mm: "Mm", start: i64, end: i64) -> None:
        memory_value.dontneed_begins(k, self.values, mm, start, end)

    def dontneed_returns(self, k: "Kernel", mm: "Mm", start: i64, end: i64) -> None:
        memory_value.dontneed_returns(k, self.values, mm, start, end)

    def own_call_returns(self, k: "Kernel", mm: "Mm", start: i64, end: i64, call: str) -> None:
        stale_tlb.own_call_returns(k, mm, start, end, call)

    def put_off_flushed(self, k: "Kernel", mm: "Mm", start: i64, end: i64, call: str) -> None:
        stale_tlb.put_off_flushed(k, mm, start, end, call)

    def user_resumes(self, k: "Kernel", cpu: "Cpu", mm: "Mm") -> None:
        stale_tlb.user_returns(k, cpu, mm)

    def clear_refs_begins(self, k: "Kernel", mm: "Mm") -> None:
        soft_dirty.clear_refs_begins(mm)

    def soft_dirty_cleared(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        soft_dirty.cleared(mm, va)

    def soft_dirty_left(self, k: "Kernel", mm: "Mm", va: i64, pte: i64) -> None:
        soft_dirty.skipped(mm, va, pte)

    def clear_refs_flushed(self, k: "Kernel", mm: "Mm") -> None:
        soft_dirty.clear_refs_returns(k, mm)

    def soft_dirty_reported(self, k: "Kernel", mm: "Mm", va: i64, reported: bool) -> None:
        soft_dirty.reported(k, mm, va, reported)

    # --- the run ----------------------------------------------------------------------------------

    def run_begins(self, k: "Kernel") -> None:
        self.values.reset()
        self.keeping = 0
        for actor in range(NR_ACTORS):
            self.faulted[actor] = -1
        if self.dirty_taken:
            self.dirty_taken = []

    def op_returns(self, k: "Kernel", t: "Task", op: "Op", result: i64) -> None:
        contract.check(k, self.values, t, op, result, self.faulted[t.id])

    def end_begins(self, k: "Kernel") -> None:
        full_audit.while_mapped(k, self.values)

    def end_ends(self, k: "Kernel") -> None:
        full_audit.after_exit(k)
