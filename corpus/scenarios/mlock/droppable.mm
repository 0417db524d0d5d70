# mmfarm scenario 1
# title: droppable memory is never locked
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon droppable
2 T0 mlock 0..2
3 T0 madvise 0..2 DONTNEED
4 T0 mmap 4..6 rw private anon droppable locked
5 T0 mlockall future
6 T0 mmap 8..10 rw private anon droppable
7 T0 mincore 8..10
8 T0 madvise 8..10 DONTNEED
