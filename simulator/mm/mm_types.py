# SPDX-License-Identifier: MIT
"""The objects that mm code works on, after include/linux/mm_types.h (7.2) and friends.

Contract: storage only. Fields are changed by the functions named after Linux's; oracles read
them. Objects are pooled by `simulator.state.Kernel` and re-initialised when taken, so a run
costs what it touched. `obj` is what steps say that touch the object (simulator/objects.py).
`gen` counts lives of a pooled object: an oracle that remembered (object, gen) notices a use
after free.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from simulator import sites
from simulator.build.native import final, vec
from simulator.lock_classes import (
    LC_ANON_VMA,
    LC_F_POS,
    LC_FOLIO,
    LC_I_LOCK,
    LC_I_PAGES,
    LC_IMMAP,
    LC_INODE,
    LC_MAP_CHANGING,
    LC_MMAP,
    LC_PAGE_TABLE,
    LC_PTL,
)
from simulator.objects import anon_vma_obj, lock_obj, mm_obj, page_obj, uffd_obj, vma_obj
from simulator.scenario import WORDS_PER_PAGE
from simulator.tables import bits, numbered

if TYPE_CHECKING:
    from simulator.mm.memremap import DevPagemap
    from simulator.mm.mmu_notifier import MmuIntervalNotifier
    from simulator.state import Kernel

# --- page table entries -------------------------------------------------------------------
# One i64: the low 16 bits say what the entry is, the rest is the pfn (or swap offset).
PTE_PRESENT: Final = 0x1  # the hardware may use it
PTE_WRITE: Final = 0x2
PTE_PROTNONE: Final = 0x4  # _PAGE_PROTNONE: pte_present() for the kernel, not for hardware
PTE_YOUNG: Final = 0x8
PTE_DIRTY: Final = 0x10
PTE_SOFT_DIRTY: Final = 0x20
PTE_UFFD_WP: Final = 0x40
PTE_SPECIAL: Final = 0x80  # no struct page behind it: the shared zero page
PTE_HUGE: Final = 0x1000  # _PAGE_PSE: of a PMD entry that maps a huge page, be it invalidated
PTE_SWP_EXCLUSIVE: Final = 0x2000  # of a swap entry: its page was exclusive to the mm
PTE_SWP_SHIFT: Final = 8  # kind of a non-present entry, 0 for present ones
PTE_SWP_MASK: Final = 0xF00
PFN_SHIFT: Final = 16

# Kinds of non-present entries (include/linux/swapops.h); dumps call them by these names.
SWP_SWAP: Final = 1
SWP_MIGRATION_READ: Final = 2
SWP_MIGRATION_READ_EXCLUSIVE: Final = 3
SWP_MIGRATION_WRITE: Final = 4
SWP_DEVICE_READ: Final = 5
SWP_DEVICE_WRITE: Final = 6
SWP_DEVICE_EXCLUSIVE: Final = 7
SWP_MARKER_GUARD: Final = 8
SWP_MARKER_POISON: Final = 9
SWP_MARKER_UFFD_WP: Final = 10
SWP_NAMES: Final = numbered(globals(), "SWP_", 1)
# What a swap entry has in place of the pfn: the number of its slot from here on, above all pfns.
SWP_OFFSET_BASE: Final[i64] = 1 << 30
# A migration entry keeps young and dirty of the page table entry in the same bits as a
# present one; a device private entry has neither.

# --- VMA flags ----------------------------------------------------------------------------
VM_READ: Final = 0x1
VM_WRITE: Final = 0x2
VM_EXEC: Final = 0x4
VM_SHARED: Final = 0x8
VM_MAYREAD: Final = 0x10
VM_MAYWRITE: Final = 0x20
VM_MAYEXEC: Final = 0x40
VM_MAYSHARE: Final = 0x80
VM_GROWSDOWN: Final = 0x100
VM_SEQ_READ: Final = 0x200
VM_RAND_READ: Final = 0x400
VM_DONTCOPY: Final = 0x800
VM_WIPEONFORK: Final = 0x1000
VM_ACCOUNT: Final = 0x2000
VM_NORESERVE: Final = 0x4000
VM_SOFTDIRTY: Final = 0x8000
VM_DROPPABLE: Final = 0x10000
VM_MAYBE_GUARD: Final = 0x20000  # guard regions may have been installed; never cleared
VM_DONTDUMP: Final = 0x40000
VM_LOCKED: Final = 0x80000
VM_LOCKONFAULT: Final = 0x100000
VM_HUGEPAGE: Final = 0x200000
VM_NOHUGEPAGE: Final = 0x400000
VM_UFFD_MISSING: Final = 0x800000
VM_UFFD_WP: Final = 0x1000000
VM_UFFD_MINOR: Final = 0x2000000
VM_UFFD_FLAGS: Final = VM_UFFD_MISSING | VM_UFFD_WP | VM_UFFD_MINOR
VM_LOCKED_MASK: Final = VM_LOCKED | VM_LOCKONFAULT
# What does not keep VMAs apart, and what a merge keeps (VM_IGNORE_MERGE, VM_STICKY).
VM_STICKY: Final = 0x28000  # VM_SOFTDIRTY | VM_MAYBE_GUARD
VM_ACCESS_FLAGS: Final = 0x7

# --- page flags; dumps call them by these names -----------------------------------------------
PG_LRU: Final = 0x1
PG_SWAPBACKED: Final = 0x2
PG_ANON_EXCLUSIVE: Final = 0x4
PG_UPTODATE: Final = 0x8
PG_DIRTY: Final = 0x10
PG_DEVICE_PRIVATE: Final = 0x20  # a ZONE_DEVICE page: is_device_private_page()
PG_ZERO: Final = 0x40  # the shared zero page
PG_PARTIALLY_MAPPED: Final = 0x80  # of a large folio: some of its pages are mapped no longer
PG_SWAPCACHE: Final = 0x100  # the swap cache has the folio: `Folio.swap` says in which slot
PG_WRITEBACK: Final = 0x200  # it is being written to its slot
PG_NAMES: Final = bits(globals(), "PG_")
# What mm code decides by: part of a page's state as feedback sees it (simulator/page_state.py).
PG_STATE: Final = (
    PG_LRU
    | PG_ANON_EXCLUSIVE
    | PG_DIRTY
    | PG_DEVICE_PRIVATE
    | PG_PARTIALLY_MAPPED
    | PG_SWAPBACKED
    | PG_SWAPCACHE
    | PG_WRITEBACK
)
PG_NO_STATE: Final = PG_UPTODATE | PG_ZERO  # the rest: for ever, or by kind

# What change_protection() is to do (include/linux/mm.h).
MM_CP_TRY_CHANGE_WRITABLE: Final = 1
MM_CP_UFFD_WP: Final = 4
MM_CP_UFFD_WP_RESOLVE: Final = 8

GARBAGE: Final = -1  # what a frame holds that nobody has used in this run; never a token

# Reasons in the ledger behind a page's reference count (oracle O2).
REF_MAP: Final = 0  # a page table entry maps it
REF_CACHE: Final = 1  # the page cache holds it, or the swap cache
REF_BATCH: Final = 2  # a per-CPU lru batch holds it
REF_GUP: Final = 3  # a FOLL_GET reference kept by user space (a pipe)
REF_PIN: Final = 4  # FOLL_PIN, GUP_PIN_COUNTING_BIAS each
REF_TEMP: Final = 5  # kernel code on somebody's stack; none may be left when all ops ended
REF_GATHER: Final = 6  # taken over by an mmu_gather batch from the mapping it removed
REF_ISOLATED: Final = 7  # off the LRU for migration
REF_OWNER: Final = 8  # the allocation's own, until it is given to a mapping or the cache
NR_REFS: Final = 9
GUP_PIN_COUNTING_BIAS: Final = 1024


# Members of an mm's rss_stat (include/linux/mm_types_task.h).
MM_FILEPAGES: Final = 0
MM_ANONPAGES: Final = 1
MM_SWAPENTS: Final = 2


def pte_present(pte: i64) -> bool:
    """Kernel's sense: also PROT_NONE entries."""
    return (pte & (PTE_PRESENT | PTE_PROTNONE)) != 0


