# mmfarm scenario 1
# title: fork() copies no page table of a private mapping that was only read
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 read 1
3 T0 fork T1
4 T0 pagemap 1
5 T1 pagemap 1
6 T1 read 1
