# mmfarm scenario 1
# title: a guard past the end of a file is SIGSEGV, without it SIGBUS
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 memfd f0 1
2 T0 mmap 0..4 rw shared f0
3 T0 madvise 2..3 GUARD_INSTALL
4 T0 read 2
5 T0 read 3
6 T0 madvise 2..3 GUARD_REMOVE
7 T0 read 2
