# mmfarm scenario 1
# title: a hole is punched while another CPU drops what it maps of the file
# category: memfd
# expect: page-cache page_cache_delete file
# origin: seed:pt-reclaim-unlinks-before-flush
config pmd_order=3 frames=64 bug=pt-reclaim-unlinks-before-flush
1 T0 mmap 0..8 w shared anon
2 T0 write 0
3 T0 madvise 0..8 DONTNEED
4 T1 madvise 0..1 REMOVE
@3 flush_tlb_mm_range:inc_gen#1 -> T1
