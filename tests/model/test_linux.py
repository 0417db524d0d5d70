# SPDX-License-Identifier: MIT
"""What Linux does at places where this model once did otherwise, one test a place."""

import pytest

from simulator.outcome import Outcome, TraceEvent
from tests.model.run import results, run


def visited(outcome: Outcome, uid: int) -> list[str]:
    """The sites that an op passed, in order."""
    return list({e.step: e.site for e in reversed(outcome.trace) if e.uid == uid}.values())[::-1]


def traced(text: str) -> Outcome:
    """A run that must be clean, with its trace."""
    outcome = run(text, trace=True)
    assert outcome.violation is None, outcome.violation
    return outcome


def at(outcome: Outcome, uid: int, site: str) -> TraceEvent:
    """The first passing of a site in an op."""
    return next(e for e in outcome.trace if e.uid == uid and e.site == site)


def test_rmap_walks_go_by_page_offset() -> None:
    """mm/interval_tree.c. The copy of op 4 goes into a VMA with a greater offset, which a walk
    meets after the source: without the rmap locks it still finds the entry (copy_vma())."""
    traced("""
1 T0 mmap 0..3 rw private anon populate
2 T0 fork T1
3 T1 mremap 2..3 to 4
4 T1 mremap 1..2 to 3
5 DEVICE migrate_to_device 1..2
@4 move_ptes:lock_old#1 -> DEVICE
@5 remove_migration_pte:lock#3 -> T1
""")


def test_a_first_fault_stays_under_the_vma_lock() -> None:
    """mm/memory.c:__vmf_anon_prepare() tries mmap_lock only for the anon_vma, and goes on."""
    first = visited(traced("1 T0 mmap 0..1 rw private anon\n2 T0 write 0\n"), 2)
    assert "lock_mm_and_find_vma:lock" not in first
    assert first.count("handle_pte_fault:read_pmd") == 1
    assert "anon_vma_prepare:lock" in first


def test_a_fault_that_cannot_have_mmap_lock_starts_over() -> None:
    failed = visited(
        traced(
            "1 T0 mmap 0..1 rw private anon\n2 T0 write 0\n@2 vmf_anon_prepare:trylock#1 fail\n"
        ),
        2,
    )
    assert failed.count("handle_pte_fault:read_pmd") == 2
    assert "lock_mm_and_find_vma:lock" in failed


def test_a_fault_on_a_locked_device_page_sleeps() -> None:
    """mm/memory.c:do_swap_page() (7.2): softleaf_entry_wait_on_locked()."""
    outcome = traced("""
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
4 T0 read 0
5 T1 read 0
@4 dmirror_devmem_fault:use_page#1 -> T1
""")
    assert visited(outcome, 5).count("do_swap_page:device_trylock") == 1


def test_a_page_put_back_after_a_failed_migration_waits_in_a_batch() -> None:
    """folio_putback_lru(): PG_lru is clear and the batch holds a reference until it is drained,
    so that a write fault elsewhere copies."""
    outcome = traced("""
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 fork T1
4 T0 vmsplice p0 0
5 DEVICE migrate_to_device 0..1
6 T1 exit
7 T0 unpin p0
8 T0 write 0
""")
    assert "wp_page_copy:set_pte" in visited(outcome, 8)


def test_a_device_fault_does_not_wait_for_the_devices_own_migration() -> None:
    """mmu_interval_read_begin() waits only where the driver's callback saw the invalidation;
    lib/test_hmm.c leaves MMU_NOTIFY_MIGRATE of its own out."""
    outcome = traced("""
1 T0 mmap 0..2 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
4 T0 read 0
5 DEVICE device_read 1
@4 migrate_vma_collect_pmd:lock#1 -> DEVICE
""")
    assert at(outcome, 5, "op:end").step < at(outcome, 4, "migrate_vma_collect_pmd:clear_pte").step


