# mmfarm scenario 1
# title: a mapped page behind the end of its file is SIGBUS
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 mmap 0..4 rw shared f0
3 T0 mmap 8..12 rw private f0
4 T0 write 1
5 T0 read 2
6 T0 write 2
7 T0 write 11
8 T0 read 9
