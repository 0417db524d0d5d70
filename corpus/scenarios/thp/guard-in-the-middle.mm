# mmfarm scenario 1
# title: a guard region in a huge page takes the page's data, and no other
# category: thp
# requires: guard-regions
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 write 4
4 T0 madvise 4..5 GUARD_INSTALL
5 T0 read 3
6 T0 read 4
7 T0 madvise 4..5 GUARD_REMOVE
8 T0 read 4
9 T0 read 3