def pte_kind(pte: i64) -> i64:
    """SWP_* of a non-present entry, 0 for none and present ones."""
    return (pte & PTE_SWP_MASK) >> PTE_SWP_SHIFT


def mk_swap_pte(kind: i64, pfn: i64) -> i64:
    return (pfn << PFN_SHIFT) | (kind << PTE_SWP_SHIFT)


def is_migration_pte(pte: i64) -> bool:
    kind = (pte & PTE_SWP_MASK) >> PTE_SWP_SHIFT
    return SWP_MIGRATION_READ <= kind <= SWP_MIGRATION_WRITE


def is_device_private_pte(pte: i64) -> bool:
    kind = (pte & PTE_SWP_MASK) >> PTE_SWP_SHIFT
    return kind == SWP_DEVICE_READ or kind == SWP_DEVICE_WRITE


def is_swap_pte(pte: i64) -> bool:
    """softleaf_is_swap(): the page is in swap, or was."""
    return pte & PTE_SWP_MASK == SWP_SWAP << PTE_SWP_SHIFT


def swp_offset(pte: i64) -> i64:
    """The slot of a swap entry."""
    return (pte >> PFN_SHIFT) - SWP_OFFSET_BASE


@mypyc_attr(acyclic=True)
def is_device_pte(pte: i64) -> bool:
    """An entry that is not present and maps a page all the same: device private or exclusive."""
    kind = (pte & PTE_SWP_MASK) >> PTE_SWP_SHIFT
    return SWP_DEVICE_READ <= kind <= SWP_DEVICE_EXCLUSIVE


