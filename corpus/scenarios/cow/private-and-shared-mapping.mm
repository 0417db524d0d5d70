# mmfarm scenario 1
# title: a private mapping sees the shared one's stores only before its own
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 mmap 8..12 rw private f0
4 T0 write 1
5 T0 read 9
6 T0 write 9
7 T0 write 1
8 T0 read 9
9 T0 read 1
