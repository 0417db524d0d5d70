# mmfarm scenario 1
# title: mprotect() to read-only and back makes no page writable that a child shares
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 mprotect 0..4 r
5 T0 mprotect 0..4 rw
6 T0 write 1
7 T1 read 1
8 T0 read 1
