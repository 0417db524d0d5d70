# SPDX-License-Identifier: MIT
"""What the fixes of 25 known bugs say went wrong, as facts that a drawing of the bug must show.

Written from the messages of the commits named here: of the fix, or, of what was a hazard or is
not mended, of the commit whose rule it breaks. Names of frames and locks are those of the scenario
in corpus/known-bugs. Who races with whom, inside of which functions; the
window; what was read there, or not done; what was broken. A fact is one drawn line, in the order in
which they must stand: the actor, the function around it ("" for an op and for user code), and a
pattern. A bug without a race has the calls that lead to it.
"""

from dataclasses import dataclass
from typing import Final

T0, T1, T2, DEVICE = "T0", "T1", "T2", "DEVICE"
RW: Final = "rw dirty soft-dirty"  # of an anonymous page that was written
Line = tuple[str, str, str]


def window(actor: str, function: str, comes_in: str, to_come: str = ".*") -> Line:
    """Somebody comes in while `actor` is inside of `function`, which has not done something."""
    return actor, function, rf"\[{comes_in} comes in; to come: {to_come}\]"


@dataclass(frozen=True)
class Fact:
    """One bug: the commit that tells of it, the lines, the promise that was broken."""

    bug: str
    commit: str
    lines: tuple[Line, ...]
    promise: str


