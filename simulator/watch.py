# SPDX-License-Identifier: MIT
"""`Watch`: what happens in the model, told once, to whoever wants to know.

Contract: code of mm/, kernel/, fs/, machine/ and drivers/ tells `k.watch` what it has done, or is
about to do, and knows nothing of who listens. A method here is one event; its name says what
happened in the kernel's words, its docstring when it is told. Events are told between two steps:
nobody comes in between what happened and its record. A listener may end the run with a Violation
(`k.violate`) and changes nothing that the model decides by, so that digest and results are the
same whoever listens.

This class listens to nothing. The oracles do (simulator/oracles/listener.py, which says for each
event which of them hear of it, in which order), and so does the tracer (simulator/trace.py), the
only source of drawings; a Machine hands one of them in for each run. The call is one of a native
method, with numbers and objects for arguments and no lists of callbacks: what nobody listens to
costs a few instructions. Events of drawings alone (`stepped` and all that follow it) are
told only while `k.tracing`, which is the one compare they cost otherwise.

A new event: one method here, one call where it happens, one override where somebody listens. A new
oracle that can do with what is told already touches no file of the model.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

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


class Watch:
    """Hears everything and heeds nothing."""

    # --- what a page table entry stands for ---------------------------------------------------

    def data_dropped(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        """The data at `va` is given up: DONTNEED, munmap, guard install."""

    def pmd_written(self, k: "Kernel", mm: "Mm", va: i64, old: i64) -> None:
        """The PMD entry of the pages from `va` on was the huge entry `old`, or 0 for none, and is
        what the tables say now."""

    def entry_moved(self, k: "Kernel", mm: "Mm", old_va: i64, new_va: i64) -> None:
        """mremap() has moved an entry, and the data behind it."""

    def pte_written(
        self, k: "Kernel", mm: "Mm", table: "PageTable", va: i64, old: i64, new: i64
    ) -> None:
        """The entry of `va` was `old` and is `new`."""

    def page_cleaned(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        """MADV_FREE takes the dirty bit of `va` away: its data may go."""

    def data_stays(self, k: "Kernel", begins: bool) -> None:
        """From here on (to where `begins` is False) the actor gives no data up."""

    def page_shared(self, k: "Kernel", parent: "Mm", child: "Mm", va: i64) -> None:
        """fork() gives the child what the parent has at `va`."""

    def copy_installed(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        """A private page is mapped at `va`: a copy of what was there, or of a file's page."""

    def hole_filled(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        """The kernel has put a page of its own at `va`, where nothing was: for a fault, in a
        collapse, or for a driver. Of a huge page its first one."""

    def zeroes_installed(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        """A new page is mapped at `va`, where no data was."""

    def copying(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        """A COW fault at `va` is about to copy `page`."""

    def fork_copying(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        """fork() is about to copy the parent's page at `va` for the child."""

    def anon_added(self, k: "Kernel", vma: "Vma", va: i64) -> None:
        """A new anonymous page is being mapped in `vma`."""

    def file_page_mapped(self, k: "Kernel", vma: "Vma", va: i64, page: "Page") -> None:
        """A page of the page cache has been mapped at `va`."""

    def ptl_dropping(self, k: "Kernel", table: "PageTable") -> None:
        """The lock of `table` is about to be dropped. Pages whose entries changed under it are
        the first `nr_recheck` of the actor's `recheck`."""

    def pml_dropping(self, k: "Kernel", mm: "Mm") -> None:
        """The PMD lock of `mm` is about to be dropped, as for ptl_dropping()."""

    def migration_ptes_removed(self, k: "Kernel", src: "Page") -> None:
        """remove_migration_ptes() has walked the rmap of `src`."""

    def translation_cached(self, k: "Kernel", mm: "Mm", va: i64, pages: i64) -> None:
        """The running CPU's hardware caches a translation of the `pages` pages from `va` on, all
        of which one entry maps; other CPUs or this one may hold older ones of the mm."""

    # --- swap -----------------------------------------------------------------------------------

    def swap_entry_counted(self, k: "Kernel", slot: i64, n: i64) -> None:
        """There are `n` swap entries of the slot more."""

    def swap_entry_exclusive(self, k: "Kernel", slot: i64) -> None:
        """A swap entry that says that its mm alone has the page is about to become a mapping; the
        slot is counted still."""

    def swap_slot_freed(self, k: "Kernel", slot: i64) -> None:
        """The slot has neither a count nor a folio any more."""

    def writeback_begins(self, k: "Kernel", folio: "Folio") -> None:
        """A folio of the swap cache is about to be written to its slot."""

    def swap_cache_removing(self, k: "Kernel", folio: "Folio") -> None:
        """A locked folio is about to leave the swap cache."""

    def swap_gone(self, k: "Kernel") -> None:
        """swapoff() has let go of the device."""

    def lazyfree_marked(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        """MADV_FREE has come by `va`, whose data may go from now on until it is stored to."""

    def lazyfree_discarded(self, k: "Kernel", mm: "Mm", va: i64, droppable: bool) -> None:
        """Reclaim has taken the page at `va` away without another copy of its data."""

    def swapped_in(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        """A page of the swap cache has been mapped at `va`, where its swap entry was."""

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
        """User code has loaded `value`; `stale` is the translation when the tables no longer
        have it."""

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
        """User code has stored `token`."""

    def forced_store_begins(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        """/proc/self/mem is about to store into `page`, which GUP has returned for `va`."""

    def forced_stored(self, k: "Kernel", mm: "Mm", va: i64, page: "Page", seen: i64) -> None:
        """It has, and the page is still what the mm has at `va`. `seen` is the entry that GUP has
        found."""

    def loaded(self, k: "Kernel", mm: "Mm", va: i64, page: "Page", word: i64, value: i64) -> None:
        """Somebody else (/proc/self/mem, a device) has loaded what `mm` has at `va`."""

    def stored(
        self, k: "Kernel", mm: "Mm", va: i64, page: "Page", word: i64, token: i64, here: bool
    ) -> None:
        """Somebody else has stored `token` by a reference to the page. `here` says whether it is
        what the mm has at `va`; a page of a file is the file's wherever it is."""

    def file_loaded(self, k: "Kernel", inode: "Inode", page: "Page", word: i64) -> None:
        """pread() has copied a word out of the page cache."""

    def device_accesses(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        """A device is about to access `page`, which its own page table has at `va`."""

    def device_made_exclusive(self, k: "Kernel", mm: "Mm", va: i64, page: "Page") -> None:
        """A driver has mapped `page`, which make_device_exclusive() has returned, for its device
        alone."""

    # --- frames and page tables -----------------------------------------------------------------

    def frame_handed_out(self, k: "Kernel", page: "Page", site: i64) -> None:
        """The allocator returns a frame that was in use before."""

    def lru_adding(self, k: "Kernel", folio: "Folio") -> None:
        """A folio is on its way to the LRU lists."""

    def page_freed(self, k: "Kernel", folio: "Folio") -> None:
        """The last reference is gone; the page still looks as it did."""

    def table_locked(self, k: "Kernel", mm: "Mm", va: i64, table: "PageTable") -> None:
        """pte_offset_map_lock() returns `table` as that of `va`."""

    def table_read(self, k: "Kernel", table: "PageTable") -> None:
        """A lockless reader looks into `table`."""

    def table_freed(self, k: "Kernel", table: "PageTable") -> None:
        """A page table goes back to the allocator."""

    def pin_taken(self, k: "Kernel", p: "Pin") -> None:
        """GUP has returned the page of `p`."""

    def holes_filling(self, k: "Kernel", order: i64, holes: i64) -> None:
        """khugepaged is about to make a folio of this order, `holes` pages of which had no memory
        of their own."""

    # --- page cache -----------------------------------------------------------------------------

    def cache_found(self, k: "Kernel", inode: "Inode", index: i64, folio: "Folio") -> None:
        """A lookup of `index` has returned `page`, locked: no one can remove it any more."""

    def cache_adding(self, k: "Kernel", inode: "Inode", index: i64, old: "Folio | None") -> None:
        """A page is being put into slot `index`, where `old` is."""

    def cache_removing(self, k: "Kernel", inode: "Inode", folio: "Folio") -> None:
        """A locked folio is about to leave the page cache: its part of the file is gone."""

    def cache_replacing(self, k: "Kernel", inode: "Inode", folio: "Folio") -> None:
        """A folio is about to take the place of what the cache has at its indices."""

    def hole_hidden(self, k: "Kernel", inode: "Inode", index: i64) -> None:
        """A retry entry keeps lookups from seeing that the cache has nothing at `index`."""

    def retry_entries_left(self, k: "Kernel", inode: "Inode") -> None:
        """The lock of the cache is about to be dropped, with retry entries in it."""

    def data_found(self, k: "Kernel", inode: "Inode", index: i64) -> None:
        """lseek() takes page `index` for data."""

    def hole_found(self, k: "Kernel", inode: "Inode", start: i64, end: i64) -> None:
        """lseek() takes the pages from `start` to before `end` for a hole."""

    def file_zeroed(self, k: "Kernel", inode: "Inode", word: i64) -> None:
        """A word of the file (page * 4 + word) has been made zero where it is."""

    def file_truncated(self, k: "Kernel", inode: "Inode", end: i64) -> None:
        """The file ends before page `end`, and everybody has been told so; its lock is held."""

    def cache_filled(self, k: "Kernel", inode: "Inode", folio: "Folio") -> None:
        """A page that is complete already has entered the page cache, where nothing was."""

    def inode_evicted(self, k: "Kernel", inode: "Inode") -> None:
        """The inode is about to be freed (clear_inode())."""

    # --- userfaultfd --------------------------------------------------------------------------

    def userfault_begins(self, k: "Kernel", ctx: "UserfaultfdCtx", wait: "UserfaultWait") -> None:
        """The running actor is about to wait for user space."""

    def userfault_sleeps(self, k: "Kernel", ctx: "UserfaultfdCtx", wait: "UserfaultWait") -> None:
        """It has queued, and is about to sleep."""

    def userfault_ends(self, k: "Kernel", ctx: "UserfaultfdCtx", wait: "UserfaultWait") -> None:
        """It waits no more."""

    def userfaults_woken(self, k: "Kernel", ctx: "UserfaultfdCtx", start: i64, end: i64) -> None:
        """All who wait for a page of [start, end) have been woken, or all when `end` is 0."""

    def uffd_registering(self, k: "Kernel", vma: "Vma", modes: i64) -> None:
        """`vma` is about to be registered for `modes` (VM_UFFD_*), or for nothing."""

    def uffd_protected(self, k: "Kernel", mm: "Mm", start: i64, end: i64) -> None:
        """What of [start, end) is write-protected for userfaultfd is so for every CPU by now."""

    def uffd_unprotecting(self, k: "Kernel", mm: "Mm", start: i64, end: i64) -> None:
        """[start, end) may be written to from here on without a word to user space."""

    # --- VMAs -------------------------------------------------------------------------------------

    def fault_resolving(self, k: "Kernel", vma: "Vma", mm: "Mm", va: i64) -> None:
        """A fault at `va` is about to be resolved in `vma`, which a lock keeps as it is."""

    def vmas_changed(self, k: "Kernel", mm: "Mm") -> None:
        """Whoever may have changed the VMAs is about to let others in."""

    def vma_flags_set(self, k: "Kernel", mm: "Mm", vma: "Vma", start: i64, end: i64) -> None:
        """mmap() or mprotect() has given [start, end) the flags of `vma`, entries included."""

    def ranges_merging(
        self, k: "Kernel", a: i64, a_pgoff: i64, b: i64, b_pgoff: i64, new: bool
    ) -> None:
        """What begins at page `a` with that offset in its file becomes one VMA with what begins at
        `b`; `new`: it is none yet."""

    def vma_unlinking(self, k: "Kernel", vma: "Vma") -> None:
        """rmap walks do not find `vma` from here on."""

    def vma_unmapped(self, k: "Kernel", vma: "Vma") -> None:
        """munmap() has dropped what `vma`, which the mm does not know any more, had mapped."""

    def vma_copied(self, k: "Kernel", old: "Vma", new: "Vma") -> None:
        """mremap() is about to move what `old` maps into `new`."""

    def vma_splitting(self, k: "Kernel", vma: "Vma", new: "Vma") -> None:
        """`vma` gives a part of its range to its copy; both are write-locked."""

    def stack_grown(self, k: "Kernel", mm: "Mm", vma: "Vma") -> None:
        """A stack has got a new start."""

    # --- promises of calls ------------------------------------------------------------------------

    def call_returns(self, k: "Kernel", mm: "Mm", start: i64, end: i64, call: str) -> None:
        """`call` is over: nobody may go on with what it met in [start, end)."""

    def dontneed_begins(self, k: "Kernel", mm: "Mm", start: i64, end: i64) -> None:
        """MADV_DONTNEED is about to give up what is in [start, end). Told if huge pages may be."""

    def dontneed_returns(self, k: "Kernel", mm: "Mm", start: i64, end: i64) -> None:
        """It has done so."""

    def own_call_returns(self, k: "Kernel", mm: "Mm", start: i64, end: i64, call: str) -> None:
        """`call` is over, and promises only for what it took away itself in [start, end)."""

    def put_off_flushed(self, k: "Kernel", mm: "Mm", start: i64, end: i64, call: str) -> None:
        """`call` has the lock of the page table of [start, end), and has flushed what reclaim had
        put off there."""

    def user_resumes(self, k: "Kernel", cpu: "Cpu", mm: "Mm") -> None:
        """This CPU will run user code of `mm` next."""

    def clear_refs_begins(self, k: "Kernel", mm: "Mm") -> None:
        """Modifications are forgotten from here on."""

    def soft_dirty_cleared(self, k: "Kernel", mm: "Mm", va: i64) -> None:
        """clear_refs has come by this entry."""

    def soft_dirty_left(self, k: "Kernel", mm: "Mm", va: i64, pte: i64) -> None:
        """clear_refs has left this entry as it is: its page is pinned."""

    def clear_refs_flushed(self, k: "Kernel", mm: "Mm") -> None:
        """clear_refs has done its work."""

    def soft_dirty_reported(self, k: "Kernel", mm: "Mm", va: i64, reported: bool) -> None:
        """pagemap has reported page `va` as soft-dirty or not."""

    # --- the run ----------------------------------------------------------------------------------

    def run_begins(self, k: "Kernel") -> None:
        """Everything is reset; there is no process yet."""

    def op_returns(self, k: "Kernel", t: "Task", op: "Op", result: i64) -> None:
        """`op` is about to return `result` to its actor."""

    def end_begins(self, k: "Kernel") -> None:
        """All ops have ended and lru batches are empty; processes and handles are there yet."""

    def end_ends(self, k: "Kernel") -> None:
        """Processes have exited and handles are closed: nothing should be left."""

    # --- drawings, while k.tracing ----------------------------------------------------------------

    def stepped(self, k: "Kernel", t: "Task", site: i64, obj: i64, access: i64) -> None:
        """`t` stands at `site` and will make this access next."""

    def accessing(self, k: "Kernel", t: "Task", site: i64, obj: i64, access: i64) -> None:
        """`t` makes the access that it stood at now: nobody comes in between any more."""

    def entry_written(self, k: "Kernel", mm: "Mm", va: i64, old: i64, new: i64) -> None:
        """The page table entry at `va` was `old` and is `new`."""

    def lock_taken(self, k: "Kernel", obj: i64, how: str) -> None:
        """The running actor has the lock; `how` is for what, or empty."""

    def lock_busy(self, k: "Kernel", obj: i64, holder: i64) -> None:
        """A trylock failed, for the actor `holder` has the lock; -1: a directive says so."""

    def lock_released(self, k: "Kernel", obj: i64) -> None:
        """The running actor has let go of the lock."""

    def blocked(self, k: "Kernel", cls: i64, obj: i64, holder: i64) -> None:
        """The running actor waits for a lock of class `cls`, 0 an IPI, which `obj` has or is, and
        that `holder` has; -1: nobody in particular."""

    def tlb_flushed(self, k: "Kernel", cpu: "Cpu", mm: "Mm", start: i64, end: i64) -> None:
        """A CPU has dropped its translations of [start, end) of `mm`; all if `end` is 0."""

    def ipi_sent(self, k: "Kernel", cpu: "Cpu", late: i64) -> None:
        """An IPI is under way to a CPU, which will not look at it for `late` steps."""

    def ipi_spared(self, k: "Kernel", cpu: "Cpu", mm: "Mm") -> None:
        """A flush of `mm` has found no need to tell a CPU that has run it."""

    def ref_taken(self, k: "Kernel", folio: "Folio", reason: i64) -> None:
        """One more reference on a folio."""

    def ref_dropped(self, k: "Kernel", folio: "Folio", reason: i64) -> None:
        """One less; with the last one the folio is about to be freed."""

    def noted(self, k: "Kernel", text: str) -> None:
        """Something that no other event says, in words."""

    def preempted(self, k: "Kernel", t: "Task", site: i64, target: i64) -> None:
        """`t` makes way for the actor `target` at `site`."""

    def failed(self, k: "Kernel", oracle: str, promise: str) -> None:
        """A promise is broken, and the run is over."""
