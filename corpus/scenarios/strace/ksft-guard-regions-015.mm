# mmfarm scenario 1
# title: ksft-guard-regions, lines 1038 to 1143
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 exit
7 T1 munmap 27..28
8 T1 munmap 25..27
9 T1 exit
10 T0 fork T3
11 T3 mmap 27..28 rw shared anon
12 T3 mmap 25..27 rw shared anon
13 T3 fork T4
14 T4 mmap 15..25 r private anon
15 T4 madvise 15..16 GUARD_INSTALL
16 T4 madvise 17..18 GUARD_INSTALL
17 T4 madvise 19..20 GUARD_INSTALL
18 T4 madvise 21..22 GUARD_INSTALL
19 T4 madvise 23..24 GUARD_INSTALL
20 T4 read 15
21 T4 read 17
22 T4 read 19
23 T4 read 21
24 T4 madvise 15..25 GUARD_REMOVE
25 T4 munmap 15..25
26 T4 exit
27 T3 munmap 27..28
28 T3 munmap 25..27
29 T3 exit
30 T0 fork T5
31 T5 mmap 27..28 rw shared anon
32 T5 mmap 25..27 rw shared anon
33 T5 fork T6
34 T6 mmap 15..25 rw private anon
35 T6 pagemap 15
36 T6 pagemap 16
37 T6 pagemap 17
38 T6 pagemap 18
39 T6 madvise 15..16 GUARD_INSTALL
40 T6 madvise 17..18 GUARD_INSTALL
41 T6 madvise 19..20 GUARD_INSTALL
42 T6 madvise 21..22 GUARD_INSTALL
43 T6 madvise 23..24 GUARD_INSTALL
44 T6 pagemap 15
45 T6 pagemap 16
46 T6 pagemap 17
47 T6 pagemap 18
48 T6 munmap 15..25
49 T6 exit
50 T5 munmap 27..28
51 T5 munmap 25..27
52 T5 exit
53 T0 fork T7
54 T7 mmap 27..28 rw shared anon
55 T7 mmap 25..27 rw shared anon
