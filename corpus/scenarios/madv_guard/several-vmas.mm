# mmfarm scenario 1
# title: guards may span mappings of different protection
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 2..4 r private anon
3 T0 mmap 4..6 none private anon
4 T0 madvise 1..5 GUARD_INSTALL
5 T0 pagemap 1
6 T0 pagemap 4
7 T0 read 3
8 T0 madvise 0..6 GUARD_REMOVE
9 T0 read 3
10 T0 write 1
