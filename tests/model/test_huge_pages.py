# SPDX-License-Identifier: MIT
"""Huge pages of anonymous memory: folios of an order, PMD entries, splits, and the allocator."""

from simulator import ops
from simulator.mm import madvise, mprotect, page_alloc, split_folio
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_PARTIALLY_MAPPED,
    PTE_HUGE,
    PTE_WRITE,
    REF_OWNER,
    Folio,
    is_huge_zero_pmd,
)
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import pfn_to_page
from simulator.scenario import THP_ALWAYS, THP_MADVISE, Config
from simulator.sites import DO_ANONYMOUS_PAGE__ALLOC
from tests.model.run import Process, R, boot, results, run


def huge(frames: int = 64, pmd_order: int = 3) -> Process:
    """A machine whose process has written page 3 of a mapping of 16 pages."""
    p = boot(Config(pmd_order=pmd_order, frames=frames, thp=THP_ALWAYS))
    p.mmap(0, 2 << pmd_order)
    assert p.write(3) == 0
    return p


def folio_of(p: Process, page: int = 0) -> Folio:
    pmd = p.mm.pmd[page >> p.k.pmd_order]
    assert pmd & PTE_HUGE
    return pfn_to_page(p.k, pmd >> PFN_SHIFT).folio


def advise(p: Process, start: int, end: int, advice: int) -> int:
    return madvise.do_madvise(p.k, p.mm, start, end, advice)


def test_a_first_store_maps_one_folio_by_one_entry() -> None:
    p = huge()
    folio = folio_of(p)
    assert (folio.order, folio.ref, folio.entire_mapcount, folio.large_mapcount) == (3, 1, 1, 1)
    assert folio.page.flags & PG_ANON_EXCLUSIVE
    assert p.mm.rss_anon == 8
    assert p.mm.tables[0] is None
    assert p.mm.deposit[0] is not None
    assert {pfn_to_page(p.k, folio.pfn + i).folio for i in range(8)} == {folio}


def test_a_first_load_maps_zeroes_that_cost_no_memory() -> None:
    p = boot(Config(thp=THP_ALWAYS))
    p.mmap(0, 8)
    assert p.read(3) == 0
    assert is_huge_zero_pmd(p.mm.pmd[0])
    assert p.mm.rss_anon == 0


def test_only_advised_memory_gets_huge_pages() -> None:
    p = boot(Config(thp=THP_MADVISE))
    p.mmap(0, 16)
    assert advise(p, 8, 16, ops.MADV_HUGEPAGE) == 0
    p.write(0)
    p.write(8)
    assert p.mm.pmd[0] == 0
    assert p.mm.pmd[1] & PTE_HUGE


def test_a_split_of_the_entry_leaves_the_folio_whole() -> None:
    p = huge()
    folio = folio_of(p)
    mprotect.do_mprotect(p.k, p.mm, 0, 4, R)
    table = p.mm.tables[0]
    assert p.mm.pmd[0] == 0
    assert p.mm.deposit[0] is None
    assert table is not None
    assert (folio.order, folio.ref, folio.entire_mapcount, folio.large_mapcount) == (3, 8, 0, 8)
    assert all(pfn_to_page(p.k, folio.pfn + i).flags & PG_ANON_EXCLUSIVE for i in range(8))
    assert [pte & PTE_WRITE != 0 for pte in table.pte] == [False] * 4 + [True] * 4


def test_a_folio_of_which_parts_are_unmapped_waits_for_its_split() -> None:
    p = huge()
    folio = folio_of(p)
    p.munmap(4, 8)
    assert folio.flags & PG_PARTIALLY_MAPPED
    assert folio in p.k.deferred_split
    assert folio.ref == folio.large_mapcount == 4
    assert split_folio.deferred_split_scan(p.k) == 1
    assert folio.order == 0
    assert not p.k.deferred_split
    assert p.read(3) == 1
    assert len(p.k.frames.free) >= 4  # the unmapped half


def test_a_folio_that_somebody_holds_is_not_split() -> None:
    assert results("""
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 pin p0 3 w
4 T0 madvise 0..4 FREE
5 T0 pagemap 7
6 T0 write 3
7 T0 dma_read p0
8 T0 unpin p0
""") == [0, 0, 0, 0, 259, 0, 2, 0]


def test_pages_of_zeroes_give_way_to_the_zero_page_in_a_split() -> None:
    p = huge()
    assert advise(p, 0, 4, ops.MADV_COLD) == 0
    assert p.mm.rss_anon == 1
    assert p.read(3) == 1
    assert p.read(7) == 0


