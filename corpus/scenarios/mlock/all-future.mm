# mmfarm scenario 1
# title: mlockall(MCL_FUTURE) locks mappings to come, and no others
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mlockall future
3 T0 mmap 4..6 rw private anon
4 T0 madvise 0..2 DONTNEED
5 T0 madvise 4..6 DONTNEED
6 T0 pagemap 4
7 T0 munlockall
8 T0 madvise 4..6 DONTNEED
