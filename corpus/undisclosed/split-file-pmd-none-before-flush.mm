# mmfarm scenario 1
# title: a huge page of a file is split and given up
# category: hmm
# requires: device-private
# expect: stale-tlb split_file_pmd file
# origin: seed:split-file-pmd-none-before-flush
config pmd_order=3 frames=64 bug=split-file-pmd-none-before-flush
1 T0 mmap 0..8 r shared anon populate
2 T0 madvise 0..8 COLLAPSE
3 DEVICE migrate_to_device 0..1
4 T0 madvise 0..1 DONTNEED
@3 flush_tlb_mm_range:inc_gen#1 -> T0
