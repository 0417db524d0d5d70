# SPDX-License-Identifier: MIT
"""The known bugs: real historical mm bugs that the model can be asked to have again, and whatever
else the model does otherwise than Linux.

`config bug=ID` chooses the model, not the scenario. A mutation is one line at each place in
simulator/{mm,kernel,fs,machine,drivers} that tests `k.bug.<id with underscores>`. A new bug
is one row in `BUGS` and one attribute in `BugFlags`; a row without an attribute is an error of the
import. A negative control changes nothing.

Without `kernel=` the model is mended: it has none of them. `kernel=V` is Linux V as it was shipped:
it has every row whose `versions` hold V. `bug=ID` switches one more on, `bug=-ID` one off. A row
with a `departure` is no bug that Linux has once had, but what it does to this day (or in those
versions) and an oracle rightly calls broken: the row says why.
"""

import re
from dataclasses import dataclass
from typing import Final

from simulator.build.native import final

EASY: Final = "easy"
MEDIUM: Final = "medium"
HARD: Final = "hard"


@dataclass(frozen=True, slots=True)
class Bug:
    """One known bug. `oracles` are the names that may report it (one bug may have several
    signatures); `control` marks a negative control, which must stay silent. `culprits` are the
    kernel functions that its fix touches or its text blames. `versions` are ranges of full
    versions that have it, as far as that has been looked up in their sources: first with, and
    first without ("" for none so far). `undisclosed`: its maintainers have not been told yet, so
    nothing of it is listed, packaged or exported; its scenario is in corpus/undisclosed/."""

    id: str
    title: str
    commit: str
    oracles: tuple[str, ...]
    difficulty: str
    control: bool = False
    culprits: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    departure: str = ""
    undisclosed: bool = False

    def is_in(self, version: str) -> bool:
        """Whether Linux `version` ("7.2", "6.12.118") has it."""
        v = full(version)
        return any(
            full(first) <= v and (not without or v < full(without))
            for first, without in self.versions
        )


def full(version: str) -> tuple[int, ...]:
    """A version as numbers that compare: 6.12.118 is (6, 12, 118), 7.2 is (7, 2, 0). What a builder
    has added to it does not count."""
    numbers = [int(part) for part in re.findall(r"\d+", version.partition("-")[0])][:3]
    return tuple(numbers + [0] * (3 - len(numbers)))


