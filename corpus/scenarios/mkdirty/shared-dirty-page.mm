# mmfarm scenario 1
# title: a dirty page of a shared mapping is not writable after mprotect() to read-only
# category: mkdirty
# expect: clean
# origin: seed:mkdirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 write 1
3 T0 mprotect 0..4 r
4 T0 write 1
5 T0 read 1
6 T0 mprotect 0..4 rw
7 T0 write 1
8 T0 read 1