@final
class Lock:
    """A sleeping or spinning exclusive lock. `owner` is an actor number or -1."""

    def __init__(self, cls: i64, ident: i64) -> None:
        self.cls: Final[i64] = cls
        self.id: Final[i64] = ident
        self.obj: Final[i64] = lock_obj(cls, ident)
        self.owner: i64 = -1
        self.waiters: i64 = 0  # actors to wake at release


@mypyc_attr(acyclic=True)
@final
class RwSem:
    """A reader-writer semaphore. Readers queue behind a waiting writer, as in Linux."""

    def __init__(self, cls: i64, ident: i64) -> None:
        self.cls: Final[i64] = cls
        self.id: Final[i64] = ident
        self.obj: Final[i64] = lock_obj(cls, ident)
        self.writer: i64 = -1
        self.readers: i64 = 0  # mask of actors
        self.waiters: i64 = 0
        self.write_waiters: i64 = 0


@final
class AnonVma:
    """struct anon_vma. `vmas` is its interval tree (interval_tree.py): the VMAs linked to it."""

    def __init__(self, ident: i64) -> None:
        self.id: i64 = ident
        self.obj: i64 = anon_vma_obj(ident)
        self.gen: i64 = 0
        self.live: bool = False
        self.root: AnonVma | None = None
        self.parent: AnonVma | None = None
        self.refcount: i64 = 0
        self.num_children: i64 = 0
        self.num_active_vmas: i64 = 0
        self.counted_at: i64 = 0  # site after which it lost its last VMA or reference
        self.rwsem: RwSem = RwSem(LC_ANON_VMA, ident)  # used of the root only
        self.vmas: list[Vma] = []


@final
class XArray:
    """struct xarray of a page cache (simulator/lib/xarray.py): folios by index, of a large one each
    index that it has; and the indices that hold a retry entry."""

    def __init__(self) -> None:
        self.folios: list[Folio | None] = []
        self.retry: list[int] = []


class SuperOperations:
    """struct super_operations, as far as it comes up: what is done with a file by its kind."""

    def evict_inode(self, k: "Kernel", inode: "Inode") -> None:
        """Nobody can reach the file any more."""
        raise NotImplementedError


@final
class Awaited:
    """What O7 remembers of a page of a mapping that is registered for missing pages."""

    def __init__(self, mm: "Mm", va: i64, index: i64) -> None:
        self.mm: Final[Mm] = mm
        self.va: Final[i64] = va
        self.index: Final[i64] = index


