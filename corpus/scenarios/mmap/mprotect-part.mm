# mmfarm scenario 1
# title: mprotect() of a part splits the mapping
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 mprotect 2..4 r
3 T0 write 1
4 T0 write 2
5 T0 write 4
