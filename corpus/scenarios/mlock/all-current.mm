# mmfarm scenario 1
# title: mlockall(MCL_CURRENT) prefaults every mapping, and ends MCL_FUTURE
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 8..10 r private anon
3 T0 mlockall future
4 T0 mlockall current
5 T0 mincore 0..2
6 T0 mincore 8..10
7 T0 mmap 4..6 rw private anon
8 T0 mincore 4..6
