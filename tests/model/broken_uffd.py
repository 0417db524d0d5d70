# SPDX-License-Identifier: MIT
"""Pairs of what userfaultfd promises: no missing page comes by itself, nobody sleeps through a
wakeup, nothing is left of it."""

from typing import Any, Final

from simulator.fs import userfaultfd as calls
from simulator.mm import (
    anon_folio,
    collapse_control,
    collapse_file,
    huge_memory,
    memory,
    mfill,
    migrate,
    migrate_device,
    mprotect,
    split_huge_pmd,
    try_to_unmap,
    uffd_range,
    userfaultfd,
    vm_fault,
    zap,
)
from simulator.mm.mm_types import UserfaultfdCtx
from simulator.state import Kernel
from tests.model.broken import Pair, Patch

MISSING: Final = """\
1 T0 mmap 0..8 rw private anon
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..8 missing
"""
WAITS: Final = MISSING + "4 T0 read 2\n5 T1 uffd_read u0\n6 T1 uffd_zeropage u0 2..3\n"
PROTECTED: Final = """\
1 T0 mmap 0..8 rw private anon
2 T0 write 2
3 T0 userfaultfd u0
4 T0 uffd_register u0 0..8 wp
5 T0 uffd_writeprotect u0 0..8 wp
"""
PROTECTED_FILE: Final = """\
1 T0 memfd f0 8
2 T0 mmap 0..8 rw shared f0
3 T0 write 5
4 T0 userfaultfd u0 sigbus
5 T0 uffd_register u0 0..8 wp
6 T0 uffd_writeprotect u0 0..8 wp
"""
THP: Final = "config pmd_order=3 frames=64 thp=always\n"


def a_fault_does_not_ask(patch: Patch) -> None:
    patch.set(memory, "VM_UFFD_MISSING", 0)


def a_huge_fault_does_not_ask(patch: Patch) -> None:
    patch.set(huge_memory, "VM_UFFD_MISSING", 0)


def a_large_fault_does_not_ask(patch: Patch) -> None:
    patch.set(anon_folio, "VM_UFFD_FLAGS", 0)


def a_driver_does_not_ask(patch: Patch) -> None:
    patch.set(migrate_device, "VM_UFFD_MISSING", 0)


def a_collapse_fills_holes(patch: Patch) -> None:
    patch.set(collapse_control, "VM_UFFD_FLAGS", 0)


def a_collapse_of_a_file_does_not_ask(patch: Patch) -> None:
    patch.nothing(collapse_file, "userfaultfd_missing", False)


def sleeps_without_a_look(patch: Patch) -> None:
    patch.nothing(userfaultfd, "userfaultfd_must_wait", True)


def wakes_only_who_has_not_been_read(patch: Patch) -> None:
    def wake(k: Kernel, ctx: UserfaultfdCtx, start: int, end: int) -> None:
        read = ctx.fault
        ctx.fault = []
        original(k, ctx, start, end)
        ctx.fault = read

    original = userfaultfd.wake_queues
    patch.set(userfaultfd, "wake_queues", wake)


def keeps_the_context(patch: Patch) -> None:
    patch.nothing(userfaultfd, "userfaultfd_ctx_put")


def registers_nothing(patch: Patch) -> None:
    patch.nothing(uffd_range, "userfaultfd_register_range", 0)


def forgets_the_context(patch: Patch) -> None:
    def then(_k: Kernel, vma: Any, *_: Any) -> None:
        vma.uffd = None

    patch.after(userfaultfd, "userfaultfd_set_ctx", then)


def fills_nothing(patch: Patch) -> None:
    def done(_k: Kernel, _t: Any, fill: mfill.Mfill) -> int:
        pages: int = fill.end - fill.start
        return pages

    patch.set(mfill, "mfill_atomic", done)


def migration_forgets(patch: Patch) -> None:
    patch.set(migrate, "PTE_UFFD_WP", 0)


def splits_forget(patch: Patch) -> None:
    patch.set(split_huge_pmd, "PTE_UFFD_WP", 0)


def zaps_leave_no_markers(patch: Patch) -> None:
    patch.nothing(zap, "pte_install_uffd_wp_if_needed")


def unmapping_leaves_no_markers(patch: Patch) -> None:
    patch.nothing(try_to_unmap, "pte_install_uffd_wp_if_needed")


def faults_of_files_forget(patch: Patch) -> None:
    def mapped(*args: Any) -> None:
        original(*args[:-1], False)

    original: Any = vm_fault.set_pte_range
    patch.set(memory, "set_pte_range", mapped)


def poisons_nothing(patch: Patch) -> None:
    patch.nothing(mfill, "mfill_atomic_pte_poison", 0)


def faults_pass(patch: Patch) -> None:
    patch.set(memory, "PTE_UFFD_WP", 0)


def protects_nothing(patch: Patch) -> None:
    patch.nothing(mprotect, "change_protection", 0)