def test_a_range_flush_reaches_lazy_cpus() -> None:
    """arch/x86: flush_tlb_range() says freed_tables, so that lazy CPUs leave the mm."""
    outcome = traced("""
1 T0 mmap 0..2 rw private anon populate
2 T1 write 0
3 T1 sleep
4 T0 mremap 0..1 to 4
""")
    assert "native_flush_tlb_multi:ipi" in visited(outcome, 4)


def test_a_page_of_a_file_is_locked_and_unmapped_before_it_is_refused() -> None:
    """mm/migrate_device.c: only migrate_device_coherent_page and __migrate_device_pages() refuse
    pages with a mapping; until then they have migration entries like others."""
    outcome = traced("""
1 T0 memfd f0 1
2 T0 mmap 0..1 rw shared f0
3 T0 write 0
4 DEVICE migrate_to_device 0..1
5 T0 read 0
""")
    assert "migrate_vma_collect_pmd:set_entry" in visited(outcome, 4)
    assert "remove_migration_pte:set_pte" in visited(outcome, 4)
    assert outcome.results[3:] == [0, outcome.results[4]]
    assert outcome.results[4] > 0


def test_droppable_memory_tries_again_where_memory_is_out() -> None:
    """handle_mm_fault() takes VM_FAULT_OOM away in VM_DROPPABLE."""
    assert results("""
1 T0 mmap 0..1 rw private anon droppable
2 T0 write 0
@2 do_anonymous_page:alloc#1 fail
""") == [0, 0]


def test_writers_of_a_file_exclude_each_other() -> None:
    """generic_file_write_iter() holds the inode's lock."""
    outcome = traced("""
1 T0 memfd f0 2
2 T0 pwrite f0 0
3 T1 pwrite f0 1
@2 shmem_write_end:copy#1 -> T1
""")
    assert at(outcome, 2, "op:end").step < at(outcome, 3, "shmem_get_folio:lookup").step


@pytest.mark.parametrize("op", ["fork T1", "mprotect 0..1 r"])
def test_linux_forgets_soft_dirty_of_a_device_page_that_becomes_readable(op: str) -> None:
    """copy_nonpresent_pte(), change_nonpresent_pte(): make_readable_device_private_entry() keeps
    nothing. The model is mended, and kernel=7.2 as it was shipped."""
    text = f"""
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 clear_refs soft-dirty
4 T0 write 0
5 DEVICE migrate_to_device 0..1
6 T0 pagemap 0
7 T0 {op}
8 T0 pagemap 0
"""
    assert results(text)[5:] == [129, results(text)[6], 129]
    shipped = run(f"config pmd_order=3 frames=64 kernel=7.2\n{text}").violation
    assert shipped is not None
    assert shipped.signature.oracle == "soft-dirty"


def test_dirty_pages_of_files_are_flushed_before_the_lock_is_dropped() -> None:
    """zap_present_folio_ptes(): force_flush and delay_rmap; tlb_flush_rmaps() after the flush."""
    outcome = traced("""
config pmd_order=3 frames=64 cpus=2
1 T0 memfd f0 1
2 T0 mmap 0..1 rw shared f0
3 T0 write 0
4 T0 madvise 0..1 DONTNEED
""")
    sites = visited(outcome, 4)
    flushed = sites.index("flush_tlb_mm_range:inc_gen")
    assert flushed < sites.index("tlb_flush_rmaps:remove") < sites.index("tlb_flush_mmu:free_batch")
    assert "zap_present_folio_ptes:remove_rmap" not in sites


def test_what_is_zapped_during_a_migration_owes_no_dirty_bit() -> None:
    """Not even when its address gets the same frame again, by a forced write."""
    traced("""
1 T0 mmap 0..1 r private anon
2 T0 read 0
3 T0 mem_write 0
4 DEVICE migrate_to_device 0..1
5 T0 madvise 0..1 DONTNEED
6 T0 mem_write 0
@4 migrate_device_unmap:check#1 -> T0
@5 op:end#1 -> DEVICE
""")
