# mmfarm scenario 1
# title: a huge page appears, and is pinned, while the file is cut
# category: memfd
# expect: livelock folio_zero_range mm
# origin: seed:shmem-undo-range-spins
config pmd_order=3 frames=64 bug=shmem-undo-range-spins
1 T0 memfd f0 8
2 T0 mmap 0..8 rw shared f0
3 T0 write 0
4 T0 ftruncate f0 2
5 T1 madvise 0..8 COLLAPSE
6 T2 pin p0 0 r
@4 find_get_entry:lookup#2 -> T1
@5 op:end#1 -> T2
