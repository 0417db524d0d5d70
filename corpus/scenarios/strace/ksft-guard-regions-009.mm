# mmfarm scenario 1
# title: ksft-guard-regions, lines 612 to 687
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 mmap 20..25 rw private anon
7 T2 madvise 20..21 GUARD_INSTALL
8 T2 madvise 24..25 GUARD_INSTALL
9 T2 read 20
10 T2 read 24
11 T2 mremap 20..25 to 20..23
12 T2 read 20
13 T2 mremap 20..23 to 20..25
14 T2 read 20
15 T2 munmap 20..25
16 T2 exit
17 T1 munmap 27..28
18 T1 munmap 25..27
19 T1 exit
20 T0 fork T3
21 T3 mmap 27..28 rw shared anon
22 T3 mmap 25..27 rw shared anon
23 T3 fork T4
24 T4 mmap 15..25 rw private anon
25 T4 madvise 15..20 GUARD_INSTALL
26 T4 fork T5
27 T5 read 15
28 T5 read 16
29 T5 read 17
30 T5 read 18
31 T5 madvise 15..25 GUARD_REMOVE
32 T5 exit
33 T4 read 15
34 T4 read 16
35 T4 read 17
36 T4 read 18
37 T4 munmap 15..25
38 T4 exit
39 T3 munmap 27..28
40 T3 munmap 25..27
41 T3 exit
42 T0 fork T6
43 T6 mmap 27..28 rw shared anon
44 T6 mmap 25..27 rw shared anon
45 T6 fork T7
46 T7 mmap 15..25 rw private anon
