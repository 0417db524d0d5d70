# mmfarm scenario 1
# title: mincore() of a range with a hole fails
# category: mmap
# expect: clean
# origin: seed:mincore
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon populate
2 T0 mmap 3..5 rw private anon populate
3 T0 mincore 0..5
4 T0 mincore 3..5
