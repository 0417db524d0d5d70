# mmfarm scenario 1
# title: mapping, read() and write() of a file see each other at once
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 1
4 T0 pread f0 1
5 T0 pwrite f0.2 1
6 T0 read 1.2
7 T0 read 1
