# mmfarm scenario 1
# title: a mapping may lie wholly behind the end of its file
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 1
2 T0 mmap 0..2 rw shared f0+8
3 T0 read 0
4 T0 pwrite f0 9
5 T0 read 1
6 T0 read 0
