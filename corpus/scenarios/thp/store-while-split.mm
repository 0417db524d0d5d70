# mmfarm scenario 1
# title: a store that comes while the entry is being split waits, and is kept
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..2 DONTNEED
4 T1 write 5
5 T0 read 5
6 T0 read 3
@3 split_huge_pmd_locked:remove_rmap#1 -> T1
