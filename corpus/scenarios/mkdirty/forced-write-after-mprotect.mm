# mmfarm scenario 1
# title: a forced write to a page made read-only leaves it read-only to the process
# category: mkdirty
# expect: clean
# origin: seed:mkdirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mprotect 0..4 r
4 T0 mem_write 1.1
5 T0 write 1
6 T0 read 1
7 T0 read 1.1
