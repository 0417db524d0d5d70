# mmfarm scenario 1
# title: pagemap tells private, zero, shared, guard and missing pages apart
# category: pagemap
# expect: clean
# origin: seed:pagemap_ioctl
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 4..6 rw shared anon
3 T0 write 0
4 T0 read 1
5 T0 madvise 2..3 GUARD_INSTALL
6 T0 write 4
7 T0 pagemap 0
8 T0 pagemap 1
9 T0 pagemap 2
10 T0 pagemap 3
11 T0 pagemap 4
12 T0 pagemap 5
13 T0 pagemap 9
