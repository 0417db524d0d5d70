# mmfarm scenario 1
# title: droppable memory never gets into a core dump
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon droppable
2 T0 madvise 0..4 DODUMP
3 T0 madvise 0..4 DONTDUMP
