# mmfarm scenario 1
# title: MAP_DROPPABLE is for private anonymous memory that does not grow
# category: mmap
# expect: clean
# origin: seed:droppable
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared anon droppable
3 T0 mmap 0..4 rw private f0 droppable
4 T0 mmap 0..4 rw private anon growsdown droppable
5 T0 read 0