def test_memory_in_pieces_is_put_together_when_it_is_free() -> None:
    p = boot(Config(frames=15, thp=THP_ALWAYS))
    p.mmap(0, 8)
    advise(p, 0, 8, ops.MADV_NOHUGEPAGE)
    advise(p, 0, 8, ops.MADV_POPULATE_WRITE)
    assert page_alloc.folio_alloc_order(p.k, DO_ANONYMOUS_PAGE__ALLOC, 3, True) is None
    p.munmap(0, 8)
    folio = page_alloc.folio_alloc_order(p.k, DO_ANONYMOUS_PAGE__ALLOC, 3, True)
    assert folio is not None
    assert folio.pfn == 8
    folio_put(p.k, folio, REF_OWNER)


def test_a_free_block_is_split_for_a_single_frame() -> None:
    p = huge(frames=8)
    assert p.munmap(0, 8) == 0
    assert p.k.nr_block_frames == 0 or p.k.free_blocks[3] == [8] or p.mm.pmd[0] == 0
    p = huge(frames=15)
    p.munmap(0, 8)
    assert p.k.free_blocks[3] == [8]
    p.mmap(1, 8)
    for page in range(1, 8):
        p.write(page)
    assert p.k.free_blocks[3] == [8]  # single frames come from the list of single frames first
    p.mmap(16, 17)
    p.write(16)
    assert p.k.nr_block_frames == 6
    assert p.k.free_blocks[1]
    assert p.k.free_blocks[2]


def test_invalidating_one_page_drops_the_translation_of_the_huge_one() -> None:
    outcome = run("""
config pmd_order=3 frames=64 flush_ceiling=16 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 read 3
4 T0 mprotect 0..1 r
5 T1 read 7
""")
    assert outcome.violation is None


def test_two_mms_share_a_huge_page_until_one_is_gone() -> None:
    assert results("""
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T0 pagemap 3
5 T1 exit
6 T0 write 4
7 T0 pagemap 3
""") == [0, 0, 1, 257, 0, 0, 259]


def mthp(frames: int = 64, orders: int = 1 << 2) -> Process:
    """A machine with large folios of 4 pages below huge pages of 16."""
    p = boot(Config(pmd_order=4, frames=frames, thp=THP_ALWAYS, mthp=orders))
    p.mmap(2, 14)
    return p


def orders_at(p: Process, pages: range) -> list[int]:
    table = p.mm.tables[0]
    assert table is not None
    return [
        pfn_to_page(p.k, pte >> PFN_SHIFT).folio.order if (pte := table.pte[va]) else -1
        for va in pages
    ]


def test_a_fault_makes_the_largest_folio_that_is_enabled_and_fits() -> None:
    p = mthp()
    assert p.write(5) == 0
    assert p.write(3) == 0  # 0..4 is not all of the VMA
    assert orders_at(p, range(2, 9)) == [-1, 0, 2, 2, 2, 2, -1]
    assert p.mm.rss_anon == 5
    folio = pfn_to_page(p.k, p.mm.tables[0].pte[4] >> PFN_SHIFT).folio  # type: ignore[union-attr]
    assert (folio.ref, folio.large_mapcount, folio.entire_mapcount) == (4, 4, 0)


def test_a_fault_takes_a_smaller_folio_where_not_all_is_empty() -> None:
    p = mthp(orders=1 << 2 | 1 << 3)
    p.read(13)
    assert p.write(11) == 0
    assert orders_at(p, range(8, 14)) == [2, 2, 2, 2, -1, 0]


def test_without_memory_for_a_large_folio_one_page_must_do() -> None:
    text = """
config pmd_order=4 frames=64 thp=always mthp=2
1 T0 mmap 0..8 rw private anon
2 T0 write 1
3 T0 mincore 0..8
"""
    assert results(text)[2] == 4
    assert results(text + "@2 alloc_anon_folio:alloc#1 fail\n")[2] == 1


def test_memory_that_is_not_to_have_huge_pages_gets_no_large_folios() -> None:
    p = mthp()
    assert advise(p, 2, 14, ops.MADV_NOHUGEPAGE) == 0
    assert p.write(5) == 0
    assert orders_at(p, range(4, 8)) == [-1, 0, -1, -1]


def test_two_faults_on_one_folio_map_one() -> None:
    text = """
config pmd_order=4 frames=64 thp=always mthp=2
1 T0 mmap 0..8 rw private anon
2 T0 write 1
3 T1 write 2
4 T0 read 2
@2 alloc_anon_folio:alloc#1 -> T1
"""
    outcome = run(text)
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[3] == 1


def test_who_needs_memory_splits_what_is_partially_mapped() -> None:
    """16 frames: a huge page of which half is given up, another one, and no frame left."""
    text = """
config pmd_order=3 frames=16 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 madvise 4..8 DONTNEED
4 T0 mmap 8..16 rw private anon
5 T0 write 8
6 T0 write 4
7 T0 write 5
8 T0 read 0
"""
    assert results(text)[5:] == [0, 0, 1]