@final
class Inode:
    """A memory file (memfd, or behind a shared anonymous mapping), its page cache, and the one open
    file that handles stand for. Sizes and positions are in words."""

    def __init__(self, ident: i64) -> None:
        self.id: Final[i64] = ident
        self.live: bool = False
        self.s_op: SuperOperations = SuperOperations()
        self.refs: i64 = 0  # open files: the handle's own, and one for each VMA
        self.opened_at: i64 = 0  # who has opened it and given it to no VMA yet; 0 nobody
        self.f_pos: i64 = 0
        self.f_pos_lock: Final[Lock] = Lock(LC_F_POS, ident)
        self.i_size: i64 = 0
        self.i_blocks: i64 = 0  # in pages
        self.i_lock: Final[Lock] = Lock(LC_I_LOCK, ident)
        self.i_rwsem: Final[RwSem] = RwSem(LC_INODE, ident)
        self.i_mmap_rwsem: Final[RwSem] = RwSem(LC_IMMAP, ident)
        self.i_mmap: list[Vma] = []
        self.i_pages: Final[XArray] = XArray()
        self.i_pages_lock: Final[Lock] = Lock(LC_I_PAGES, ident)
        self.nrpages: i64 = 0
        self.alloced: i64 = 0  # shmem_inode_info: pages that i_blocks has been charged for
        self.fallocend: i64 = 0  # first index that fallocate() may not have gone to
        # i_private, struct shmem_falloc: who is punching a hole (-1 nobody), from where to where,
        # and the actors whose faults wait for the end of that.
        self.falloc_by: i64 = -1
        self.falloc_start: i64 = 0
        self.falloc_next: i64 = 0
        self.falloc_waiters: i64 = 0
        self.opaque: bool = False  # a file of an imported program: VMAs only
        self.expected: vec[i64] = vec[i64]()  # O5/O18: what each word must hold
        self.sized_at: i64 = 0  # O19, O21: site after which i_size was last set
        self.counted_at: i64 = 0  # O19: pages were last counted that the cache has not
        self.stored_at: i64 = 0  # O15: folios were last put into the place of others
        self.seen: list[int] = []  # O15: indices at which lseek() has found data
        self.awaited: list[Awaited] = []  # O7: hidden holes that user space may have seen before


def reset_rwsem(sem: RwSem) -> None:
    sem.writer = -1
    sem.readers = 0
    sem.waiters = 0
    sem.write_waiters = 0


@final
class Folio:
    """struct folio: what a frame, or 1 << `order` of them in a row, have together. `page` is the
    first of them, the head. `large_mapcount` and `entire_mapcount` are those of large folios: all
    entries that map the folio or a page of it, and those PMD entries that map all of it."""

    def __init__(self, page: "Page") -> None:
        self.page: Final[Page] = page
        self.pfn: Final[i64] = page.pfn
        self.obj: Final[i64] = page.obj
        self.live: bool = False
        self.order: i64 = 0
        self.ref: i64 = 0
        self.pincount: i64 = 0
        self.entire_mapcount: i64 = 0
        self.large_mapcount: i64 = 0
        self.mm_id_0: i64 = -1  # two of the mms that map it, and how many mappings they have
        self.mm_maps_0: i64 = 0
        self.mm_id_1: i64 = -1
        self.mm_maps_1: i64 = 0
        self.nr_pages_mapped: i64 = 0  # pages of it that page table entries map
        self.nr_pmds: i64 = 0  # PMD entries that map it (O3)
        self.nr_pmds_writable: i64 = 0  # those that are present and writable (O4)
        self.flags: i64 = 0
        self.anon_vma: AnonVma | None = None  # `mapping` of anonymous memory
        self.anon_vma_gen: i64 = 0
        self.inode: Inode | None = None  # `mapping` of the page cache
        self.pgmap: DevPagemap | None = None  # of ZONE_DEVICE pages
        self.index: i64 = 0
        self.swap: i64 = 0  # the slot whose page it is, while it is in the swap cache
        self.lock: Final[Lock] = Lock(LC_FOLIO, page.pfn)
        self.ledger: Final[vec[i64]] = vec[i64]([0] * NR_REFS)  # references by reason (O2)
        self.taken_at: Final[vec[i64]] = vec[i64]([0] * NR_REFS)  # site of the last one


