# SPDX-License-Identifier: MIT
"""The device actors, after lib/test_hmm.c (Linux 7.2): devices that each mirror one process's
address space and have private memory of their own, to which anonymous pages migrate and from which
CPU faults bring them back. They register their operations as in Linux: Dmirror is an interval
notifier of the mm, whose page table is `pt`; DmirrorDevmem is the pagemap of a device's memory, the
words of device pages.

Each device is opened once at a time; closing it brings home whatever is in its memory.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EBADF, EBUSY, EEXIST, EFAULT, EINVAL, ENOMEM, ESRCH
from simulator.kernel import exit as kernel_exit
from simulator.lib.maple_tree import vma_lookup
from simulator.lock_classes import LC_DMIRROR
from simulator.mm import mmap_lock, mmu_notifier
from simulator.mm.hmm import hmm_range_fault
from simulator.mm.memory import copy_words
from simulator.mm.memremap import (
    DevPagemap,
    memremap_pages,
    next_page,
    unused_pages,
    zone_device_folio_init,
    zone_device_page_init,
)
from simulator.mm.migrate_device import (
    SELECT_COMPOUND,
    SELECT_DEVICE_PRIVATE,
    SELECT_SYSTEM,
    MigrateVma,
    migrate_device_finalize,
    migrate_device_pages,
    migrate_device_range,
    migrate_vma_finalize,
    migrate_vma_pages,
    migrate_vma_setup,
)
from simulator.mm.mm_types import (
    PG_DIRTY,
    REF_OWNER,
    VM_READ,
    VM_WRITE,
    Lock,
    Mm,
    Page,
    fill,
    page_maps,
)
from simulator.mm.mmu_notifier import EMPTY, MmuIntervalNotifier
from simulator.mm.page_alloc import folio_alloc, folio_alloc_nofail, folio_alloc_order
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import DEVICE_PFN_BASE, frame_text, pfn_to_page
from simulator.mm.vm_fault import VM_FAULT_OOM, VM_FAULT_SIGBUS, VmFault
from simulator.objects import OBJ_NONE, device_obj
from simulator.scenario import DEVICES
from simulator.sched.lock import lock_fresh, mutex_lock, mutex_unlock
from simulator.state import READ, WRITE
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel

NR_DEVICE_PAGES: Final = 64  # the device's memory; small, so that it runs out


class Dmirror(MmuIntervalNotifier):
    """struct dmirror: one opened device. Its mutex keeps `pt`."""

    def __init__(self, mm: Mm, pages: i64, devmem: "DmirrorDevmem") -> None:
        super().__init__(mm, pages)
        self.mutex: Lock = Lock(LC_DMIRROR, 0)
        self.devmem: DmirrorDevmem = devmem
        self.moves: i64 = 0  # pages that have left the device's memory
        self.wanted: i64 = -1  # the page that is being made exclusive
        self.invalidations: i64 = 0  # of that page, by others than the device itself
        self.wanted_seq: i64 = -1  # when the last of them was
        self.exclusive_since: i64 = 0  # how many there were when it last made a page exclusive
        self.is_nouveau: bool = False  # makes pages exclusive as that driver does

    def invalidate(
        self, k: "Kernel", start: i64, end: i64, event: i64, owner: DevPagemap | None, seq: i64
    ) -> None:
        """dmirror_interval_invalidate(): forget the range, under the driver's lock. Migrations
        by the device itself keep its translations; the driver updates them. So does it with what
        it makes exclusive for itself."""
        if owner is self.devmem:
            if event == mmu_notifier.MMU_NOTIFY_MIGRATE:
                return
            if event == mmu_notifier.MMU_NOTIFY_EXCLUSIVE:
                # Nothing, if one that it was told of is not over.
                self.exclusive_since = -1 if self.wanted_seq == seq else self.invalidations
                return
        mutex_lock(k, sites.DMIRROR_INTERVAL_INVALIDATE__LOCK, self.mutex)
        self.seq = seq
        if start <= self.wanted < end:
            self.invalidations += 1
            self.wanted_seq = seq
        self.erase(max(start, 0), min(end, k.nr_arena))
        mutex_unlock(k, self.mutex)

    def release(self, k: "Kernel", seq: i64) -> None:
        self.seq = seq
        self.erase(0, k.nr_arena)

    def erase(self, start: i64, end: i64) -> None:
        pt = self.pt
        for va in range(start, end):
            pt[va] = EMPTY
            self.atomic[va] = 0


class DmirrorDevmem(DevPagemap):
    """The memory of the device, and dmirror_devmem_ops."""

    def __init__(self, first_pfn: i64) -> None:
        super().__init__(first_pfn)
        self.dmirror: Dmirror | None = None  # who has opened the device; zone_device_data

    def migrate_to_ram(self, k: "Kernel", vmf: VmFault, page: Page) -> i64:
        """dmirror_devmem_fault(): `page` is the device page that the CPU wants, on which the
        caller should hold a reference."""
        k.step(sites.DMIRROR_DEVMEM_FAULT__USE_PAGE, page.obj, READ)
        if not page.folio.live:
            k.violate(
                "use-after-free",
                sites.DO_SWAP_PAGE__MIGRATE_TO_RAM,
                "device-private",
                f"migrate_to_ram() was called with {frame_text(page.pfn)}, which has been freed",
            )
        d = self.dmirror
        assert d is not None
        start = vmf.va
        end = start + 1
        select: i64 = SELECT_DEVICE_PRIVATE
        if vmf.orig_pmd:
            start = start >> k.pmd_order << k.pmd_order
            end = start + k.ptrs_per_pte
            select |= SELECT_COMPOUND
        args = MigrateVma(vmf.vma, vmf.mm, start, end, select, self, vmf.page)
        if migrate_vma_setup(k, args):
            return VM_FAULT_SIGBUS
        enough = alloc_and_copy_to_ram(k, d, args)
        migrate_vma_pages(k, args)
        migrate_vma_finalize(k, args)
        return 0 if enough else VM_FAULT_OOM


def new_dmirror(k: "Kernel", t: Task, mm: Mm) -> Dmirror:
    """The device of the actor `t`, opened, but for its notifier."""
    number = DEVICES.index(t.id)
    while len(k.pagemaps) <= number:
        memremap_pages(k, DmirrorDevmem((len(k.pagemaps) + 1) * DEVICE_PFN_BASE))
    devmem = k.pagemaps[number]
    assert isinstance(devmem, DmirrorDevmem)
    d = Dmirror(mm, k.nr_arena, devmem)
    d.is_nouveau = number > 0
    devmem.dmirror = d
    return d


def is_open_at_first(k: "Kernel", t: Task, mm: Mm) -> None:
    """Before the first op the device of `t` has been opened by this mm's process."""
    d = new_dmirror(k, t, mm)
    mmu_notifier.subscribe(d)
    t.device = d


