# mmfarm scenario 1
# title: ksft-guard-regions, lines 818 to 936
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 mmap 15..25 rw private anon
7 T2 madvise 15..25 GUARD_INSTALL
8 T2 read 15
9 T2 read 16
10 T2 read 17
11 T2 read 18
12 T2 madvise 15..25 COLD
13 T2 read 15
14 T2 read 16
15 T2 read 17
16 T2 read 18
17 T2 madvise 15..25 PAGEOUT
18 T2 read 15
19 T2 read 16
20 T2 read 17
21 T2 read 18
22 T2 munmap 15..25
23 T2 exit
24 T1 munmap 27..28
25 T1 munmap 25..27
26 T1 exit
27 T0 fork T3
28 T3 mmap 27..28 rw shared anon
29 T3 mmap 25..27 rw shared anon
30 T3 fork T4
31 T4 userfaultfd u0
32 T4 mmap 15..25 rw private anon
33 T4 uffd_register u0 15..25 missing
34 T4 madvise 15..25 GUARD_INSTALL
35 T4 read 15
36 T4 read 16
37 T4 read 17
38 T4 read 18
39 T4 uffd_unregister u0 15..25
40 T4 uffd_close u0
41 T4 munmap 15..25
42 T4 exit
43 T3 munmap 27..28
44 T3 munmap 25..27
45 T3 exit
46 T0 fork T5
47 T5 mmap 27..28 rw shared anon
48 T5 mmap 25..27 rw shared anon
49 T5 fork T6
50 T6 exit
51 T5 munmap 27..28
52 T5 munmap 25..27
53 T5 exit
54 T0 fork T7
55 T7 mmap 27..28 rw shared anon
56 T7 mmap 25..27 rw shared anon
