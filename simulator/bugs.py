# SPDX-License-Identifier: MIT
"""The known bugs: real historical mm bugs that the model can be asked to have again.

`config bug=ID` chooses the model, not the scenario. A mutation is one line at each place in
simulator/{mm,kernel,fs,machine,drivers} that tests `k.bug.<id with underscores>`. A new bug
is one row in `BUGS` and one attribute in `BugFlags`; a row without an attribute is an error of the
import. A negative control changes nothing.
"""

from dataclasses import dataclass
from typing import Final

from simulator.build.native import final

EASY: Final = "easy"
MEDIUM: Final = "medium"
HARD: Final = "hard"


@dataclass(frozen=True, slots=True)
class Bug:
    """One known bug. `oracles` are the names that may report it (one bug may have several
    signatures); `control` marks a negative control, which must stay silent."""

    id: str
    title: str
    commit: str
    oracles: tuple[str, ...]
    difficulty: str
    control: bool = False


BUGS: Final[tuple[Bug, ...]] = (
    Bug(
        "vmsplice-child-cow", "child reads the parent's new data through a vmspliced page",
        "CVE-2020-29374 17839856fd58", ("memory-value", "pin"), EASY,
    ),
    Bug(
        "do-wp-page-copies-pinned-page", "a write fault copies a page that is pinned for DMA",
        "09854ba94c6a 6c287605fd56", ("pin",), EASY,
    ),
    Bug(
        "gup-fast-vs-fork-cow", "pin_user_pages_fast() pins a page that fork() is sharing",
        "57efa1fe5957", ("anon-exclusive", "pin"), MEDIUM,
    ),
    Bug(
        "dirtycow-foll-write-dropped",
        "FOLL_FORCE write reaches the page cache of a private mapping",
        "CVE-2016-5195 19be0eaffa3a", ("permission",), MEDIUM,
    ),
    Bug(
        "clear-refs-wrprotect-pinned", "clear_refs write-protects a pinned page",
        "9348b73c2e1b", ("pin",), EASY,
    ),
    Bug(
        "softdirty-clear-no-flush", "clear_refs leaves writable translations in TLBs",
        "912efa17e512", ("soft-dirty",), EASY,
    ),
    Bug(
        "madv-dontneed-parallel-flush-miss",
        "a second MADV_DONTNEED returns before the first has flushed",
        "99baac21e458 56236a59556c 0a2dd266dd6b", ("stale-tlb",), EASY,
    ),
    Bug(
        "shootdown-skips-switching-cpu", "a shootdown skips a CPU that is switching to the mm",
        "CVE-2025-37964 fea4e317f9e7 CVE-2025-40174 83b0177a6c48", ("stale-tlb",), HARD,
    ),
    Bug(
        "mremap-merge-anon-vma-uaf", "mremap() merge forgets the anon_vma of the moved VMA",
        "CVE-2026-23077 61f67c230a5e", ("use-after-free", "rmap"), MEDIUM,
    ),
    Bug(
        "fork-parent-vma-not-locked", "fork() copies page tables of VMAs that can still fault",
        "fb49c455323f", ("anon-exclusive", "memory-value"), MEDIUM,
    ),
    Bug(
        "mmap-vma-visible-before-locked", "mmap() changes a VMA after lockless readers can find it",
        "33313a747e81 1c7873e33645 c137381f71ae", ("permission",), MEDIUM,
    ),
    Bug(
        "expand-stack-vs-munmap-downgrade",
        "a stack grows into a range that munmap() is still freeing",
        "CVE-2020-29369 246c320a8cfe", ("memory-value", "use-after-free"), MEDIUM,
    ),
    Bug(
        "migratevma-tlb-flush-after-ptl",
        "migrate_vma_collect_pmd() flushes after it dropped the lock",
        "60bae7370896", ("stale-tlb", "use-after-free"), MEDIUM,
    ),
    Bug(
        "migratevma-copy-before-flush", "a page is copied to the device before CPUs lost it",
        "hazard", ("stale-tlb", "memory-value"), MEDIUM,
    ),
    Bug(
        "migratevma-anon-exclusive-gup-fast",
        "migration checks for pins before GUP-fast is locked out",
        "6c287605fd56", ("anon-exclusive", "pin"), HARD,
    ),
    Bug(
        "migratevma-driver-assumes-success", "a driver maps pages that migrate_vma left behind",
        "hazard", ("memory-value", "contract"), EASY,
    ),
    Bug(
        "device-private-fault-no-ref", "a device page is freed under a CPU fault on it",
        "CVE-2022-3523 16ce101db85d", ("use-after-free",), MEDIUM,
    ),
    Bug(
        "device-private-fault-livelock",
        "faults on one device page keep each other from migrating it",
        "1afaeb8293c9", ("livelock",), MEDIUM,
    ),
    Bug(
        "migratevma-none-pte-stale-tlb",
        "negative control: stale store while an empty entry migrates",
        "hazard", ("stale-tlb",), MEDIUM, control=True,
    ),
)
BY_ID: Final = {bug.id: bug for bug in BUGS}


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


def attribute(bug: Bug) -> str:
    """The attribute of `BugFlags` that switches a bug on."""
    return bug.id.replace("-", "_")


def set_bug(flags: BugFlags, bug: str) -> None:
    """Switch one bug on. An unknown id is a ValueError that names the remedy."""
    if bug not in BY_ID:
        raise ValueError(f"unknown bug {bug!r}: `mmfarm bugs list` prints the known ones")
    if not BY_ID[bug].control:
        setattr(flags, attribute(BY_ID[bug]), True)


def _check() -> None:
    flags = BugFlags()
    for bug in BUGS:
        if not bug.control and not hasattr(flags, attribute(bug)):
            raise AssertionError(f"BugFlags has no attribute {attribute(bug)} for {bug.id}")
    if len(BY_ID) != len(BUGS):
        raise AssertionError("two rows of BUGS have one id")


_check()
