# mmfarm scenario 1
# title: pin_user_pages_fast() falls back while fork() copies the page tables
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:gup-fast-vs-fork-cow
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T2
4 T1 pin_fast p0 3 w
5 T0 write 3
6 T0 dma_read p0
7 T2 read 3
@3 copy_present_pte:wrprotect#1 -> T1
