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
12 T2 munmap 15..25
13 T2 exit
14 T1 munmap 27..28
15 T1 munmap 25..27
16 T1 exit
17 T0 fork T3
18 T3 mmap 27..28 rw shared anon
19 T3 mmap 25..27 rw shared anon
20 T3 fork T4
21 T4 mmap 15..25 rw private anon
22 T4 madvise 15..25 GUARD_INSTALL
23 T4 read 15
24 T4 read 16
25 T4 read 17
26 T4 read 18
27 T4 munmap 15..25
28 T4 exit
29 T3 munmap 27..28
30 T3 munmap 25..27
31 T3 exit
32 T0 fork T5
33 T5 mmap 27..28 rw shared anon
34 T5 mmap 25..27 rw shared anon
35 T5 fork T6
36 T6 exit
37 T5 munmap 27..28
38 T5 munmap 25..27
39 T5 exit
40 T0 fork T7
41 T7 mmap 27..28 rw shared anon
42 T7 mmap 25..27 rw shared anon
