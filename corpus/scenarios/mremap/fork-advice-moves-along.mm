# mmfarm scenario 1
# title: a moved mapping keeps MADV_WIPEONFORK and MADV_DONTFORK
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 4..6 rw private anon
3 T0 write 1
4 T0 write 5
5 T0 madvise 0..2 WIPEONFORK
6 T0 madvise 4..6 DONTFORK
7 T0 mremap 0..2 to 16
8 T0 mremap 4..6 to 20
9 T0 fork T1
10 T1 read 17
11 T1 read 21
12 T0 read 17
13 T0 read 21