def dmirror_fops_open(k: "Kernel", t: Task, mm: Mm | None) -> i64:
    """A process opens the device of `t`: 0, -ESRCH when there is no such process any more, or
    -EEXIST for a device that is open."""
    if t.device is not None:
        return -EEXIST
    if mm is None or mm.users == 0:
        return -ESRCH
    kernel_exit.mmget(k, mm)  # who opens it lives meanwhile
    d = new_dmirror(k, t, mm)
    mmu_notifier.mmu_interval_notifier_insert(k, d)
    t.device = d
    kernel_exit.mmput(k, mm)
    return 0


def dmirror_fops_release(k: "Kernel", t: Task) -> i64:
    """close(): nothing of the device is mapped by anybody any more. 0, or -EBADF."""
    d = opened(t)
    if d is None:
        return -EBADF
    t.device = None
    mmu_notifier.mmu_interval_notifier_remove(k, d)
    if not k.bug.hmm_close_leaves_device_pages:
        dmirror_device_evict_chunk(k, d.devmem)
        while in_use(d.devmem) and not k.bug.test_hmm_close_skips_locked_pages:
            k.retry(sites.DMIRROR_DEVICE_EVICT_CHUNK__AGAIN)
            dmirror_device_evict_chunk(k, d.devmem)
    k.step(sites.DMIRROR_FOPS_RELEASE__FREE, OBJ_NONE, WRITE)
    if in_use(d.devmem):
        k.violate(
            "use-after-free",
            sites.DMIRROR_FOPS_RELEASE__FREE,
            "device-private",
            "a device's structure is freed while pages of its memory are mapped: the next fault "
            "on one will use it",
        )
    return 0


def in_use(devmem: DmirrorDevmem) -> bool:
    """Whether some mm maps a page of the device's memory, or will when its migration is over."""
    return any(page_maps(page) > 0 or page.nr_migration > 0 for page in devmem.slab.taken())


