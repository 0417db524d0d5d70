# mmfarm scenario 1
# title: mprotect() of a part of a huge page: stores to the rest go on
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..512 rw private anon
2 T0 madvise 0..512 HUGEPAGE
3 T0 write 3
4 T0 mprotect 0..4 r
5 T0 write 3
6 T0 write 4
7 T0 read 3
8 T0 mprotect 0..4 rw
9 T0 write 3
10 T0 pagemap 3
