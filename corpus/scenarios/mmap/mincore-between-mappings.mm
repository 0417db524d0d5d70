# mmfarm scenario 1
# title: mincore() drops its lock between two mappings, and the second may go
# category: mmap
# expect: clean
# origin: seed:mincore
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon populate
2 T0 mmap 2..4 r private anon populate
3 T0 mincore 0..4
4 T1 munmap 2..4
@3 mincore:lock#2 -> T1