@final
class Page:
    """struct page: one frame, its four words of data, and who maps it. `folio` is what
    page_folio() finds: its own, `single`, or that of the head of a large folio."""

    def __init__(self, pfn: i64) -> None:
        self.pfn: Final[i64] = pfn
        self.obj: Final[i64] = page_obj(pfn)
        self.single: Final[Folio] = Folio(self)
        self.folio: Folio = self.single
        self.mapcount: i64 = 0  # page table entries that map it; a PMD entry counts in the folio
        self.flags: i64 = 0  # PG_ANON_EXCLUSIVE; all others are the folio's
        self.words: Final[vec[i64]] = vec[i64]([0] * WORDS_PER_PAGE)
        self.nr_entries: i64 = 0  # page table entries that map it (O3)
        self.nr_migration: i64 = 0  # migration entries that stand for it
        self.entry_at: i64 = 0  # site after which nr_entries last changed, or it was allocated
        self.refs_at: i64 = 0  # site after which references of mappings and mapcount parted, or 0
        self.maps_at: i64 = 0  # the same of mapcount and nr_entries
        self.nr_writable: i64 = 0  # those that are present and writable (O4)
        self.audit: i64 = 0  # entries found at the End
        self.abstract: i64 = 0  # its abstract state when a lock over it was last dropped
        self.migrated: bool = False  # another page has its identity now
        self.logical: i64 = 0  # the logical page of oracle O5 that this frame holds


def fill(page: Page, word: i64) -> None:
    """Give all words of a page one value."""
    for i in range(WORDS_PER_PAGE):
        page.words[i] = word


def prep_folio(page: Page, flags: i64, site: i64) -> Folio:
    """A folio of one page as its allocator hands it out: no references yet, and no owner."""
    prep_page(page, site)
    folio = page.single
    page.folio = folio
    folio.live = True
    folio.order = 0
    folio.ref = 0
    folio.pincount = 0
    folio.flags = flags
    folio.anon_vma = None
    folio.anon_vma_gen = 0
    folio.inode = None
    folio.index = 0
    folio.lock.owner = -1
    folio.lock.waiters = 0
    for i in range(NR_REFS):
        folio.ledger[i] = 0
    return folio


def prep_page(page: Page, site: i64) -> None:
    """A page that nobody has used yet."""
    page.mapcount = 0
    page.flags = 0
    page.nr_entries = 0
    page.nr_migration = 0
    page.entry_at = site
    page.refs_at = 0
    page.maps_at = 0
    page.migrated = False
    page.nr_writable = 0
    page.logical = 0
    page.abstract = 0


def prep_compound_page(pages: list[Page], order: i64, flags: i64, site: i64) -> Folio:
    """prep_folio() of 1 << `order` pages in a row, the first of which becomes the head."""
    folio = prep_folio(pages[0], flags, site)
    folio.order = order
    folio.entire_mapcount = 0
    folio.large_mapcount = 0
    folio.mm_id_0 = -1
    folio.mm_maps_0 = 0
    folio.mm_id_1 = -1
    folio.mm_maps_1 = 0
    folio.nr_pages_mapped = 0
    folio.nr_pmds = 0
    folio.nr_pmds_writable = 0
    for page in pages[1:]:
        prep_page(page, site)
        page.folio = folio
    return folio


def folio_mapcount(folio: Folio) -> i64:
    """Entries that map the folio, or a page of it."""
    if folio.order:
        return folio.large_mapcount
    return folio.page.mapcount


def folio_expected_ref_count(folio: Folio) -> i64:
    """References of an anonymous folio's mappings, and of the swap cache."""
    refs = folio_mapcount(folio)
    if folio.flags & PG_SWAPCACHE:
        refs += 1
    return refs


def page_maps(page: Page) -> i64:
    """Entries of both kinds that map the page."""
    if page.folio.order:
        return page.mapcount + page.folio.entire_mapcount
    return page.mapcount


