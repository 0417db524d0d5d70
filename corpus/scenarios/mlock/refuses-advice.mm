# mmfarm scenario 1
# title: locked memory refuses advice that takes pages away
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon locked
2 T0 write 1
3 T0 madvise 0..4 DONTNEED
4 T0 madvise 0..4 FREE
5 T0 madvise 0..4 COLD
6 T0 madvise 0..4 GUARD_INSTALL
7 T0 madvise 0..4 GUARD_REMOVE
8 T0 read 1
