# mmfarm scenario 1
# title: a huge page shared by fork() is copied page by page
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..512 rw private anon
2 T0 madvise 0..512 HUGEPAGE
3 T0 write 3
4 T0 fork T1
5 T1 write 3
6 T0 read 3
7 T1 read 3
8 T1 pagemap 3
9 T1 pagemap 4
10 T0 write 4
11 T1 read 4
12 T0 pagemap 4
