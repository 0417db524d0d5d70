# mmfarm scenario 1
# title: fork() splits a huge page that is pinned, and copies it for the child
# category: thp
# requires: gup_test
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 pin p0 3 w
4 T0 fork T1
5 T0 write 3
6 T0 dma_read p0
7 T1 read 3
8 T0 unpin p0
