# mmfarm scenario 1
# title: mlock() prefaults what it locks, and splits the mapping
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 mlock 2..4
3 T0 pagemap 2
4 T0 pagemap 5
5 T0 mincore 0..8
6 T0 munlock 0..8
7 T0 pagemap 2
