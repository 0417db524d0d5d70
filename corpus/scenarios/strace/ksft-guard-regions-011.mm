# mmfarm scenario 1
# title: ksft-guard-regions, lines 712 to 811
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 mmap 15..25 rw private anon
7 T2 madvise 15..25 WIPEONFORK
8 T2 madvise 15..20 GUARD_INSTALL
9 T2 fork T3
10 T3 exit
11 T2 read 15
12 T2 read 16
13 T2 read 17
14 T2 read 18
15 T2 munmap 15..25
16 T2 exit
17 T1 munmap 27..28
18 T1 munmap 25..27
19 T1 exit
20 T0 fork T4
21 T4 mmap 27..28 rw shared anon
22 T4 mmap 25..27 rw shared anon
23 T4 fork T5
24 T5 mmap 15..25 rw private anon
25 T5 madvise 15..25 GUARD_INSTALL
26 T5 read 15
27 T5 read 16
28 T5 read 17
29 T5 read 18
30 T5 madvise 15..25 FREE
31 T5 read 15
32 T5 read 16
33 T5 read 17
34 T5 read 18
35 T5 munmap 15..25
36 T5 exit
37 T4 munmap 27..28
38 T4 munmap 25..27
39 T4 exit
40 T0 fork T6
41 T6 mmap 27..28 rw shared anon
42 T6 mmap 25..27 rw shared anon
43 T6 fork T7
44 T7 mmap 15..25 rw private anon
45 T7 madvise 15..25 GUARD_INSTALL
46 T7 madvise 15..25 POPULATE_READ
47 T7 madvise 15..25 POPULATE_WRITE
48 T7 munmap 15..25
49 T7 exit
50 T6 munmap 27..28
51 T6 munmap 25..27
52 T6 exit