def closes_nothing(patch: Patch) -> None:
    patch.nothing(calls, "userfaultfd_release")


PAIRS: Final = (
    Pair(
        "faults-ask-user-space",
        "uffd-missed do_anonymous_page anon",
        MISSING + "4 T0 write 2\n",
        a_fault_does_not_ask,
    ),
    Pair(
        "huge-faults-ask-user-space",
        "uffd-missed map_anon_folio_pmd anon",
        THP + MISSING + "4 T0 write 2\n",
        a_huge_fault_does_not_ask,
    ),
    Pair(
        "large-faults-ask-user-space",
        "uffd-missed map_anon_folio_pte_nopf anon",
        "config pmd_order=3 frames=64 thp=always mthp=2\n"
        + "1 T0 mmap 0..4 rw private anon\n2 T0 userfaultfd u0\n"
        + "3 T0 uffd_register u0 0..4 missing\n4 T0 write 2\n",
        a_large_fault_does_not_ask,
    ),
    Pair(
        "drivers-leave-holes-to-user-space",
        "uffd-missed migrate_vma_insert_page anon",
        MISSING + "4 DEVICE migrate_to_device 2..3\n",
        a_driver_does_not_ask,
    ),
    Pair(
        "collapses-leave-holes-to-user-space",
        "uffd-missed collapse_huge_page_copy_succeeded anon",
        THP + MISSING + "4 T0 uffd_zeropage u0 0..1\n5 T0 write 0\n6 T0 madvise 0..8 COLLAPSE\n",
        a_collapse_fills_holes,
    ),
    Pair(
        "a-collapse-fills-no-hole-of-a-file",
        "uffd-missed collapse_file file",
        "1 T0 memfd f0 8\n2 T0 pwrite f0 5\n3 T0 mmap 0..8 rw shared f0\n4 T0 userfaultfd u0\n"
        "5 T0 uffd_register u0 0..8 missing\n6 T1 madvise 0..8 COLLAPSE\n",
        a_collapse_of_a_file_does_not_ask,
    ),
    Pair(
        "zaps-leave-markers",
        "uffd-wp-bypass zap_pte_range file",
        PROTECTED_FILE + "7 T0 madvise 5..6 DONTNEED\n",
        zaps_leave_no_markers,
    ),
    Pair(
        "unmapping-leaves-markers",
        "uffd-wp-bypass try_to_unmap_one file",
        PROTECTED_FILE + "7 T0 mmap 8..16 rw shared f0\n8 T0 madvise 8..16 COLLAPSE\n",
        unmapping_leaves_no_markers,
    ),
    Pair(
        "faults-look-at-markers",
        "uffd-wp-bypass finish_fault file",
        PROTECTED_FILE + "7 T0 read 4\n",
        faults_of_files_forget,
    ),
    Pair(
        "poison-poisons",
        "contract mfill_atomic_pte_poison pte",
        MISSING + "4 T0 uffd_poison u0 2..3\n",
        poisons_nothing,
    ),
    Pair(
        "waiters-look-again",
        "deadlock handle_userfault userfault",
        MISSING + "4 T0 read 2\n5 T1 uffd_zeropage u0 2..3\n@4 handle_userfault:queue#1 -> T1\n",
        sleeps_without_a_look,
    ),
    Pair(
        "all-waiters-are-woken",
        "deadlock wake_userfault userfault",
        WAITS,
        wakes_only_who_has_not_been_read,
    ),
    Pair("contexts-go", "leak new_userfaultfd uffd", MISSING, keeps_the_context),
    Pair("closing-releases", "leak new_userfaultfd uffd", MISSING, closes_nothing),
    Pair("registering-registers", "contract userfaultfd_set_ctx vma", MISSING, registers_nothing),
    Pair("flags-and-context-agree", "state userfaultfd_set_ctx vma", MISSING, forgets_the_context),
    Pair(
        "migration-keeps-write-protection",
        "uffd-wp-bypass remove_migration_pte anon",
        PROTECTED + "6 DEVICE migrate_to_device 2..3\n7 T0 read 2\n",
        migration_forgets,
    ),
    Pair(
        "splits-keep-write-protection",
        "uffd-wp-bypass split_huge_pmd_locked anon",
        THP + PROTECTED + "6 T0 madvise 0..4 DONTNEED\n",
        splits_forget,
    ),
    Pair(
        "stores-meet-write-protection",
        "uffd-wp-bypass wp_page_reuse anon",
        PROTECTED + "6 T0 write 2\n",
        faults_pass,
    ),
    Pair("protecting-protects", "contract change_pte_range pte", PROTECTED, protects_nothing),
    Pair(
        "filling-fills",
        "contract mfill_atomic_install_pte pte",
        MISSING + "4 T0 uffd_zeropage u0 2..3\n",
        fills_nothing,
    ),
)
