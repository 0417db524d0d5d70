# mmfarm scenario 1
# title: PROT_NONE of private memory does not stop /proc/self/mem
# category: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mprotect 0..4 none
4 T0 mem_read 1
5 T0 mem_write 1.1
6 T0 read 1
7 T0 mprotect 0..4 r
8 T0 read 1.1