FACTS: Final = (
    # The TLB was flushed after the page table lock had been dropped: others see entries that are
    # no longer there, and return before the flush.
    Fact(
        "migratevma-tlb-flush-after-ptl",
        "60bae7370896",
        (
            (T0, "", "write 3.*"),
            (DEVICE, "migrate_vma_collect_pmd", rf"clears pte 3, was {RW}, frame 1"),
            (DEVICE, "migrate_vma_collect_pmd", "sets pte 3: a migration-write entry of frame 1"),
            (DEVICE, "migrate_vma_collect_pmd", "releases ptl 0"),
            window(DEVICE, "migrate_vma_collect_pmd", T1, "ptl dropped"),
            (T1, "zap_pte_range", "clears pte 3, was a migration-write entry of frame 1"),
            (T1, "tlb_flush_mmu", "nothing to flush"),
        ),
        r"madvise\(MADV_DONTNEED\) returned while a CPU may still use the old translation",
    ),
    # The entry must be gone before it is asked whether the page may be pinned.
    Fact(
        "migratevma-anon-exclusive-gup-fast",
        "6c287605fd56",
        (
            window(DEVICE, "migrate_vma_collect_pmd", T0, "clear pte"),
            (T0, "gup_fast_pte_range", rf"pte 3 is {RW}, frame 1"),
            (T0, "try_grab_folio_fast", r"reference on frame 1: pin, \d+ in all"),
        ),
        "page 3 was pinned although frame 1 may be shared",
    ),
    # Where the page turns out to be pinned the entry read at the top of the loop was put back, not
    # what clearing it returned: the dirty bit of a store in between was lost.
    Fact(
        "migratevma-restore-stale-pte-on-pin",
        "fd35ca3d12cc",
        (
            (T0, "", "pin p0 0 w.*"),
            window(DEVICE, "migrate_vma_collect_pmd", T0, "clear pte"),
            (T0, "", "stores 2 to page 0, frame 1"),
            (DEVICE, "migrate_vma_collect_pmd", rf"clears pte 0, was {RW}, frame 1"),
            (DEVICE, "migrate_vma_collect_pmd", "sets pte 0: rw soft-dirty, frame 1"),
        ),
        "the dirty bit of page 0 is lost",
    ),
    # migrate_vma_setup() is best effort; a driver that goes on as if it had succeeded maps its
    # own page beside the one that a fault has put there.
    Fact(
        "migratevma-driver-assumes-success",
        "8763cb45ab96",
        (
            window(DEVICE, "pte_offset_map_lock", T0),
            (T0, "handle_pte_fault", "pte 3 is none"),
            (T0, "do_anonymous_page", rf"sets pte 3: {RW}, frame 2"),
            (T0, "", "stores 2 to page 3, frame 2"),
            (DEVICE, "migrate_device_finalize", "drops a reference on device page 0: .*, 0 left"),
        ),
        "device page 0 was freed while the device still maps it at page 3",
    ),
    # The device may copy only when no CPU can store any more: "flush before we access the pages".
    Fact(
        "migratevma-copy-before-flush",
        "fd35ca3d12cc",
        (
            (DEVICE, "migrate_vma_collect_pmd", rf"clears pte 3, was {RW}, frame 1"),
            window(DEVICE, "migrate_vma_pages", T0),
            (T0, "", "stores 2 to page 3, frame 1 through the stale translation that op 2 brought"),
            (
                DEVICE,
                "remove_migration_pte",
                "pte 3: a migration-write entry of frame 1 becomes a "
                "device-write entry of device page 0",
            ),
        ),
        "frame 1 was freed while a CPU may still translate page 3 to it",
    ),
    # pte_dirty() and pte_pfn() of an entry that is not present.
    Fact(
        "migratevma-nonpresent-pte-decode",
        "fd35ca3d12cc",
        (
            (DEVICE, "remove_migration_pte", ".* becomes a device-write entry of device page 0"),
            (T0, "", "read 0"),
            (T0, "", "pte 0 is a device-write entry of device page 0"),
            (T0, "do_user_addr_fault", "page fault at 0"),
            (
                T0,
                "migrate_vma_collect_pmd",
                "clears pte 0, was a device-write entry of device page 0",
            ),
            (T0, "", r"\*\*\* kernel-assertion in migrate_vma_collect_pmd\(\) \*\*\*"),
        ),
        r"pte_dirty\(\) of an entry that is not present",
    ),
    # GUP broke COW, forgot that it wanted to write, and met the page cache's page on its retry, for
    # MADV_DONTNEED had thrown the copy away.
    Fact(
        "dirtycow-foll-write-dropped",
        "19be0eaffa3a",
        (
            (T0, "do_cow_fault", "sets pte 1: ro dirty soft-dirty, frame 1"),
            window(T0, "get_user_pages", T1, "retry"),
            (T1, "zap_pte_range", "clears pte 1, was ro dirty soft-dirty, frame 1"),
            (T0, "handle_pte_fault", "pte 1 is none"),
            (T0, "filemap_map_pages", "sets pte 1: ro, frame 2"),
            (T0, "follow_page_pte", r"reference on frame 2: gup, \d+ in all"),
        ),
        "a forced write to the private or read-only mapping at page 1 goes into the file",
    ),
    # The parent's fault found one mapping left and wrote into the page that the child reads through
    # its pipe.
    Fact(
        "vmsplice-child-cow",
        "17839856fd58",
        (
            (T0, "", "fork T1.*"),
            (T1, "", "vmsplice p0 3.*"),
            (T1, "", "munmap 0..8.*"),
            (T0, "handle_pte_fault", "pte 3 of mm0 is ro dirty soft-dirty, frame 1"),
            (T0, "wp_page_reuse", ".*, frame 1 becomes rw dirty soft-dirty, frame 1"),
            (T0, "", "stores 2 to page 3, frame 1"),
        ),
        "which another process has put into a pipe",
    ),
    # A count above one made a write fault copy a page that was exclusive and pinned.
    Fact(
        "do-wp-page-copies-pinned-page",
        "09854ba94c6a",
        (
            (T0, "", "pin p0 3 r.*"),
            (T0, "handle_pte_fault", "pte 3 of mm0 is ro dirty soft-dirty, frame 1"),
            (T0, "wp_page_copy", "clears pte 3 of mm0, was .*, frame 1"),
            (T0, "wp_page_copy", rf"sets pte 3 of mm0: {RW}, frame 2"),
        ),
        "frame 1 is pinned as page 3, which no longer maps it",
    ),
    # clear_refs write-protected a page that was pinned.
    Fact(
        "clear-refs-wrprotect-pinned",
        "9348b73c2e1b",
        (
            (T0, "", "pin p0 3 w.*"),
            (T0, "", "clear_refs soft-dirty"),
            (T0, "clear_soft_dirty", rf"clears pte 3, was {RW}, frame 1"),
            (T0, "clear_soft_dirty", "sets pte 3: ro dirty, frame 1"),
        ),
        "frame 1 is pinned as page 3 and lost its exclusivity",
    ),
    # fork() found the page not pinned and was about to write-protect it; gup_fast came between.
    Fact(
        "gup-fast-vs-fork-cow",
        "57efa1fe5957",
        (
            (T0, "copy_present_pte", r"reference on frame 1: mapping, \d+ in all"),
            window(T0, "copy_present_pte", T1, "wrprotect"),
            (T1, "gup_fast_pte_range", rf"pte 3 of mm0 is {RW}, frame 1"),
            (T1, "try_grab_folio_fast", r"reference on frame 1: pin, \d+ in all"),
        ),
        "page 3 was pinned although frame 1 may be shared",
    ),
    # move_ptes() dropped the lock before the flush: at the new place the page can be taken away
    # and freed while the old translation is cached.
    Fact(
        "mremap-tlb-flush-late",
        "eb66ae030829",
        (
            (T1, "", "read 0 = 1"),
            (T1, "move_ptes", "clears pte 0 of mm1, was ro dirty soft-dirty, frame 1"),
            (T1, "move_ptes", "sets pte 8 of mm1: ro dirty soft-dirty, frame 1"),
            (T1, "move_ptes", "releases ptl 1"),
            window(T1, "flush_tlb_mm_range", DEVICE),
            (DEVICE, "try_to_migrate_one", "clears pte 8 of mm1, was ro dirty soft-dirty, frame 1"),
            (DEVICE, "native_flush_tlb_multi", "CPU1 flushes mm1: pages 8..9"),
        ),
        "frame 1 was freed while a CPU may still translate page 0 to it",
    ),
    # Of two MADV_DONTNEED the second found nothing and returned before the first had flushed.
    Fact(
        "madv-dontneed-parallel-flush-miss",
        "99baac21e458",
        (
            (T1, "zap_pte_range", rf"clears pte 3, was {RW}, frame 1"),
            (T1, "zap_pte_range", "flush deferred"),
            window(T1, "tlb_finish_mmu", T2),
            (T2, "zap_pmd_range", "pmd 0 is none"),
            (T2, "tlb_flush_mmu", "nothing to flush"),
        ),
        r"madvise\(MADV_DONTNEED\) returned while a CPU may still use the old translation",
    ),
    # clear_refs took the bits away and flushed nothing.
    Fact(
        "softdirty-clear-no-flush",
        "912efa17e512",
        (
            (T0, "", "write 3.*"),
            (T0, "clear_soft_dirty", rf"clears pte 3, was {RW}, frame 1"),
            (T0, "clear_soft_dirty", "sets pte 3: ro dirty, frame 1"),
            (T0, "", r"\*\*\* soft-dirty in clear_refs_write\(\) \*\*\*"),
        ),
        "clear_refs returned while a CPU can still store to page 3 through its old translation",
    ),
    # A CPU that had decided not to flush, and had not yet said which mm it runs, got no IPI.
    Fact(
        "shootdown-skips-switching-cpu",
        "fea4e317f9e7",
        (
            window(T0, "switch_mm_irqs_off", T1, "load cr3"),
            (T1, "zap_pte_range", "clears pte 3 of mm0, was ro dirty soft-dirty, frame 1"),
            (T1, "flush_tlb_mm_range", "no IPI to CPU0"),
            (T1, "flush_tlb_mm_range", "CPU1 flushes mm0: pages 3..4"),
        ),
        "CPU0 runs user code again with a translation of page 3 that it should have flushed",
    ),
    # A page table moved without the rmap locks: the walk came to the new place before, and to the
    # old one after.
    Fact(
        "mremap-move-pmd-no-rmap-lock",
        "97113eb39fa7",
        (
            (DEVICE, "try_to_migrate_one", "sets pte 11 of mm1: a migration-read entry of frame 1"),
            window(T1, "move_page_tables", DEVICE),
            (DEVICE, "pte_offset_map_lock", "pmd 3 of mm1 is none"),
            window(DEVICE, "pte_offset_map_lock", T1),
            (T1, "move_normal_pmd", "moves the page table of page 8 to 24"),
            (DEVICE, "pte_offset_map_lock", "pmd 1 of mm1 is none"),
            (DEVICE, "", r"\*\*\* rmap in remove_migration_ptes\(\) \*\*\*"),
        ),
        r"rmap_walk\(\) of frame 1 missed its migration entry at page 27",
    ),
    # A faulted VMA was merged into one without an anon_vma, which did not get it.
    Fact(
        "mremap-merge-anon-vma-uaf",
        "61f67c230a5e",
        (
            (T0, "", "write 8.*"),
            (T0, "", "mmap 4..8 rw private anon.*"),
            (T0, "", "mremap 40..44 to 8"),
            (T0, "", r"\*\*\* rmap in move_vma\(\) \*\*\*"),
        ),
        "pages of the VMA at page 40 move into one that their anon_vma does not know",
    ),
    # The device's page was used after the lock was dropped, with no reference: another fault had
    # brought it back, and it was freed.
    Fact(
        "device-private-fault-no-ref",
        "16ce101db85d",
        (
            (T0, "", "pte 3 is a device-write entry of device page 0"),
            (T0, "do_swap_page", "releases ptl 0"),
            window(T0, "do_swap_page", T1, "migrate to ram"),
            (
                T1,
                "migrate_vma_collect_pmd",
                "clears pte 3, was a device-write entry of device page 0",
            ),
            (T1, "remove_migration_pte", ".* becomes rw soft-dirty, frame 1"),
            (T1, "", "loads 1 from page 3, frame 1"),
            (T0, "", r"\*\*\* use-after-free in dmirror_devmem_fault\(\) \*\*\*"),
        ),
        r"migrate_to_ram\(\) was called with device page 0, which has been freed",
    ),
    # Each fault had a reference that made the other's migration fail, again and again.
    Fact(
        "device-private-fault-livelock",
        "1afaeb8293c9",
        (
            window(T0, "do_swap_page", T1, "migrate to ram"),
            window(T1, "do_swap_page", T0, "migrate to ram"),
            (
                T0,
                "migrate_vma_collect_pmd",
                "clears pte 3, was a device-write entry of device page 0",
            ),
            (
                T1,
                "migrate_vma_collect_pmd",
                "clears pte 3, was a device-write entry of device page 0",
            ),
            (T0, "", r"\.\.\. 2 rounds more like this"),
            (T0, "", r"\*\*\* livelock \*\*\*"),
        ),
        "each undoes what the others need",
    ),
    # A folio whose contents had moved was put back on the LRU.
    Fact(
        "migrate-device-finalize-freed-to-lru",
        "41cddf83d8b0",
        (
            (DEVICE, "migrate_vma_collect_pmd", rf"clears pte 0, was {RW}, frame 1"),
            (DEVICE, "migrate_vma_collect_pmd", r"drops a reference on frame 1: mapping, \d+ left"),
            (DEVICE, "", r"\*\*\* state in migrate_device_finalize\(\) \*\*\*"),
        ),
        "frame 1 goes to the LRU after its contents have migrated",
    ),
    # Faults of the parent under the lock of the VMA went on while its pages were copied, before
    # the one flush at the end.
    Fact(
        "fork-parent-vma-not-locked",
        "fb49c455323f",
        (
            (
                T0,
                "copy_present_pte",
                rf"pte 3 of mm0: {RW}, frame 1 becomes ro dirty soft-dirty, .*",
            ),
            (T0, "copy_present_pte", "sets pte 3 of mm1: ro dirty soft-dirty, frame 1"),
            window(T0, "dup_mmap", T1, "flush"),
            (T1, "handle_pte_fault", "pte 3 of mm0 is ro dirty soft-dirty, frame 1"),
            (T1, "", r"\*\*\* memory-value in wp_page_copy\(\) \*\*\*"),
        ),
        "it was write-protected, not flushed, and nobody kept page faults out",
    ),
    # A new VMA could be found and faulted on before its flags were what they are.
    Fact(
        "mmap-vma-visible-before-locked",
        "33313a747e81",
        (
            (T0, "vm_mmap_pgoff", "takes mmap_lock 0 for write"),
            window(T0, "mmap_region", T1, "set flags"),
            (T1, "do_user_addr_fault", "page fault at 1"),
            (T1, "do_anonymous_page", "sets pte 1: ro, the zero page"),
            (T0, "", r"\*\*\* permission in mmap_region\(\) \*\*\*"),
        ),
        "page 1 is mapped with more rights than its VMA has",
    ),
    # munmap() goes on as a reader; a stack grew, as a reader, into what it had yet to free.
    Fact(
        "expand-stack-vs-munmap-downgrade",
        "246c320a8cfe",
        (
            (T1, "vm_munmap", "takes mmap_lock 0 for write"),
            (T1, "mmap_write_downgrade", "mmap_lock 0 downgraded to read"),
            window(T1, "tlb_gather_mmu", T0),
            (T0, "do_user_addr_fault", "page fault at 13"),
            (T0, "lock_mm_and_find_vma", "takes mmap_lock 0 for read"),
            (T0, "", r"\*\*\* use-after-free in expand_downwards\(\) \*\*\*"),
        ),
        r"a stack grew to page 13, into pages 8\.\.16 that munmap\(\) is still freeing",
    ),
    # A file without a fault method was taken for anonymous memory.
    Fact(
        "anon-page-in-file-mapping",
        "6b7339f4c31a",
        (
            (T0, "", "mmap 0..1 rw shared x0.*"),
            (T0, "do_user_addr_fault", "page fault at 0"),
            (T0, "", r"\*\*\* state in do_anonymous_page\(\) \*\*\*"),
        ),
        "an anonymous page is mapped at page 0, in a shared mapping",
    ),
    # fork() copied a pinned page whose parent's entry stayed writable.
    Fact(
        "fork-early-cow-torn-snapshot",
        "70e806e4e645",
        (
            (T1, "", "write 0.*"),
            (T0, "", "pin p0 0 w.*"),
            (T0, "", "fork T2"),
            (T0, "copy_present_pte", r"drops a reference on frame 1: mapping, \d+ left"),
            (T0, "", r"\*\*\* memory-value in copy_present_pte\(\) \*\*\*"),
        ),
        r"fork\(\) copies page 0 while another CPU can store to it",
    ),
)
