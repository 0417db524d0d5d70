# SPDX-License-Identifier: MIT
"""Scenarios that break no promise, though the model or an oracle once said so: each is the smallest
that fuzzing found of its kind."""

import pytest

from tests.model.run import results

SOUND = {
    "a huge page of a file gets its file's mappings back after a migration that fails": """
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 mmap 0..8 r shared f0
3 T0 mmap 8..10 w private f0
4 T0 write 8
5 T0 madvise 0..8 COLLAPSE
6 T0 read 9
7 DEVICE migrate_to_device 0..8
""",
    "the same of pages that page table entries map": """
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 mmap 0..8 r private f0
3 T0 mmap 8..10 rw private f0
4 T0 write 8
5 T0 madvise 0..8 COLLAPSE
6 T0 read 9
7 DEVICE migrate_to_device 0..10
""",
    "the part of a VMA that a huge page was split for knows of the stores to it": """
config pmd_order=3 frames=64
1 T0 mmap 0..8 w shared anon populate
2 T0 madvise 0..8 COLLAPSE
3 T0 clear_refs soft-dirty
4 T0 write 0
5 T0 munmap 0..1
""",
    "what is unmapped was never modified, be it that the kernel had dropped its entry before": """
config pmd_order=3 frames=64
1 T0 mmap 0..8 w shared anon
2 T0 mmap 8..9 none private anon
3 T0 clear_refs soft-dirty
4 T0 write 0
5 T0 madvise 0..8 COLLAPSE
6 T0 mremap 8..9 to 0
""",
    "a huge page in which a file ends stays mapped as a whole": """
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 mmap 0..8 r private f0 populate
3 T0 ftruncate f0.1 0
4 T1 madvise 0..8 COLLAPSE
@3 tlb_finish_mmu:nested#2 -> T1
""",
    "a page that a fault has replaced, and not let go of yet, leaves the page cache": """
config pmd_order=3 frames=64
1 T0 memfd f0 1
2 T0 mmap 0..1 w private f0
3 T0 read 0
4 DEVICE device_exclusive 0..1
5 T0 ftruncate f0 0
@4 mmu_notifier_invalidate_range_end:seq#1 -> T0
""",
    "pages that a call populates are zero pages again when it has to reclaim": """
config pmd_order=3 frames=64 thp=always max_ptes_none=4
1 T0 mmap 0..9 w private anon
2 T0 madvise 7..9 POPULATE_WRITE
@2 do_anonymous_page:alloc#1 fail
""",
    "the same of a huge page that is mapped in part": """
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 w private anon populate
2 T0 mremap 1..2 to 0 dontunmap
3 T0 madvise 0..2 POPULATE_WRITE
@3 do_anonymous_page:alloc#1 fail
""",
    "a migration ends while another process moves its huge entry": """
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon populate
2 T0 fork T1
3 DEVICE migrate_to_device 0..8
4 T1 mremap 0..8 to 8
@3 page_vma_mapped_walk:pmd#2 -> T1
@4 move_huge_pmd:set#1 -> DEVICE
""",
    "a pinned page of a huge one becomes a device's while another page of it is copied": """
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 DEVICE1 migrate_to_device 0..8
3 DEVICE1 device_exclusive 1..2
4 T0 fork T1
5 T0 pin p0 1 r
6 T2 fork T3
7 T1 write 0
8 T4 madvise 1..2 DONTFORK
@3 migrate_vma_check_page:mapcount#1 -> T2
@3 nouveau_atomic_range_fault:lock#1 -> T4
@3 should_flush_tlb:check#4 -> T1
@6 wake_up_new_task:run#1 -> T0
""",
    "a page finds no slot in a swap device that is gone by now": """
config pmd_order=3 frames=64 swap=6
1 T0 mmap 0..1 w private anon populate
2 T0 madvise 0..1 PAGEOUT
3 T0 read 0
4 T1 swapoff
@2 folio_alloc_swap:lock#1 -> T1
""",
    "a swap device goes while the last entry of it is being cleared": """
config pmd_order=3 frames=64 swap=64
1 T0 mmap 0..1 w private anon populate
2 T0 madvise 0..1 PAGEOUT
3 T0 munmap 0..1
4 T1 swapoff
@3 zap_pte_range:lock#1 -> T1
""",
    "kswapd finds none either": """
config pmd_order=3 frames=64 swap=6
1 T0 mmap 0..1 w private anon populate
2 KSWAPD reclaim 1
3 T0 swapoff
@2 folio_alloc_swap:lock#1 -> T0
@3 swapoff:kill_users#1 -> KSWAPD
""",
    "a device that is closed waits for huge pages of its memory": """
config pmd_order=3 frames=64
1 T0 mmap 0..16 r private anon
2 DEVICE1 migrate_to_device 0..16
3 T0 fork T1
4 T0 read 8
5 T1 madvise 0..1 GUARD_INSTALL
6 DEVICE1 device_close
@4 handle_mm_fault:orig_pmd#1 -> T1
@4 migrate_vma_collect_pmd:pmd#1 -> DEVICE1
@4 try_to_migrate:anon_vma_lock#1 -> DEVICE1
@5 madvise_guard_install:set_flag#1 -> DEVICE1
@5 op:begin#1 -> DEVICE1
@5 switch_mm_irqs_off:load_cr3#1 -> DEVICE1
@5 walk_pmd_range:pmd#1 -> DEVICE1
@6 dmirror_fops_release:free#1 -> T1
@6 migrate_device_pfn_lock:get#1 -> T1
@6 migrate_device_pfn_lock:get#2 -> T1
@6 migrate_device_pfn_lock:get#7 -> T1
@6 migrate_device_pfn_lock:get#9 -> T0
""",
    "a shared huge page is split where its VMA moves in part": """
config pmd_order=3 frames=64
1 T0 mmap 0..9 w shared anon populate
2 T0 madvise 0..8 COLLAPSE
3 T0 mremap 0..9 to 9..17
4 T0 write 9
""",
    "a mapping moves beside one whose pages a collapse is after": """
config pmd_order=3 frames=64
1 T0 memfd f0 1
2 T0 mmap 16..24 r private f0 populate
3 T0 madvise 16..24 COLLAPSE
4 T0 munmap 7..8
5 T1 mremap 16..17 to 7..15
6 T1 read 7
@3 collapse_file:charge#1 -> T1
@3 try_to_unmap:i_mmap_lock#1 -> T1
""",
}


@pytest.mark.parametrize("text", SOUND.values(), ids=SOUND.keys())
def test_no_promise_is_broken(text: str) -> None:
    assert results(text)
