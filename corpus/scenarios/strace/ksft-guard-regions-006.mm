# mmfarm scenario 1
# title: ksft-guard-regions, lines 422 to 463
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 15..25 rw private anon
2 T0 mmap 25..27 rw shared anon
3 T0 read 15
4 T0 read 16
5 T0 read 17
6 T0 read 18
7 T0 mprotect 15..18 r
8 T0 mprotect 22..25 r
9 T0 read 15
10 T0 read 16
11 T0 read 17
12 T0 read 18
13 T0 mprotect 15..18 rw
14 T0 mprotect 22..25 rw
15 T0 read 15
16 T0 read 16
17 T0 read 17
18 T0 read 18
19 T0 mprotect 15..18 r
20 T0 mprotect 22..25 r
21 T0 madvise 15..25 GUARD_REMOVE
22 T0 mprotect 15..18 rw
23 T0 mprotect 22..25 rw
24 T0 munmap 15..25
25 T0 exit
