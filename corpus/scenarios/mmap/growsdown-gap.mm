# mmfarm scenario 1
# title: a stack does not grow into the gap above another mapping
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 mmap 100..101 rw private anon
2 T0 mmap 400..402 rw private anon growsdown
3 T0 write 357
4 T0 write 356
5 T0 munmap 100..101
6 T0 write 356