def dmirror_device_evict_chunk(k: "Kernel", devmem: DmirrorDevmem) -> None:
    """Move what can be locked of a device's memory to frames, whoever maps it."""
    args = migrate_device_range(k, devmem)
    for i in range(len(args.src)):
        source = args.src[i]
        if source is None or not args.migrate[i]:
            continue
        folio = folio_alloc_nofail(k, sites.DMIRROR_DEVICE_EVICT_CHUNK__ALLOC)
        lock_fresh(k, folio.lock)
        copy_words(k, sites.DMIRROR_DEVICE_EVICT_CHUNK__COPY_WORD, folio.page, source)
        args.dst[i] = folio.page
    migrate_device_pages(k, args)
    migrate_device_finalize(k, args)


def opened(t: Task) -> Dmirror | None:
    """What the actor has opened (filp->private_data), if it has."""
    d = t.device
    if d is None:
        return None
    assert isinstance(d, Dmirror)
    return d


# --- device accesses ---------------------------------------------------------------------------


def device_read(k: "Kernel", t: Task, word: i64) -> i64:
    """dmirror_read() of one word: the token, or -errno."""
    return access(k, t, word, False)


def device_write(k: "Kernel", t: Task, word: i64) -> i64:
    """dmirror_write() of a new token: 0, -EPERM where the mapping is read-only, or -errno."""
    return access(k, t, word, True)


def access(k: "Kernel", t: Task, word: i64, write: bool) -> i64:
    d = opened(t)
    if d is None:
        return -EBADF
    va = word >> 2
    while True:
        mutex_lock(k, sites.DMIRROR_ACCESS__LOCK, d.mutex)
        entry = d.pt[va]
        if entry != EMPTY and (not write or entry & 1):
            value = do_access(k, d.mm, va, word & 3, entry, write)
            mutex_unlock(k, d.mutex)
            return value
        mutex_unlock(k, d.mutex)
        ret = dmirror_fault(k, d, va, write)
        if ret:
            return ret
        k.retry(sites.DMIRROR_ACCESS__LOCK)


def do_access(k: "Kernel", mm: Mm, va: i64, word: i64, entry: i64, write: bool) -> i64:
    """The access itself, through the device's own page table."""
    k.step(sites.DMIRROR_ACCESS__DATA, device_obj(va), WRITE if write else READ)
    page = pfn_to_page(k, entry >> 1)
    k.watch.device_accesses(k, mm, va, page)
    if write:
        token = k.new_token()
        page.words[word] = token
        if not k.bug.test_hmm_leaves_pages_clean:
            page.folio.flags |= PG_DIRTY  # no page table knows of this store
        k.watch.stored(k, mm, va, page, word, token, True)
        return 0
    value = page.words[word]
    k.watch.loaded(k, mm, va, page, word, value)
    return value


def dmirror_fault(k: "Kernel", d: Dmirror, va: i64, write: bool) -> i64:
    """dmirror_range_fault(): fill the device's entry; 0 or an errno."""
    mm = d.mm
    if mm.users == 0:
        return -EFAULT
    kernel_exit.mmget(k, mm)
    result: i64 = 0
    while True:
        seq = mmu_notifier.mmu_interval_read_begin(k, d)
        moves = d.moves
        mmap_lock.mmap_read_lock(k, mm, sites.DMIRROR_RANGE_FAULT__MMAP_LOCK)
        entry = hmm_range_fault(k, d, d.devmem, va, write, seq)
        mmap_lock.mmap_read_unlock(k, mm)
        if entry == -EBUSY:
            k.sometimes(features.Z_HMM_RETRY)
            k.retry(sites.DMIRROR_RANGE_FAULT__MMAP_LOCK)
            continue
        if entry < 0:
            result = entry
            break
        mutex_lock(k, sites.DMIRROR_RANGE_FAULT__LOCK, d.mutex)
        if mmu_notifier.mmu_interval_read_retry(d, seq) or d.moves != moves:
            mutex_unlock(k, d.mutex)
            k.sometimes(features.Z_HMM_RETRY)
            k.retry(sites.DMIRROR_RANGE_FAULT__LOCK)
            continue
        d.pt[va] = entry
        d.atomic[va] = 0
        mutex_unlock(k, d.mutex)
        break
    kernel_exit.mmput(k, mm)
    return result


# --- migration -----------------------------------------------------------------------------------


def devmem_alloc_page(k: "Kernel", devmem: DmirrorDevmem) -> Page | None:
    """dmirror_devmem_alloc_page(): a locked device page, or None."""
    if k.should_fail(sites.DMIRROR_DEVMEM_ALLOC_PAGE__ALLOC, OBJ_NONE):
        k.sometimes(features.Z_ALLOC_FAILED)
        return None
    if devmem.slab.free:
        page = devmem.slab.free.pop()
    elif devmem.slab.nr < NR_DEVICE_PAGES:
        page = next_page(devmem)
    else:
        return None
    zone_device_page_init(k, page)
    return page


