# mmfarm scenario 1
# title: a guard hides a page of a file from one mapping and not from another
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw shared f0
4 T0 mmap 8..12 rw shared f0
5 T0 madvise 1..2 GUARD_INSTALL
6 T0 read 1
7 T0 write 9
8 T0 pread f0 1
9 T0 madvise 1..2 GUARD_REMOVE
10 T0 read 1
