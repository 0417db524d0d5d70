# mmfarm scenario 1
# title: a place may hold anonymous memory, a file and shared memory one after the other
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw private anon
4 T0 write 1
5 T0 mmap 0..4 r shared f0
6 T0 read 1
7 T0 mmap 0..4 rw shared anon
8 T0 read 1
9 T0 pread f0 1