def migrate_to_device(k: "Kernel", t: Task, start: i64, end: i64) -> i64:
    """HMM_DMIRROR_MIGRATE_TO_DEV: the number of pages that moved, or -errno."""
    return migrate_range(k, opened(t), start, end, True)


def migrate_to_ram(k: "Kernel", t: Task, start: i64, end: i64) -> i64:
    """HMM_DMIRROR_MIGRATE_TO_SYS: the number of pages that moved, or -errno."""
    return migrate_range(k, opened(t), start, end, False)


def migrate_range(k: "Kernel", d: Dmirror | None, start: i64, end: i64, to_device: bool) -> i64:
    if d is None:
        return -EBADF
    mm = d.mm
    if mm.users == 0:
        return -EINVAL
    kernel_exit.mmget(k, mm)
    moved: i64 = 0
    mmap_lock.mmap_read_lock(k, mm, sites.DMIRROR_MIGRATE__MMAP_LOCK)
    va = start
    while va < end:
        vma = vma_lookup(mm, va)
        if vma is None or not vma.flags & VM_READ:
            moved = -EINVAL
            break
        stop = min(end, va + k.ptrs_per_pte, vma.end)  # what its arrays hold
        seq = mmu_notifier.mmu_interval_read_begin(k, d)
        moves = d.moves
        select: i64 = SELECT_SYSTEM if to_device else SELECT_DEVICE_PRIVATE
        if k.linux.device_private_thp:
            select |= SELECT_COMPOUND
        args = MigrateVma(vma, mm, va, stop, select, d.devmem, None)
        if migrate_vma_setup(k, args):
            moved = -EINVAL
            break
        enough = True
        if to_device:
            alloc_and_copy_to_device(k, d.devmem, args)
            migrate_vma_pages(k, args)
            finalize_and_map(k, d, args, seq, moves)
        else:
            enough = alloc_and_copy_to_ram(k, d, args)
            migrate_vma_pages(k, args)
        moved += count_migrated(args)
        migrate_vma_finalize(k, args)
        if not enough:
            moved = -ENOMEM
            break
        va = stop
    mmap_lock.mmap_read_unlock(k, mm)
    kernel_exit.mmput(k, mm)
    return moved


def count_migrated(args: MigrateVma) -> i64:
    n: i64 = 0
    for i in range(len(args.src)):
        page = args.dst[i]
        if args.migrate[i] and page is not None:
            n += 1 << page.folio.order
    return n


def devmem_alloc_huge(k: "Kernel", devmem: DmirrorDevmem) -> Page | None:
    """The first page of a huge one of the device's, locked; None: small ones must do. Its memory is
    handed out in a row once."""
    if k.should_fail(sites.DMIRROR_DEVMEM_ALLOC_PAGE__ALLOC_HUGE, OBJ_NONE):
        k.sometimes(features.Z_ALLOC_FAILED)
        return None
    if devmem.slab.nr + k.ptrs_per_pte > NR_DEVICE_PAGES:
        return None
    pages = unused_pages(devmem, k.ptrs_per_pte)
    return zone_device_folio_init(k, pages, k.pmd_order).page


def alloc_and_copy_to_device(k: "Kernel", devmem: DmirrorDevmem, args: MigrateVma) -> None:
    """dmirror_migrate_alloc_and_copy(): fill device pages from the pages that were collected."""
    writable = args.vma.flags & VM_WRITE != 0
    for i in range(len(args.src)):
        if not args.migrate[i]:
            continue
        source = args.src[i]
        if source is None:
            args.write[i] = writable
        if args.compound[i]:
            alloc_huge_and_copy(k, devmem, args, i)
            continue
        page = devmem_alloc_page(k, devmem)
        if page is not None:
            copy_page(k, page, source)
            args.dst[i] = page


def alloc_huge_and_copy(k: "Kernel", devmem: DmirrorDevmem, args: MigrateVma, i: i64) -> None:
    """The same for a huge page, or a hole of that size: one, or as many small ones as there are."""
    head = devmem_alloc_huge(k, devmem)
    source = args.src[i]
    if head is not None:
        args.dst[i] = head
        args.dst_compound[i] = True
    for j in range(k.ptrs_per_pte):
        page = devmem_alloc_page(k, devmem) if head is None else pfn_to_page(k, head.pfn + j)
        if page is not None:
            copy_page(k, page, None if source is None else pfn_to_page(k, source.pfn + j))
        if head is None:
            args.dst[i + j] = page
            args.write[i + j] = args.write[i]


