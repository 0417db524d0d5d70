# mmfarm scenario 1
# title: MADV_DONTNEED of the child takes nothing from the parent
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 madvise 0..4 DONTNEED
5 T1 read 1
6 T0 pagemap 1
7 T0 read 1
