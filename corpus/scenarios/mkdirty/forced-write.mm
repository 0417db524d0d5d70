# mmfarm scenario 1
# title: a forced write makes the page dirty and not writable
# category: mkdirty
# expect: clean
# origin: seed:mkdirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 r private anon
2 T0 read 1
3 T0 mem_write 1
4 T0 write 1
5 T0 read 1