BUGS: Final[tuple[Bug, ...]] = (
    Bug(
        "vmsplice-child-cow",
        "child reads the parent's new data through a vmspliced page",
        "CVE-2020-29374 17839856fd58",
        ("memory-value", "pin"),
        EASY,
    ),
    Bug(
        "do-wp-page-copies-pinned-page",
        "a write fault copies a page that is pinned for DMA",
        "09854ba94c6a 6c287605fd56",
        ("pin",),
        EASY,
    ),
    Bug(
        "gup-fast-vs-fork-cow",
        "pin_user_pages_fast() pins a page that fork() is sharing",
        "57efa1fe5957",
        ("anon-exclusive", "pin"),
        MEDIUM,
    ),
    Bug(
        "dirtycow-foll-write-dropped",
        "FOLL_FORCE write reaches the page cache of a private mapping",
        "CVE-2016-5195 19be0eaffa3a",
        ("permission",),
        MEDIUM,
    ),
    Bug(
        "clear-refs-wrprotect-pinned",
        "clear_refs write-protects a pinned page",
        "9348b73c2e1b",
        ("pin",),
        EASY,
    ),
    Bug(
        "softdirty-clear-no-flush",
        "clear_refs leaves writable translations in TLBs",
        "912efa17e512",
        ("soft-dirty",),
        EASY,
    ),
    Bug(
        "madv-dontneed-parallel-flush-miss",
        "a second MADV_DONTNEED returns before the first has flushed",
        "99baac21e458 56236a59556c 0a2dd266dd6b",
        ("stale-tlb",),
        EASY,
    ),
    Bug(
        "shootdown-skips-switching-cpu",
        "a shootdown skips a CPU that is switching to the mm",
        "CVE-2025-37964 fea4e317f9e7 CVE-2025-40174 83b0177a6c48",
        ("stale-tlb",),
        HARD,
    ),
    Bug(
        "mremap-merge-anon-vma-uaf",
        "mremap() merge forgets the anon_vma of the moved VMA",
        "CVE-2026-23077 61f67c230a5e",
        ("use-after-free", "rmap"),
        MEDIUM,
    ),
    Bug(
        "fork-parent-vma-not-locked",
        "fork() copies page tables of VMAs that can still fault",
        "fb49c455323f",
        ("anon-exclusive", "memory-value"),
        MEDIUM,
    ),
    Bug(
        "mmap-vma-visible-before-locked",
        "mmap() changes a VMA after lockless readers can find it",
        "33313a747e81 1c7873e33645 c137381f71ae",
        ("permission",),
        MEDIUM,
    ),
    Bug(
        "expand-stack-vs-munmap-downgrade",
        "a stack grows into a range that munmap() is still freeing",
        "CVE-2020-29369 246c320a8cfe",
        ("memory-value", "use-after-free"),
        MEDIUM,
    ),
    Bug(
        "migratevma-tlb-flush-after-ptl",
        "migrate_vma_collect_pmd() flushes after it dropped the lock",
        "60bae7370896",
        ("stale-tlb", "use-after-free"),
        MEDIUM,
    ),
    Bug(
        "migratevma-copy-before-flush",
        "a page is copied to the device before CPUs lost it",
        "hazard",
        ("stale-tlb", "memory-value"),
        MEDIUM,
    ),
    Bug(
        "migratevma-anon-exclusive-gup-fast",
        "migration checks for pins before GUP-fast is locked out",
        "6c287605fd56",
        ("anon-exclusive", "pin"),
        HARD,
    ),
    Bug(
        "migratevma-driver-assumes-success",
        "a driver maps pages that migrate_vma left behind",
        "hazard",
        ("memory-value", "contract", "secondary-mmu"),
        EASY,
    ),
    Bug(
        "device-private-fault-no-ref",
        "a device page is freed under a CPU fault on it",
        "CVE-2022-3523 16ce101db85d",
        ("use-after-free",),
        MEDIUM,
    ),
    Bug(
        "device-private-fault-livelock",
        "faults on one device page keep each other from migrating it",
        "1afaeb8293c9",
        ("livelock",),
        MEDIUM,
    ),
    Bug(
        "migratevma-none-pte-stale-tlb",
        "negative control: stale store while an empty entry migrates",
        "hazard",
        ("stale-tlb",),
        MEDIUM,
        control=True,
    ),
    Bug(
        "migratevma-nonpresent-pte-decode",
        "migrate_vma_collect_pmd() looks for the dirty bit of an entry that is not present",
        "fd35ca3d12cc 6c287605fd56",
        ("kernel-assertion",),
        EASY,
        culprits=("migrate_vma_collect_pmd",),
    ),
    Bug(
        "migratevma-restore-stale-pte-on-pin",
        "a page that is pinned gets the entry back that was read before it was taken out",
        "fd35ca3d12cc",
        ("dirty-loss", "pin"),
        MEDIUM,
        culprits=("migrate_vma_collect_pmd",),
    ),
    Bug(
        "migrate-device-finalize-freed-to-lru",
        "a page that has migrated goes back to the LRU",
        "CVE-2025-21861 41cddf83d8b0",
        ("state",),
        EASY,
        culprits=("migrate_device_finalize",),
    ),
    Bug(
        "mremap-tlb-flush-late",
        "mremap() flushes after it dropped the page table locks",
        "CVE-2018-18281 eb66ae030829",
        ("stale-tlb", "use-after-free"),
        MEDIUM,
        culprits=("move_ptes",),
    ),
    Bug(
        "mremap-move-pmd-no-rmap-lock",
        "a page table moves while rmap walks may pass by",
        "97113eb39fa7",
        ("rmap",),
        MEDIUM,
        culprits=("move_normal_pmd", "move_pgt_entry"),
    ),
    Bug(
        "anon-page-in-file-mapping",
        "a file that has no fault method is given anonymous pages",
        "CVE-2015-3288 6b7339f4c31a",
        ("state",),
        EASY,
        culprits=("do_anonymous_page", "do_pte_missing"),
    ),
    Bug(
        "mremap-dontunmap-locked-vm-partial",
        "MREMAP_DONTUNMAP of locked memory leaves pages counted that are not locked",
        "838bb60dc215 597e4b9ab48a",
        ("accounting",),
        EASY,
        culprits=("move_vma", "dontunmap_complete", "vrm_stat_account"),
        versions=(("5.7", "6.1.192"), ("6.2", "6.12.118"), ("6.13", "7.2")),
    ),
    Bug(
        "mmap-error-path-leaks-prepared-file",
        "an mmap() that fails keeps the file that mmap_prepare() has opened for it",
        "CVE-2026-31654 894f99eb535e",
        ("leak",),
        EASY,
        culprits=("mmap_region",),
    ),
    Bug(
        "fork-migration-entry-stays-writable",
        "fork() copies the entry of a page under migration as writable as it is",
        "4a705fef9862",
        ("anon-exclusive", "memory-value"),
        EASY,
        culprits=("copy_nonpresent_pte",),
    ),
    Bug(
        "killable-lock-failure-unlocks",
        "a wait for mmap_lock that was killed is taken for the lock, which is then released",
        "CVE-2026-43109 52f657e34d7b",
        ("kernel-assertion",),
        MEDIUM,
        culprits=("pagemap_read",),
    ),
    Bug(
        "procmap-error-path-double-mmput",
        "PROCMAP_QUERY puts the mm twice when it fails late",
        "CVE-2026-43178 61dc9f776705",
        ("refcount", "use-after-free"),
        EASY,
        culprits=("do_procmap_query",),
    ),
    Bug(
        "vma-refcount-put-mm-freed",
        "a reader of a VMA that was reused wakes its writer in an mm that may be gone",
        "CVE-2025-38554 9bbffee67ffd",
        ("use-after-free",),
        HARD,
        culprits=("vma_start_read", "vma_refcount_put"),
    ),
    Bug(
        "hmm-close-leaves-device-pages",
        "a device is closed while processes still map pages of its memory",
        "CVE-2026-46280 744dd97752ef",
        ("use-after-free",),
        MEDIUM,
        culprits=("dmirror_fops_release",),
        versions=(("5.8", "6.1.192"), ("6.2", "6.12.118"), ("6.13", "7.2")),
    ),
    Bug(
        "test-hmm-close-skips-locked-pages",
        "a device is closed while a page of its memory is locked, which stays mapped",
        "lib/test_hmm.c:dmirror_fops_release()",
        ("use-after-free",),
        MEDIUM,
        culprits=("dmirror_fops_release", "dmirror_device_evict_chunk"),
        versions=(("6.1.192", "6.2"), ("6.12.118", "6.13"), ("7.2", "")),
        departure="the test driver moves what it can lock at once out of the device's memory and "
        "frees its structure, which the fault that holds the lock is using; a real driver may not",
    ),
    Bug(
        "fork-early-cow-torn-snapshot",
        "fork() copies a pinned page while threads store to it",
        "70e806e4e645",
        ("memory-value",),
        MEDIUM,
        culprits=("copy_present_page",),
        versions=(("6.1", ""),),
        departure="copy_present_page() copies with the parent's entry writable, so that the child "
        "sees a page that is older than what it shares, or torn: no cut of its parent",
    ),
    Bug(
        "migration-restores-writable",
        "a migration makes a page writable that clear_refs tracks",
        "mm/migrate.c:remove_migration_pte()",
        ("soft-dirty",),
        MEDIUM,
        culprits=("remove_migration_pte",),
        versions=(("6.1", ""),),
        departure="an entry that comes back from a migration is writable although clear_refs has "
        "cleared its soft-dirty bit meanwhile: the next store leaves no trace",
    ),
    Bug(
        "device-private-loses-soft-dirty",
        "a device page that becomes read-only is no longer soft-dirty",
        "mm/memory.c:copy_nonpresent_pte(), mm/mprotect.c",
        ("soft-dirty",),
        EASY,
        culprits=("copy_nonpresent_pte", "change_pte_range"),
        versions=(("6.1", ""),),
        departure="fork() and mprotect() build the readable entry without the bit, on purpose; "
        "pagemap then says that a page was not modified which was",
    ),
    Bug(
        "test-hmm-leaves-pages-clean",
        "what a device has stored is lost when its page is swapped out",
        "lib/test_hmm.c:dmirror_do_write()",
        ("dirty-loss", "memory-value"),
        MEDIUM,
        culprits=("remove_mapping", "dmirror_access", "do_swap_page"),
        versions=(("5.8", ""),),
        departure="the driver stores without set_page_dirty(), where the entry of the CPU may be "
        "writable and clean",
        undisclosed=True,
    ),
    Bug(
        "test-hmm-maps-after-invalidation",
        "lib/test_hmm.c maps a page on the device that was invalidated during its migration",
        "lib/test_hmm.c:dmirror_migrate_finalize_and_map()",
        ("secondary-mmu",),
        MEDIUM,
        culprits=("dmirror_migrate_finalize_and_map", "dmirror_devmem_fault_alloc_and_copy"),
        versions=(("6.1", ""),),
        departure="the test driver looks at no sequence number when a migration ends and erases "
        "its entry without its lock; a real driver may not",
    ),
    Bug(
        "mthp-collapse-pmd-flush-other-vma",
        "a collapse takes a page table away that another VMA maps through",
        "review of mTHP collapse",
        ("memory-value", "leak", "kernel-assertion"),
        HARD,
        culprits=(
            "collapse_huge_page",
            "hugepage_vma_revalidate",
            "pmdp_collapse_flush",
            "map_anon_folio_pte_nopf",
        ),
    ),
    Bug(
        "mthp-collapse-anon-vma-unlock-early",
        "a collapse lets rmap walkers come while its page table is away",
        "review of mTHP collapse",
        ("memory-value", "rmap", "kernel-assertion"),
        HARD,
        culprits=("collapse_huge_page",),
    ),
    Bug(
        "mthp-collapse-rollback-incomplete",
        "a collapse that fails sets back only some of the entries that it has taken out",
        "proposal: remember and restore entries one by one",
        ("memory-value", "dirty-loss", "mapcount", "accounting"),
        MEDIUM,
        culprits=("collapse_huge_page",),
    ),
    Bug(
        "mthp-collapse-notifier-wrong-range",
        "a device is told of other pages than a collapse moves",
        "hazard",
        ("secondary-mmu", "use-after-free"),
        EASY,
        culprits=("collapse_huge_page", "collapse_huge_page_copy_succeeded"),
    ),
    Bug(
        "mthp-collapse-gup-fast-race",
        "a collapse counts the references of pages that GUP-fast can still find",
        "proposal: take entries out one by one",
        ("pin", "memory-value"),
        HARD,
        culprits=(
            "collapse_huge_page",
            "collapse_huge_page_isolate",
            "collapse_huge_page_copy_succeeded",
        ),
    ),
    Bug(
        "mthp-collapse-max-ptes-none-creep",
        "a collapse fills so many holes that the next scan fills more",
        "review of mTHP collapse",
        ("contract",),
        EASY,
        culprits=("collapse_max_ptes_none", "collapse_huge_page_isolate", "mthp_collapse"),
    ),
    Bug(
        "gup-fast-vs-thp-collapse",
        "GUP-fast pins a page of a page table that a collapse has taken away",
        "70cbc3cc78a9",
        ("pin", "use-after-free"),
        HARD,
        culprits=(
            "gup_fast_pte_range",
            "collapse_huge_page",
            "collapse_huge_page_isolate",
            "collapse_huge_page_copy_succeeded",
        ),
    ),
    Bug(
        "thp-mapcount-nonatomic-split",
        "a shared huge page looks like nobody else's while the other process splits its entry",
        "CVE-2020-29368 c444eb564fb1",
        ("anon-exclusive", "memory-value", "pin"),
        HARD,
        culprits=("split_huge_pmd_locked", "split_huge_pmd", "do_huge_pmd_wp_page"),
    ),
    Bug(
        "thp-split-zero-subpage-loses-bits",
        "a split puts the zero page in and forgets that the page was modified",
        "9658d698a8a8",
        ("soft-dirty",),
        MEDIUM,
        culprits=("try_to_map_unused_to_zeropage", "remove_migration_pte"),
        versions=(("6.12", "6.12.56"), ("6.13", "6.18")),
    ),
    Bug(
        "migration-entry-wait-tail",
        "a fault waits for a tail page, which nobody locks, instead of its folio",
        "ffc90cbb2970",
        ("livelock", "refcount"),
        MEDIUM,
        culprits=("migration_entry_wait",),
    ),
    Bug(
        "hmm-nonowner-private-not-faulted",
        "a device is refused what is in another device's memory",
        "8a295dbbaf72",
        ("contract",),
        EASY,
        culprits=("hmm_vma_handle_pte", "hmm_is_device_private_entry"),
    ),
    Bug(
        "device-entry-unmap-vma-is-anon-assert",
        "negative control: a private page of a file mapping is unmapped from device memory",
        "CVE-2026-64131 be3f38d05cc5",
        ("kernel-assertion",),
        EASY,
        control=True,
    ),
    Bug(
        "devexcl-subpage-range-mismatch",
        "all entries of a large folio become a device's, and another is told of one page",
        "review of b756a3b5e7ea",
        ("secondary-mmu", "contract"),
        MEDIUM,
        culprits=("page_make_device_exclusive_one", "make_device_exclusive"),
    ),
    Bug(
        "devexcl-split-notifier-owner-livelock",
        "a driver that waits for no invalidation hears of its own split each time",
        "hazard: owner of split_huge_pmd_address()",
        ("livelock",),
        MEDIUM,
        culprits=(
            "make_device_exclusive",
            "get_user_pages",
            "split_huge_pmd",
            "nouveau_atomic_range_fault",
        ),
    ),
    Bug(
        "migratevma-collect-split-drops-unflushed",
        "entries that were taken out are not flushed when a large folio is split in between",
        "mm/migrate_device.c:migrate_vma_collect_pmd()",
        ("stale-tlb", "memory-value", "use-after-free"),
        HARD,
        culprits=("migrate_vma_collect_pmd", "migrate_vma_split_folio"),
        versions=(("7.2", ""),),
        departure="the page table lock is dropped for a split with entries cleared and not flushed",
        undisclosed=True,
    ),
    Bug(
        "migratevma-collect-restarts-at-start",
        "after a split, pages are collected that have been collected before",
        "mm/migrate_device.c:migrate_vma_collect_pmd()",
        ("kernel-assertion", "contract", "memory-value"),
        HARD,
        culprits=("migrate_vma_collect_pmd",),
        versions=(("7.2", ""),),
        departure="what is none or huge when a split is over is collected from the first page on",
        undisclosed=True,
    ),
    Bug(
        "split-vma-copies-flags-early",
        "a VMA is copied for a split while another thread may still set a flag of it",
        "mm/vma.c:__split_vma()",
        ("state",),
        MEDIUM,
        culprits=("split_vma",),
        versions=(("6.19", ""),),
        departure="vm_area_dup() comes before vma_start_write(): VM_MAYBE_GUARD, set under "
        "the VMA's read lock, can come in between and is then missing in one of the parts",
        undisclosed=True,
    ),
    Bug(
        "vma-merge-copies-flags-early",
        "a VMA is merged with its neighbour while another thread may still set a flag of it",
        "mm/vma.c:vma_merge_existing_range()",
        ("state",),
        MEDIUM,
        culprits=("vma_merge_existing_range", "guard_install_set_pte", "split_vma"),
        versions=(("6.19", ""),),
        departure="the sticky flags of the VMA in the middle are taken before vma_start_write(): "
        "VM_MAYBE_GUARD, set under the VMA's read lock, is then missing in the merged one",
        undisclosed=True,
    ),
    Bug(
        "vma-flags-reset-early",
        "a VMA gets the flags that it had, with a change, before its readers were gone",
        "mm/mprotect.c:mprotect_fixup()",
        ("state",),
        MEDIUM,
        culprits=("mprotect_fixup", "mlock_fixup", "madvise_update_vma", "guard_install_set_pte"),
        versions=(("6.19", ""),),
        departure="new flags are made from those that were seen before vma_start_write(): "
        "VM_MAYBE_GUARD, set under the VMA's read lock meanwhile, is gone",
        undisclosed=True,
    ),
    Bug(
        "mremap-merges-userfaultfd",
        "mremap() to beside another part of a registered mapping ends that part's registration",
        "mm/vma.c:vma_merge_copied_range()",
        ("state", "uffd-missed", "uffd-wp-bypass"),
        EASY,
        culprits=("change_pte_range", "copy_vma", "move_vma"),
        versions=(("6.1", "6.12.118"), ("6.13", "7.3")),
        departure="the copy is merged with its neighbour before mremap_userfaultfd_prep() drops "
        "the userfaultfd of the VMA that it is in",
    ),
    Bug(
        "pvmw-device-private-pmd",
        "a migration ends at another folio's huge entry of device memory",
        "CVE-2026-68163 f84ca9b1888d",
        ("secondary-mmu", "mapcount", "refcount", "accounting", "anon-exclusive", "memory-value"),
        MEDIUM,
        culprits=("page_vma_mapped_walk", "remove_migration_pmd", "remove_migration_pte"),
    ),
    Bug(
        "split-huge-pmd-derefs-migration-entry",
        "who splits a folio takes another one's PMD migration entry for a huge page",
        "CVE-2025-37958 be6e843fc51a",
        ("kernel-assertion",),
        MEDIUM,
        culprits=("split_huge_pmd_locked",),
    ),
    Bug(
        "migratevma-split-unmapped-one-mm",
        "a huge page that two processes have is split under the entry of one of them",
        "mm/migrate_device.c:migrate_vma_split_unmapped_folio()",
        ("rmap", "kernel-assertion"),
        HARD,
        culprits=("migrate_vma_split_unmapped_folio", "set_pmd_migration_entry"),
        versions=(("7.2", ""),),
        departure="PMD migration entries of other processes are not split with the folio",
        undisclosed=True,
    ),
    Bug(
        "clear-refs-skips-device-pmd",
        "a huge page of device memory stays soft-dirty",
        "fs/proc/task_mmu.c:clear_soft_dirty_pmd()",
        ("contract", "soft-dirty"),
        EASY,
        culprits=("clear_soft_dirty_pmd", "clear_soft_dirty", "clear_refs_pte_range"),
        versions=(("7.2", ""),),
        departure="clear_refs clears the bit of present huge entries and of migration entries only",
        undisclosed=True,
    ),
    Bug(
        "mthp-collapse-loses-soft-dirty",
        "a collapse in memory that has become read-only forgets that pages were modified",
        "mm/memory.c:map_anon_folio_pte_nopf()",
        ("soft-dirty",),
        MEDIUM,
        culprits=("map_anon_folio_pte_nopf", "collapse_huge_page"),
        versions=(("7.2", ""),),
        departure="entries of smaller folios are made dirty only where the VMA may be written",
        undisclosed=True,
    ),
    Bug(
        "migratevma-split-folio-no-ref",
        "migrate_vma_collect_pmd() splits a folio that may be freed by then",
        "mended in 7.3: migrate_vma_split_folio() consumes a reference",
        ("refcount", "use-after-free"),
        MEDIUM,
        culprits=("migrate_vma_split_folio", "migrate_vma_collect_pmd"),
        versions=(("7.2", "7.3"),),
    ),
    Bug(
        "migration-loses-young-dirty",
        "a migration forgets that a page was written to",
        "2e3468778dbe",
        ("dirty-loss",),
        EASY,
        culprits=("try_to_migrate_one", "migrate_vma_collect_pmd", "remove_migration_pte"),
    ),
    Bug(
        "madv-dontneed-vs-madv-free-thp",
        "MADV_DONTNEED passes by a huge page that MADV_FREE has taken out for a moment",
        "58ceeb6bec86",
        ("memory-value",),
        EASY,
        culprits=("madvise_free_huge_pmd",),
    ),
    Bug(
        "devexcl-tail-page-rmap-walk",
        "the rmap of a tail page finds nothing: the CPU keeps what the device has exclusively",
        "review of b756a3b5e7ea",
        ("rmap", "kernel-assertion", "contract"),
        EASY,
        culprits=("make_device_exclusive", "page_make_device_exclusive_one"),
    ),
    Bug(
        "devexcl-pmd-mapped-thp-not-split",
        "a huge page that is not split never becomes exclusive",
        "review of b756a3b5e7ea",
        ("anon-exclusive", "permission", "kernel-assertion", "livelock"),
        MEDIUM,
        culprits=("make_device_exclusive",),
    ),
    Bug(
        "mremap-leaves-uffd-wp",
        "what mremap() moves out of a registered VMA stays write-protected for userfaultfd",
        "CVE-2025-21696 0cef0bb836e3",
        ("state", "kernel-assertion"),
        EASY,
        culprits=("move_ptes", "move_huge_pmd", "move_normal_pmd"),
    ),
    Bug(
        "uffd-wp-fork-special-cases",
        "a child without userfaultfd has entries that are write-protected for one",
        "CVE-2023-4732 8f34f1eac382",
        ("state", "uffd-wp-bypass"),
        EASY,
        culprits=(
            "copy_present_pte",
            "copy_nonpresent_pte",
            "copy_huge_pmd",
            "copy_huge_non_present_pmd",
        ),
    ),
    Bug(
        "uffd-close-leaves-wp",
        "closing a userfaultfd leaves what it has write-protected as it is",
        "CVE-2024-36881 c88033efe9a3",
        ("state",),
        EASY,
        culprits=("userfaultfd_release_all", "userfaultfd_clear_vma", "change_pte_range"),
    ),
    Bug(
        "uffd-reregister-leaves-wp",
        "memory that is registered again for less stays write-protected",
        "mm/userfaultfd.c:userfaultfd_register()",
        ("state",),
        EASY,
        culprits=("userfaultfd_register_range", "userfaultfd_register", "change_pte_range"),
        versions=(("6.1", "7.3"),),
    ),
    Bug(
        "migratevma-zero-page-loses-uffd-wp",
        "a driver gets a page of its own where the zero page was write-protected",
        "by reading 7.2",
        ("uffd-wp-bypass",),
        MEDIUM,
        culprits=("migrate_vma_insert_page", "migrate_vma_collect_pmd"),
        versions=(("6.1", ""),),
        undisclosed=True,
    ),
    Bug(
        "huge-zero-unshare-loses-uffd-wp",
        "a pin gets a huge page of its own where the huge zero page was write-protected",
        "mm/huge_memory.c:do_huge_zero_wp_pmd()",
        ("uffd-wp-bypass",),
        EASY,
        culprits=("map_anon_folio_pmd", "do_huge_zero_wp_pmd"),
        versions=(("6.13", ""),),
        departure="the huge zero page is split first, and a small page keeps the bit in "
        "wp_page_copy(); Linux maps a new huge page, also for FAULT_FLAG_UNSHARE, without it",
        undisclosed=True,
    ),
    Bug(
        "migratevma-huge-zero-loses-uffd-wp",
        "a driver gets a huge page of its own where the huge zero page was write-protected",
        "mm/migrate_device.c:migrate_vma_insert_huge_pmd_page()",
        ("uffd-wp-bypass",),
        EASY,
        culprits=("migrate_vma_insert_huge_pmd_page",),
        versions=(("6.19", ""),),
        departure="the new huge entry keeps the bit of the huge zero page that it takes the "
        "place of; in Linux it does not",
        undisclosed=True,
    ),
    Bug(
        "mremap-revert-allocates",
        "a move that runs out of memory runs out of it again on its way back",
        "mm/mremap.c:copy_vma_and_data()",
        ("memory-value",),
        HARD,
        culprits=("copy_vma_and_data", "move_vma", "move_page_tables"),
        versions=(("6.1", ""),),
        departure="entries are moved back one page table after the other, and where the range "
        "begins with one that was never there it is allocated: what could not be moved back is "
        "unmapped with the copy",
        undisclosed=True,
    ),
    Bug(
        "split-file-pmd-none-before-flush",
        "MADV_DONTNEED finds nothing where a huge page of a file is split and not flushed yet",
        "mm/huge_memory.c:__split_huge_pmd_locked()",
        ("stale-tlb",),
        MEDIUM,
        culprits=("split_file_pmd", "split_huge_pmd_locked"),
        versions=(("6.1", ""),),
        departure="pmdp_huge_clear_flush() clears before it flushes, and zap_pmd_range() looks "
        "without the lock: it goes on, and returns, while other CPUs have the translation",
        undisclosed=True,
    ),
    Bug(
        "shmem-fault-keeps-page-behind-end",
        "a fault that comes too late makes fallocate() keep a page behind the end of the file",
        "mm/shmem.c:shmem_get_folio_gfp()",
        ("page-cache",),
        HARD,
        culprits=("shmem_get_folio_gfp", "shmem_undo_range", "shmem_alloc_folio"),
        versions=(("6.1", ""),),
        departure="the page is cleared and uptodate before i_size is looked at again; a fallocate "
        "that fails leaves such pages, and this one stays behind the end",
        undisclosed=True,
    ),
    Bug(
        "gup-unshare-maps-file-pmd",
        "a long-term pin of a huge page of a private file mapping splits and maps it for ever",
        "mm/memory.c:do_read_fault()",
        ("livelock",),
        MEDIUM,
        culprits=("get_user_pages", "follow_pmd_mask", "do_set_pmd", "split_file_pmd"),
        versions=(("6.2", ""),),
        departure="FAULT_FLAG_UNSHARE splits the PMD entry of a file, and the read fault that "
        "follows maps the huge page again, which only a fatal signal ends",
        undisclosed=True,
    ),
    Bug(
        "pt-reclaim-unlinks-before-flush",
        "an emptied page table is unlinked while its pages count as mapped and CPUs still write",
        "mm/memory.c:zap_pte_range()",
        ("page-cache", "dirty-loss", "stale-tlb"),
        MEDIUM,
        culprits=("zap_pte_range", "try_get_and_clear_pmd", "page_cache_delete"),
        versions=(("6.14", ""),),
        departure="walkers that find no page table do not wait for the flush that its lock stands "
        "for: truncation removes pages that still count as mapped",
        undisclosed=True,
    ),
    Bug(
        "shmem-undo-range-spins",
        "a truncation goes round for ever over a pinned huge page that a collapse put in its way",
        "mm/shmem.c:shmem_undo_range()",
        ("livelock",),
        HARD,
        culprits=("shmem_undo_range", "folio_zero_range", "find_get_entry", "split_folio"),
        versions=(("5.17", ""),),
        departure="a huge page in which the file ends, and which cannot be split, is looked for "
        "again until it is gone, though only its end may go",
        undisclosed=True,
    ),
    Bug(
        "collapse-pte-mapped-lets-markers-in",
        "guard markers are freed with the page table that a collapse takes away",
        "mm/khugepaged.c:try_collapse_pte_mapped_thp()",
        ("use-after-free",),
        MEDIUM,
        culprits=("try_collapse_pte_mapped_thp",),
        versions=(("6.15", ""),),
        departure="the page table's lock is dropped between the last look at the entries and the "
        "removal of the table: MADV_GUARD_INSTALL puts its markers in",
        undisclosed=True,
    ),
    Bug(
        "migratevma-split-fault-folio-late",
        "a page that a fault brings back has no reference for a moment after its folio was split",
        "mm/migrate_device.c:migrate_vma_split_folio()",
        ("refcount", "use-after-free"),
        MEDIUM,
        culprits=("migrate_vma_split_folio", "migrate_vma_collect_pmd"),
        versions=(("7.2", ""),),
        departure="split_folio() leaves lock and reference with the head; the folio of the page "
        "gets its own only then, and another fault can bring the page back meanwhile",
        undisclosed=True,
    ),
    Bug(
        "device-pmd-none-while-migrating",
        "a huge page in device memory is not there for a moment while it is migrated",
        "mm/huge_memory.c:set_pmd_migration_entry()",
        ("memory-value", "stale-tlb"),
        MEDIUM,
        culprits=("set_pmd_migration_entry",),
        versions=(("6.19", ""),),
        departure="an entry of device memory is cleared before the migration entry is set: "
        "zap_pmd_range(), which looks without the lock, finds none, and MADV_DONTNEED returns with "
        "the page still there",
        undisclosed=True,
    ),
    Bug(
        "uffd-unregister-vma-not-locked",
        "a page is filled write-protected while its VMA's write protection is being ended",
        "mm/userfaultfd.c:userfaultfd_clear_vma()",
        ("state",),
        MEDIUM,
        culprits=("mfill_atomic_install_pte", "userfaultfd_clear_vma"),
        versions=(("6.12", ""),),
        departure="the bits are taken out before vma_start_write(), so that UFFDIO_COPY under the "
        "VMA's lock can set one behind it, in a VMA that is registered no more",
        undisclosed=True,
    ),
    Bug(
        "unmap-loses-file-soft-dirty",
        "a page of a file that the kernel unmaps by itself comes back as if it were unmodified",
        "mm/rmap.c:try_to_unmap_one(), mm/khugepaged.c:try_collapse_pte_mapped_thp()",
        ("soft-dirty",),
        MEDIUM,
        culprits=("try_to_unmap_one", "try_collapse_pte_mapped_thp", "do_set_pmd", "set_pte_range"),
        versions=(("6.1", ""),),
        departure="the entry of a file's page is dropped with its soft-dirty bit when the kernel "
        "takes it out to collapse or split the page; neither the VMA nor a marker keeps it",
        undisclosed=True,
    ),
    Bug(
        "migratevma-zero-page-loses-soft-dirty",
        "a driver gets a page of its own where the zero page stood for modified data",
        "mm/migrate_device.c:migrate_vma_insert_page()",
        ("soft-dirty",),
        MEDIUM,
        culprits=("migrate_vma_insert_page",),
        versions=(("6.12.56", "6.13"), ("6.18", "")),
        departure="a split that puts the zero page in keeps the soft-dirty bit since 9658d698a8a8; "
        "the entry of a page that a driver gets in its place does not",
        undisclosed=True,
    ),
    Bug(
        "uffd-mfill-racy-pmd-check",
        "UFFDIO_COPY takes a huge page that has come meanwhile for a page table",
        "CVE-2024-46787 71c186efc1b2",
        ("kernel-assertion", "use-after-free"),
        MEDIUM,
        culprits=("mfill_atomic", "mfill_establish_pmd"),
    ),
    Bug(
        "collapse-anon-fills-uffd-armed-hole",
        "a collapse fills a hole that has been registered since the scan",
        "rule of __collapse_huge_page_isolate()",
        ("uffd-missed",),
        EASY,
        culprits=(
            "collapse_huge_page_isolate",
            "collapse_huge_page_copy_succeeded",
            "collapse_max_ptes_none",
        ),
    ),
    Bug(
        "uffd-release-merge-oom",
        "closing a userfaultfd uses the error of a merge without memory as a VMA",
        "CVE-2025-37760 41e6ddcaa0f1",
        ("kernel-assertion", "use-after-free"),
        MEDIUM,
        culprits=("userfaultfd_clear_vma", "userfaultfd_release_all", "vma_merge_existing_range"),
    ),
    Bug(
        "devexcl-entry-loses-softdirty-uffdwp",
        "a page that becomes exclusive to a device is no longer soft-dirty",
        "hazard",
        ("dirty-loss", "soft-dirty"),
        EASY,
        culprits=("make_device_exclusive",),
    ),
    Bug(
        "devexcl-mapcount-dropped-while-entry-live",
        "a page that a device has exclusively counts as mapped by nobody",
        "f495bd7e0d9b",
        ("mapcount", "livelock", "kernel-assertion"),
        EASY,
        culprits=("make_device_exclusive",),
    ),
    Bug(
        "devexcl-restore-without-notify",
        "a CPU takes an exclusive page back, and the device is not told",
        "hazard",
        ("secondary-mmu",),
        EASY,
        culprits=("restore_exclusive_pte", "remove_device_exclusive_entry"),
    ),
    Bug(
        "tlb-huge-and-small-at-once",
        "a CPU caches a huge and a small translation of one page while a PMD is split",
        "erratum 383; pmdp_invalidate() in __split_huge_pmd_locked()",
        ("stale-tlb",),
        MEDIUM,
        culprits=("split_huge_pmd_locked",),
    ),
    Bug(
        "collapsefile-fills-hole-under-uffd-missing",
        "a collapse of a file fills holes that userfaultfd waits for",
        "ac492b9c70ca",
        ("uffd-missed",),
        MEDIUM,
        culprits=("collapse_file",),
        versions=(("6.1", "6.4"),),
    ),
    Bug(
        "collapsefile-uffd-check-first-index-only",
        "a collapse asks only the mappings of its first page whether userfaultfd waits",
        "review of the mm/khugepaged series on userfaultfd and holes (2023)",
        ("uffd-missed",),
        MEDIUM,
        culprits=("collapse_file",),
    ),
    Bug(
        "collapsefile-uffd-check-vs-register-race",
        "a collapse asks for userfaultfds before it hides the holes from them",
        "what the changelog of ac492b9c70ca argues about order",
        ("uffd-missed",),
        HARD,
        culprits=("collapse_file",),
    ),
    Bug(
        "collapsefile-retry-entries-with-lock-dropped",
        "a collapse drops the lock of the page cache while retry entries fill its holes",
        "review of the mm/khugepaged series on userfaultfd and holes (2023)",
        ("livelock",),
        MEDIUM,
        culprits=("collapse_file",),
    ),
    Bug(
        "collapsefile-hole-filled-after-scan",
        "a huge page takes the place of a page that filled a hole after it was counted",
        "what ac492b9c70ca counts again",
        ("page-cache",),
        MEDIUM,
        culprits=("collapse_file",),
    ),
    Bug(
        "collapsefile-errno-semantics",
        "MADV_COLLAPSE asks to be tried again where userfaultfd forbids it for good",
        "what the changelog of ac492b9c70ca promises",
        ("contract",),
        EASY,
        culprits=("madvise_collapse",),
    ),
    Bug(
        "collapsefile-transient-state-visible",
        "a collapse that fails shows data in holes for a while",
        "ac492b9c70ca",
        ("page-cache",),
        MEDIUM,
        culprits=("collapse_file",),
    ),
    Bug(
        "collapsefile-rollback-leaks",
        "a collapse that fails leaves pages and blocks charged to the file",
        "like aaa52e340073, 2af8ff291848, 91a45f71078a",
        ("accounting", "page-cache"),
        MEDIUM,
        culprits=("collapse_file", "shmem_evict_inode"),
    ),
    Bug(
        "collapsefile-conflicting-xas-store",
        "the huge page of a collapse that fails stays in the holes of the page cache",
        "2ce0bdfebc74 merged with ac492b9c70ca",
        ("page-cache",),
        MEDIUM,
        culprits=("collapse_file",),
    ),
    Bug(
        "collapsefile-not-uptodate-hides-data",
        "data is a hole to lseek() while its page is collapsed",
        "a2e17cc2efc7",
        ("page-cache",),
        EASY,
        culprits=("collapse_file",),
    ),
    Bug(
        "retract-drops-uffd-wp-markers",
        "a page table with markers of userfaultfd goes when its file becomes huge",
        "deb4c93a9871",
        ("uffd-wp-bypass", "use-after-free"),
        EASY,
        culprits=("retract_page_tables",),
    ),
    Bug(
        "retract-drops-poison-markers",
        "pages that user space has said are lost come back when their file becomes huge",
        "mm/khugepaged.c:file_backed_vma_is_retractable()",
        ("use-after-free",),
        EASY,
        culprits=("retract_page_tables",),
        versions=(("6.6", ""),),
        departure="UFFDIO_POISON leaves markers that no flag of the VMA tells of: the page table "
        "with them goes as if it were empty, and the next access finds the page of the file",
        undisclosed=True,
    ),
    Bug(
        "uffd-wp-vs-exit-mmap",
        "UFFDIO_WRITEPROTECT walks memory that exits meanwhile",
        "CVE-2021-47461; cb185d5f1ebf",
        ("use-after-free",),
        EASY,
        culprits=("userfaultfd_writeprotect", "mwriteprotect_range", "free_pgtables"),
    ),
    Bug(
        "guard-install-spins-on-markers",
        "guards never come where userfaultfd has write-protected what a file maps nothing at",
        "mm/madvise.c:guard_install_pte_entry()",
        ("livelock",),
        EASY,
        culprits=("madvise_guard_install", "guard_install_pte_entry", "zap_nonpresent_pte"),
        versions=(("6.15", ""),),
        departure="a marker of userfaultfd's counts as populated, and no zap but that of munmap() "
        "takes it out of a mapping of a file: the call starts again for ever, until a signal",
        undisclosed=True,
    ),
    Bug(
        "retract-anon-vma-race",
        "a page table with private copies goes, for it was looked at before the lock was taken",
        "CVE-2023-52935; 023f47a8250c",
        ("use-after-free", "memory-value", "mapcount", "accounting"),
        HARD,
        culprits=("retract_page_tables",),
    ),
    Bug(
        "mremap-move-pmd-vs-retract",
        "mremap() moves a page table that a collapse has just taken away",
        "CVE-2024-50066; 6fa1066fc5d0",
        ("kernel-assertion",),
        MEDIUM,
        culprits=("move_normal_pmd",),
    ),
    Bug(
        "split-drop-eof-wrong-refs",
        "of a large folio behind the end of a split file one reference is dropped, not all",
        "CVE-2025-22000; 14efb4793519",
        ("leak",),
        EASY,
        culprits=("folio_freeze_and_split_unmapped", "split_folio"),
    ),
    Bug(
        "swp-exclusive-bit-fork",
        "fork() shares a page in swap and leaves parent and child their swap entries exclusive",
        "a rule of 1493a1913e34",
        ("anon-exclusive", "memory-value"),
        EASY,
        culprits=("copy_nonpresent_pte", "copy_swap_pte"),
    ),
    Bug(
        "pinned-page-added-to-swapcache",
        "reclaim puts pages into the swap cache that may be pinned, and unmaps them",
        "feb889fb40fa",
        ("pin",),
        EASY,
        culprits=("shrink_folio_list", "try_to_unmap_one"),
    ),
    Bug(
        "mprotect-vs-batched-unmap",
        "mprotect() does not flush what reclaim has taken away and left unflushed",
        "3ea277194daa",
        ("stale-tlb", "permission"),
        MEDIUM,
        culprits=("change_pte_range", "try_to_unmap_one"),
    ),
    Bug(
        "madvise-relock-no-batched-flush",
        "madvise() flushes what reclaim has left unflushed, but not again after it had to split",
        "383c4613c67c",
        ("stale-tlb",),
        HARD,
        culprits=(
            "madvise_free_pte_range",
            "madvise_cold_or_pageout_pte_range",
            "try_to_unmap_one",
        ),
    ),
    Bug(
        "lazyfree-batch-restore-writable",
        "entries of a large lazyfree folio that are put back are all as writable as the first",
        "CVE-2026-31398; 29f40594a281",
        ("anon-exclusive", "soft-dirty"),
        MEDIUM,
        culprits=("folio_unmap_pte_batch", "try_to_unmap_one"),
    ),
    Bug(
        "lazyfree-batch-nr-pages-stale",
        "a single entry of a large lazyfree folio counts for as many as the batch before it",
        "CVE-2026-63950; 3f8968e9cbf9",
        ("mapcount", "refcount", "accounting"),
        MEDIUM,
        culprits=("try_to_unmap_one",),
    ),
    Bug(
        "unuse-pte-loses-bits",
        "swapoff() forgets that a page was modified or write-protected",
        "14a762dd1977",
        ("soft-dirty", "uffd-wp-bypass"),
        EASY,
        culprits=("unuse_pte",),
    ),
    Bug(
        "zram-slot-free-notify",
        "the device frees what it holds when it has been read once, though others will ask for it",
        "CVE-2022-49052; e914d8f00391",
        ("memory-value", "dirty-loss"),
        MEDIUM,
        culprits=("swap_read_folio", "remove_mapping", "end_swap_bio_read", "do_swap_page"),
    ),
    Bug(
        "swapin-skip-cache-aba",
        "a swap-in without the swap cache maps what it has read from a slot that was used again",
        "CVE-2024-26759; 13ddaf26be32",
        ("memory-value",),
        MEDIUM,
        culprits=("do_swap_page",),
    ),
    Bug(
        "pmd-modify-drops-dirty",
        "mprotect() of a huge page that was stored to takes its dirty bit away",
        "f7491d7c81db",
        ("dirty-loss", "memory-value"),
        EASY,
        culprits=("change_huge_pmd", "pmd_modify"),
    ),
)
BY_ID: Final = {bug.id: bug for bug in BUGS}


