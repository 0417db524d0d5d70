# mmfarm scenario 1
# title: a page made read-only before fork() is copied once it is writable again
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mprotect 0..4 r
4 T0 fork T1
5 T1 write 1
6 T1 mprotect 0..4 rw
7 T1 write 1
8 T0 read 1
9 T0 pagemap 1
