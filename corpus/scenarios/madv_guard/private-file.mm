# mmfarm scenario 1
# title: a guard in a private file mapping discards the copy, then the file shows again
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw private f0
4 T0 write 1
5 T0 madvise 1..2 GUARD_INSTALL
6 T0 madvise 1..2 GUARD_REMOVE
7 T0 read 1
