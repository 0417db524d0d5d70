# mmfarm scenario 1
# title: a file that grows makes the pages behind its old end accessible
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 1
2 T0 mmap 0..4 rw shared f0
3 T0 read 2
4 T0 pwrite f0 2
5 T0 read 1
6 T0 read 2
7 T0 read 3
