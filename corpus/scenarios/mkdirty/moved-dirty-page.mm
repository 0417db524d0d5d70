# mmfarm scenario 1
# title: a dirty page that moves with a read-only mapping does not become writable
# category: mkdirty
# expect: clean
# origin: seed:mkdirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mprotect 0..4 r
4 T0 mremap 0..4 to 16
5 T0 write 17
6 T0 read 17
