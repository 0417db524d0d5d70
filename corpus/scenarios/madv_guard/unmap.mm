# mmfarm scenario 1
# title: unmapping takes the guards away
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 0..4 GUARD_INSTALL
3 T0 munmap 1..2
4 T0 mmap 1..2 rw private anon
5 T0 read 1
6 T0 read 0
7 T0 read 2
