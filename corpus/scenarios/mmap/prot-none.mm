# mmfarm scenario 1
# title: PROT_NONE keeps the data but allows no access
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mprotect 0..4 none
4 T0 read 1
5 T0 write 1
6 T0 pagemap 1
7 T0 mprotect 0..4 r
8 T0 read 1
