# mmfarm scenario 1
# title: munmap() of what is not mapped succeeds
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 munmap 0..4
2 T0 mmap 2..4 rw private anon
3 T0 write 3
4 T0 munmap 0..2
5 T0 munmap 4..8
6 T0 read 3