def in_kernel(version: str) -> list[str]:
    """The rows that Linux `version` has, by id; none for "", the mended model."""
    if not version:
        return []
    return [bug.id for bug in BUGS if bug.is_in(version)]


def apart(kernel: str, version: str) -> tuple[str, ...]:
    """What `bug=` must say beside `kernel=` for the model to have exactly the rows of Linux
    `version`, a full one."""
    here, there = in_kernel(kernel), in_kernel(version)
    more = [bug for bug in there if bug not in here]
    return tuple(sorted(more + [f"-{bug}" for bug in here if bug not in there]))


@final
class BugFlags:
    """Which known bugs this run's model has, one attribute for each."""

    def __init__(self) -> None:
        self.vmsplice_child_cow: bool = False
        self.do_wp_page_copies_pinned_page: bool = False
        self.gup_fast_vs_fork_cow: bool = False
        self.dirtycow_foll_write_dropped: bool = False
        self.clear_refs_wrprotect_pinned: bool = False
        self.softdirty_clear_no_flush: bool = False
        self.madv_dontneed_parallel_flush_miss: bool = False
        self.shootdown_skips_switching_cpu: bool = False
        self.mremap_merge_anon_vma_uaf: bool = False
        self.fork_parent_vma_not_locked: bool = False
        self.mmap_vma_visible_before_locked: bool = False
        self.expand_stack_vs_munmap_downgrade: bool = False
        self.migratevma_tlb_flush_after_ptl: bool = False
        self.migratevma_copy_before_flush: bool = False
        self.migratevma_anon_exclusive_gup_fast: bool = False
        self.migratevma_driver_assumes_success: bool = False
        self.device_private_fault_no_ref: bool = False
        self.device_private_fault_livelock: bool = False
        self.migratevma_nonpresent_pte_decode: bool = False
        self.migratevma_restore_stale_pte_on_pin: bool = False
        self.migrate_device_finalize_freed_to_lru: bool = False
        self.mremap_tlb_flush_late: bool = False
        self.collapsefile_fills_hole_under_uffd_missing: bool = False
        self.collapsefile_uffd_check_first_index_only: bool = False
        self.collapsefile_uffd_check_vs_register_race: bool = False
        self.collapsefile_retry_entries_with_lock_dropped: bool = False
        self.collapsefile_hole_filled_after_scan: bool = False
        self.collapsefile_errno_semantics: bool = False
        self.collapsefile_transient_state_visible: bool = False
        self.collapsefile_rollback_leaks: bool = False
        self.collapsefile_conflicting_xas_store: bool = False
        self.collapsefile_not_uptodate_hides_data: bool = False
        self.retract_anon_vma_race: bool = False
        self.mremap_move_pmd_vs_retract: bool = False
        self.split_drop_eof_wrong_refs: bool = False
        self.swp_exclusive_bit_fork: bool = False
        self.pinned_page_added_to_swapcache: bool = False
        self.mprotect_vs_batched_unmap: bool = False
        self.madvise_relock_no_batched_flush: bool = False
        self.lazyfree_batch_restore_writable: bool = False
        self.lazyfree_batch_nr_pages_stale: bool = False
        self.pmd_modify_drops_dirty: bool = False
        self.unuse_pte_loses_bits: bool = False
        self.zram_slot_free_notify: bool = False
        self.swapin_skip_cache_aba: bool = False
        self.mremap_move_pmd_no_rmap_lock: bool = False
        self.anon_page_in_file_mapping: bool = False
        self.mremap_dontunmap_locked_vm_partial: bool = False
        self.mmap_error_path_leaks_prepared_file: bool = False
        self.fork_migration_entry_stays_writable: bool = False
        self.killable_lock_failure_unlocks: bool = False
        self.procmap_error_path_double_mmput: bool = False
        self.vma_refcount_put_mm_freed: bool = False
        self.hmm_close_leaves_device_pages: bool = False
        self.test_hmm_close_skips_locked_pages: bool = False
        self.fork_early_cow_torn_snapshot: bool = False
        self.migration_restores_writable: bool = False
        self.device_private_loses_soft_dirty: bool = False
        self.test_hmm_leaves_pages_clean: bool = False
        self.test_hmm_maps_after_invalidation: bool = False
        self.tlb_huge_and_small_at_once: bool = False
        self.mthp_collapse_pmd_flush_other_vma: bool = False
        self.mthp_collapse_notifier_wrong_range: bool = False
        self.mthp_collapse_anon_vma_unlock_early: bool = False
        self.mthp_collapse_rollback_incomplete: bool = False
        self.mthp_collapse_gup_fast_race: bool = False
        self.mthp_collapse_max_ptes_none_creep: bool = False
        self.gup_fast_vs_thp_collapse: bool = False
        self.thp_mapcount_nonatomic_split: bool = False
        self.thp_split_zero_subpage_loses_bits: bool = False
        self.migration_entry_wait_tail: bool = False
        self.hmm_nonowner_private_not_faulted: bool = False
        self.devexcl_subpage_range_mismatch: bool = False
        self.devexcl_split_notifier_owner_livelock: bool = False
        self.migratevma_collect_split_drops_unflushed: bool = False
        self.migratevma_collect_restarts_at_start: bool = False
        self.pvmw_device_private_pmd: bool = False
        self.split_huge_pmd_derefs_migration_entry: bool = False
        self.migratevma_split_unmapped_one_mm: bool = False
        self.clear_refs_skips_device_pmd: bool = False
        self.mthp_collapse_loses_soft_dirty: bool = False
        self.split_vma_copies_flags_early: bool = False
        self.vma_merge_copies_flags_early: bool = False
        self.vma_flags_reset_early: bool = False
        self.mremap_merges_userfaultfd: bool = False
        self.migratevma_zero_page_loses_soft_dirty: bool = False
        self.mremap_revert_allocates: bool = False
        self.unmap_loses_file_soft_dirty: bool = False
        self.shmem_fault_keeps_page_behind_end: bool = False
        self.gup_unshare_maps_file_pmd: bool = False
        self.pt_reclaim_unlinks_before_flush: bool = False
        self.shmem_undo_range_spins: bool = False
        self.collapse_pte_mapped_lets_markers_in: bool = False
        self.split_file_pmd_none_before_flush: bool = False
        self.migratevma_split_fault_folio_late: bool = False
        self.device_pmd_none_while_migrating: bool = False
        self.uffd_unregister_vma_not_locked: bool = False
        self.migratevma_split_folio_no_ref: bool = False
        self.migration_loses_young_dirty: bool = False
        self.madv_dontneed_vs_madv_free_thp: bool = False
        self.devexcl_tail_page_rmap_walk: bool = False
        self.devexcl_pmd_mapped_thp_not_split: bool = False
        self.devexcl_entry_loses_softdirty_uffdwp: bool = False
        self.mremap_leaves_uffd_wp: bool = False
        self.uffd_wp_fork_special_cases: bool = False
        self.uffd_close_leaves_wp: bool = False
        self.uffd_reregister_leaves_wp: bool = False
        self.migratevma_zero_page_loses_uffd_wp: bool = False
        self.huge_zero_unshare_loses_uffd_wp: bool = False
        self.migratevma_huge_zero_loses_uffd_wp: bool = False
        self.retract_drops_uffd_wp_markers: bool = False
        self.retract_drops_poison_markers: bool = False
        self.uffd_wp_vs_exit_mmap: bool = False
        self.guard_install_spins_on_markers: bool = False
        self.uffd_mfill_racy_pmd_check: bool = False
        self.collapse_anon_fills_uffd_armed_hole: bool = False
        self.uffd_release_merge_oom: bool = False
        self.devexcl_mapcount_dropped_while_entry_live: bool = False
        self.devexcl_restore_without_notify: bool = False


def attribute(bug: Bug) -> str:
    """The attribute of `BugFlags` that switches a bug on."""
    return bug.id.replace("-", "_")


def set_bug(flags: BugFlags, bug: str) -> None:
    """Switch one bug on, or off for `-ID`. An unknown id is a ValueError that names the remedy."""
    ident = bug.removeprefix("-")
    if ident not in BY_ID:
        raise ValueError(f"unknown bug {ident!r}: `mmfarm bugs list` prints the known ones")
    if not BY_ID[ident].control:
        setattr(flags, ident.replace("-", "_"), ident == bug)


def _check() -> None:
    flags = BugFlags()
    for bug in BUGS:
        if not bug.control and not hasattr(flags, attribute(bug)):
            raise AssertionError(f"BugFlags has no attribute {attribute(bug)} for {bug.id}")
    if len(BY_ID) != len(BUGS):
        raise AssertionError("two rows of BUGS have one id")


_check()
