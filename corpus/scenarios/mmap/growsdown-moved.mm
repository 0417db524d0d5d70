# mmfarm scenario 1
# title: a stack that mremap() has moved grows at its new place
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 mmap 300..302 rw private anon growsdown
2 T0 write 300
3 T0 mremap 300..302 to 600
4 T0 write 590
5 T0 read 600