def copy_page(k: "Kernel", page: Page, source: Page | None) -> None:
    """Fill a device page; with zeroes where nothing is."""
    if source is None:
        fill(page, 0)
    else:
        copy_words(k, sites.DMIRROR_MIGRATE_ALLOC_AND_COPY__COPY_WORD, page, source)


def finalize_and_map(k: "Kernel", d: Dmirror, args: MigrateVma, seq: i64, moves: i64) -> None:
    """dmirror_migrate_finalize_and_map(): the device maps what has migrated, no more, and nothing
    when an invalidation has come since the migration began: that one would never be seen again."""
    mutex_lock(k, sites.DMIRROR_MIGRATE_FINALIZE_AND_MAP__LOCK, d.mutex)
    raced = mmu_notifier.mmu_interval_read_retry(d, seq) or d.moves != moves
    if k.bug.test_hmm_maps_after_invalidation:
        raced = False
    for i in range(len(args.src)):
        page = args.dst[i]
        if page is None:
            continue
        for j in range(1 << page.folio.order):
            if raced and args.migrate[i]:
                d.pt[args.start + i + j] = EMPTY
            elif args.migrate[i] or k.bug.migratevma_driver_assumes_success:
                d.pt[args.start + i + j] = (page.pfn + j) << 1 | (1 if args.write[i] else 0)
    mutex_unlock(k, d.mutex)


def alloc_and_copy_to_ram(k: "Kernel", d: Dmirror, args: MigrateVma) -> bool:
    """dmirror_devmem_fault_alloc_and_copy(): fill new frames from device memory. The device's
    entry goes under its lock, so that no device write is under way during the copy. False: memory
    is out."""
    enough = True
    for i in range(len(args.src)):
        source = args.src[i]
        if source is None or not args.migrate[i]:
            continue
        if args.compound[i]:
            enough = alloc_huge_to_ram(k, d, args, i, source) and enough
            continue
        folio = folio_alloc(k, sites.DMIRROR_DEVMEM_FAULT_ALLOC_AND_COPY__ALLOC, False)
        if folio is None:
            enough = False
            continue
        lock_fresh(k, folio.lock)
        erase(k, d, args.start + i)
        copy_words(k, sites.DMIRROR_DEVMEM_FAULT_ALLOC_AND_COPY__COPY_WORD, folio.page, source)
        args.dst[i] = folio.page
    return enough


def erase(k: "Kernel", d: Dmirror, va: i64) -> None:
    """The device has no entry for the page any more, and no write of its is under way."""
    mutex_lock(k, sites.DMIRROR_DEVMEM_FAULT_ALLOC_AND_COPY__ERASE, d.mutex)
    d.pt[va] = EMPTY
    if not k.bug.test_hmm_maps_after_invalidation:
        d.moves += 1  # whoever has just looked the page up must look again
    mutex_unlock(k, d.mutex)


def alloc_huge_to_ram(k: "Kernel", d: Dmirror, args: MigrateVma, i: i64, source: Page) -> bool:
    """The same for a huge page: one of memory, or small ones, or none if they are not enough."""
    site = sites.DMIRROR_DEVMEM_FAULT_ALLOC_AND_COPY__ALLOC_HUGE
    huge = folio_alloc_order(k, site, k.pmd_order, False)
    pages: list[Page] = []
    for j in range(k.ptrs_per_pte):
        folio = huge
        if folio is None:
            folio = folio_alloc(k, sites.DMIRROR_DEVMEM_FAULT_ALLOC_AND_COPY__ALLOC, False)
        if folio is None:
            for page in pages:
                mutex_unlock(k, page.folio.lock)
                folio_put(k, page.folio, REF_OWNER)
            return False
        if huge is None or j == 0:
            lock_fresh(k, folio.lock)
        page = pfn_to_page(k, folio.pfn + (0 if huge is None else j))
        erase(k, d, args.start + i + j)
        copy_words(
            k,
            sites.DMIRROR_DEVMEM_FAULT_ALLOC_AND_COPY__COPY_WORD,
            page,
            pfn_to_page(k, source.pfn + j),
        )
        pages.append(page)
    if huge is not None:
        args.dst[i] = huge.page
        args.dst_compound[i] = True
        return True
    for j in range(k.ptrs_per_pte):
        args.dst[i + j] = pages[j]
    return True
