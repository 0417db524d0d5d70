# mmfarm scenario 1
# title: unmapping a part and mapping it again restores one mapping, the data is gone
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 write 5
4 T0 munmap 2..4
5 T0 mmap 2..4 rw private anon
6 T0 read 3
7 T0 read 5