def page_is_exclusive(page: Page) -> bool:
    """PageAnonExclusive() of the page, or of the head where a PMD entry maps the folio."""
    folio = page.folio
    if page.flags & PG_ANON_EXCLUSIVE:
        return True
    return (
        folio.order > 0
        and folio.entire_mapcount > 0
        and (folio.page.flags & PG_ANON_EXCLUSIVE != 0)
    )


def init_page_count(folio: Folio, reason: i64, site: i64) -> None:
    """The first reference."""
    folio.ref = 1
    folio.ledger[reason] = 1
    folio.taken_at[reason] = site


@mypyc_attr(acyclic=True)
@final
class PageTable:
    """A page of PTEs with its split lock."""

    def __init__(self, ident: i64, size: i64) -> None:
        self.id: Final[i64] = ident
        self.live: bool = False
        self.mm_id: i64 = -1  # where it was last linked
        self.pmd: i64 = 0  # index of the PMD entry that points here
        self.pte: vec[i64] = vec[i64]([0] * size)
        self.linked_at: i64 = 0  # site after which it was last linked, unlinked or allocated
        self.used: i64 = 0  # entries that are not none
        self.ptl: Final[Lock] = Lock(LC_PTL, ident)


@final
class Vma:
    """struct vm_area_struct. Addresses are pages. `vm_refcnt` and `lock_seq` are the per-VMA
    lock of 6.16 and later (include/linux/mmap_lock.h)."""

    def __init__(self, ident: i64) -> None:
        self.id: Final[i64] = ident
        self.obj: Final[i64] = vma_obj(ident)
        self.live: bool = False
        self.mm: Mm | None = None
        self.start: i64 = 0
        self.end: i64 = 0
        self.pgoff: i64 = 0  # in its file
        self.anon_pgoff: i64 = 0  # of its anonymous pages; the same one in older kernels
        self.flags: i64 = 0
        self.inode: Inode | None = None
        self.anon_vma: AnonVma | None = None
        self.uffd: UserfaultfdCtx | None = None  # vm_userfaultfd_ctx
        self.chain: list[AnonVma] = []  # anon_vma_chain, oldest first
        self.attached: bool = False
        self.vm_refcnt: i64 = 0  # 1 attached, +1 each reader, VMA_LOCK_OFFSET a writer
        self.lock_seq: i64 = -1
        self.readers: i64 = 0  # actors that are counted in vm_refcnt
        self.read_locked: i64 = 0  # those that have found that they hold the read lock
        self.linked_at: i64 = 0  # site after which it was allocated, attached or detached


@final
class Stale:
    """Something that some CPUs may still cache although the page tables no longer say so:
    one element of the may-cache sets (the paper idea is nrkernel's; here lazily, only what
    differs from the current tables)."""

    def __init__(self) -> None:
        self.va: i64 = 0
        self.pages: i64 = 1  # that the translation is of: more of a huge page
        self.pte: i64 = 0  # the translation as it was
        self.table: PageTable | None = None  # a paging-structure entry to this table instead
        self.mask: i64 = 0  # CPUs that may hold it
        self.who: i64 = 0  # site that made it stale
        self.seq: i64 = 0  # Kernel.seq when that happened
        self.owner: i64 = 0  # actor that did it
        self.queued: bool = False  # an mmu_gather owes the flush
        self.flushed: bool = False  # a flush that should have ended it is over
        self.zapped: bool = False  # the data is given up: stores through it are lost legally
        self.promised: bool = False  # somebody promised that it is gone


