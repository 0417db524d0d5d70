# mmfarm scenario 1
# title: one munmap() takes many mappings and the holes between them
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 6..8 rw shared anon
3 T0 mmap 8..12 r private anon
4 T0 write 1
5 T0 write 7
6 T0 munmap 2..10
7 T0 read 1
8 T0 read 7
