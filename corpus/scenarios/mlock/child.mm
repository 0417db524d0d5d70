# mmfarm scenario 1
# title: a child inherits no lock
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon locked
2 T0 write 1
3 T0 mlockall future
4 T0 fork T1
5 T1 madvise 0..4 DONTNEED
6 T1 read 1
7 T1 mmap 8..10 rw private anon
8 T1 mincore 8..10
9 T0 madvise 0..4 DONTNEED
10 T0 read 1