@final
class Mm:
    """struct mm_struct with one folded level: the root is an array of PMD entries. A new one has no
    VMAs, and one user."""

    def __init__(self, ident: i64, pages: i64, nr_pmds: i64) -> None:
        self.id: Final[i64] = ident
        self.obj: Final[i64] = mm_obj(ident)
        self.live: bool = True
        self.users: i64 = 1  # mm_users
        self.count: i64 = 1  # mm_count
        self.vmas: list[Vma] = []  # the maple tree: attached VMAs by address
        self.tables: Final[list[PageTable | None]] = [None] * nr_pmds
        self.pmd: Final[vec[i64]] = vec[i64]([0] * nr_pmds)  # PMD entries that are no page tables
        # Of huge ones: for their split.
        self.deposit: Final[list[PageTable | None]] = [None] * nr_pmds
        # Page tables that a collapse has taken away for a while; entries of oracles' still.
        self.detached: Final[list[PageTable | None]] = [None] * nr_pmds
        self.mmap_lock: Final[RwSem] = RwSem(LC_MMAP, ident)
        self.page_table_lock: Final[Lock] = Lock(LC_PAGE_TABLE, ident)
        self.mm_lock_seq: i64 = 0
        self.vma_writer_wait: i64 = 0  # the actor that waits for a VMA's readers, as a mask
        self.tlb_gen: i64 = 1
        self.cpumask: i64 = 0  # mm_cpumask(): who gets IPIs
        self.cached: i64 = 0  # hardware: CPUs with entries of this mm in some ASID
        self.stale: list[Stale] = []  # hardware: what they may still cache
        self.tlb_flush_pending: i64 = 0
        self.tlb_batched: i64 = 0  # tlb_flush_batched: flushes that reclaim has put off so far
        self.tlb_flushed: i64 = 0  # how many of them others had made up for
        self.write_protect_seq: i64 = 0
        self.has_pinned: bool = False
        self.rss_anon: i64 = 0
        self.rss_file: i64 = 0
        self.swapents: i64 = 0  # MM_SWAPENTS of rss_stat
        self.total_vm: i64 = 0
        self.locked_vm: i64 = 0  # pages of VMAs with VM_LOCKED
        self.def_flags: i64 = 0
        self.unstable: bool = False  # MMF_UNSTABLE: fork() ran out of memory half-way
        self.subscribed: bool = False  # notifier_subscriptions are there, and stay
        self.notifiers: list[MmuIntervalNotifier] = []
        self.notifier_active: i64 = 0  # active_invalidate_ranges
        self.notifier_seq: i64 = 2  # invalidate_seq: odd while something is being invalidated
        self.notifier_waiters: i64 = 0
        # For oracles.
        # What a huge entry stands for whose split has taken its rmap away already (O3).
        self.splitting: Folio | None = None
        self.collapsing: i64 = 0  # collapses whose pages are counted and not mapped yet
        self.nr_anon: i64 = 0  # page table entries that rss_anon should count (O19)
        self.nr_file: i64 = 0  # and rss_file
        self.nr_swap: i64 = 0  # and swapents
        self.entry_at: i64 = sites.OP__BEGIN  # site after which their number last changed
        self.counted_at: i64 = 0  # who counted locked_vm last under this mmap_lock (O19)
        # By page: the site after which its entry was last written, the culprit when that breaks
        # a promise.
        self.who: Final[vec[i64]] = vec[i64]([sites.OP__BEGIN] * pages)
        self.shadow: Final[vec[i64]] = vec[i64]([0] * pages)  # page -> logical page of O5, 0 none
        # By page, for O16: since clear_refs.
        self.modified: Final[vec[i64]] = vec[i64]([0] * pages)
        self.soft: Final[vec[i64]] = vec[i64]([0] * pages)  # PTE_SOFT_DIRTY of the last entry
        # By page: write-protected by userfaultfd since a call has said so (O8).
        self.uffd_wp: Final[vec[i64]] = vec[i64]([0] * pages)
        # By page: frame of a dirty entry that is taken out.
        self.dirty: Final[vec[i64]] = vec[i64]([0] * pages)
        self.unmapping_start: i64 = 0  # what a downgraded munmap() is still freeing (O13)
        self.unmapping_end: i64 = 0


@final
class UserfaultWait:
    """struct userfaultfd_wait_queue: an actor whose fault user space is to resolve."""

    def __init__(self, actor: i64, va: i64, reason: i64, msg: i64) -> None:
        self.actor: Final[i64] = actor
        self.va: Final[i64] = va
        self.reason: Final[i64] = reason  # VM_UFFD_*
        self.msg: Final[i64] = msg  # UFFD_PAGEFAULT_FLAG_*
        self.waken: bool = False
        self.asleep: bool = False
        # For oracles: who would have to have woken it, and Kernel.seq then.
        self.missed_at: i64 = 0
        self.missed_seq: i64 = 0


