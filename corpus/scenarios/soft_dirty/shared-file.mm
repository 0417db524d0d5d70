# mmfarm scenario 1
# title: each process has soft-dirty bits of its own for a shared page
# category: soft_dirty
# requires: soft-dirty
# expect: clean
# origin: seed:soft-dirty
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 1
4 T0 fork T1
5 T1 read 1
6 T0 clear_refs soft-dirty
7 T1 write 1
8 T0 pagemap 1
9 T0 write 1
10 T0 pagemap 1
