# mmfarm scenario 1
# title: a hole is punched where pages of the file have moved to
# category: memfd
# expect: clean
# origin: seed:hole_under_mremap
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 1
4 T0 write 2
5 T0 mremap 1..3 to 9
6 T0 read 9
7 T0 fallocate f0 1 1 punch-hole
8 T0 read 9
9 T0 read 10