@final
class UserfaultfdCtx:
    """struct userfaultfd_ctx. `files` counts the handle and the calls that work on it."""

    def __init__(self, ident: i64, mm: Mm, features: i64, wp_unpopulated: bool) -> None:
        self.id: Final[i64] = ident
        self.obj: Final[i64] = uffd_obj(ident)
        self.mm: Final[Mm] = mm
        self.features: Final[i64] = features  # ops.UFFD_*
        self.wp_unpopulated: Final[bool] = wp_unpopulated
        self.files: i64 = 1
        self.refcount: i64 = 1
        self.got_at: i64 = 0  # site after which it last got a reference
        self.releasing: bool = False  # userfaultfd_release() has begun
        self.released: bool = False
        self.map_changing_lock: Final[RwSem] = RwSem(LC_MAP_CHANGING, ident)
        self.mmap_changing: i64 = 0
        self.fault_pending: list[UserfaultWait] = []  # oldest first; so below
        self.fault: list[UserfaultWait] = []  # those that have been read
        self.waiting: list[UserfaultWait] = []  # for oracles: all who are inside handle_userfault()


def pte_mkuffd_wp(pte: i64) -> i64:
    """Write-protect an entry for userfaultfd, or say of one that is not present that it is."""
    if pte & (PTE_PRESENT | PTE_PROTNONE | PTE_HUGE):
        pte &= ~PTE_WRITE
    return pte | PTE_UFFD_WP


def userfaultfd_pte_wp(vma: "Vma", pte: i64) -> bool:
    return vma.flags & VM_UFFD_WP != 0 and pte & PTE_UFFD_WP != 0


def userfaultfd_wp_use_markers(vma: "Vma") -> bool:
    """Whether what maps nothing is write-protected, too, by markers."""
    ctx = vma.uffd
    if ctx is None or vma.flags & VM_UFFD_WP == 0:
        return False
    return vma.inode is not None or ctx.wp_unpopulated


def is_huge_zero_pmd(pmd: i64) -> bool:
    """Whether the PMD entry maps the huge zero page, which is here the small one all over."""
    return pmd & (PTE_HUGE | PTE_SPECIAL) == PTE_HUGE | PTE_SPECIAL


def pmd_present(pmd: i64) -> bool:
    """Kernel's sense, of an entry of `Mm.pmd`: also what is invalidated while it is being split."""
    return pmd & PTE_HUGE != 0


def pmd_pte(pmd: i64, offset: i64) -> i64:
    """What a huge PMD entry says of its page at `offset`, as the entry of a page table."""
    if pmd & PTE_HUGE == 0:
        return pmd + (offset << PFN_SHIFT)
    pte = pmd & ~PTE_HUGE
    if pmd & (PTE_PRESENT | PTE_PROTNONE) == 0:
        pte |= PTE_PROTNONE  # invalidated: the kernel's, not the hardware's
    return pte if pmd & PTE_SPECIAL else pte + (offset << PFN_SHIFT)


def is_cow_mapping(vma: Vma) -> bool:
    return vma.flags & (VM_SHARED | VM_MAYWRITE) == VM_MAYWRITE


def add_mm_counter(mm: Mm, member: i64, pages: i64) -> None:
    """`mm` maps more pages of a kind (MM_*), or fewer, or has more swap entries."""
    if member == MM_ANONPAGES:
        mm.rss_anon += pages
    elif member == MM_FILEPAGES:
        mm.rss_file += pages
    else:
        mm.swapents += pages


def add_locked_vm(mm: Mm, pages: i64, site: i64) -> None:
    """`mm` has locked more pages, or fewer; `site` is in the function that says so."""
    mm.locked_vm += pages
    mm.counted_at = site


def mm_counter(folio: Folio) -> i64:
    """What kind of pages this one is."""
    return MM_FILEPAGES if folio.anon_vma is None else MM_ANONPAGES
