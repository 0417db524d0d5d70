# mmfarm scenario 1
# title: droppable memory is wiped in the child, and cannot be made to be kept
# category: mmap
# expect: clean
# origin: seed:droppable
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon droppable
2 T0 write 1
3 T0 madvise 0..4 KEEPONFORK
4 T0 fork T1
5 T1 read 1
6 T0 read 1
