# mmfarm scenario 1
# title: two threads that break COW of one page at once end with one copy
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T2
4 T0 write 1.1
5 T1 write 1.2
6 T0 read 1
7 T0 read 1.1
8 T0 read 1.2
9 T2 read 1.2
@4 wp_page_copy:lock#1 -> T1
