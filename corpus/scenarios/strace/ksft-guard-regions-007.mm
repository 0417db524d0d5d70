# mmfarm scenario 1
# title: ksft-guard-regions, lines 477 to 580
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 mmap 15..25 rw private anon
7 T2 madvise 15..16 GUARD_INSTALL
8 T2 madvise 17..18 GUARD_INSTALL
9 T2 madvise 19..20 GUARD_INSTALL
10 T2 madvise 21..22 GUARD_INSTALL
11 T2 madvise 23..24 GUARD_INSTALL
12 T2 madvise 15..25 DONTNEED
13 T2 read 15
14 T2 read 15
15 T2 read 17
16 T2 read 17
17 T2 munmap 15..25
18 T2 exit
19 T1 munmap 27..28
20 T1 munmap 25..27
21 T1 exit
22 T0 fork T3
23 T3 mmap 27..28 rw shared anon
24 T3 mmap 25..27 rw shared anon
25 T3 fork T4
26 T4 mmap 15..25 rw private anon
27 T4 madvise 15..25 GUARD_INSTALL
28 T4 madvise 15..20 GUARD_INSTALL
29 T4 read 15
30 T4 read 16
31 T4 read 17
32 T4 read 18
33 T4 madvise 15..25 GUARD_REMOVE
34 T4 munmap 15..25
35 T4 exit
36 T3 munmap 27..28
37 T3 munmap 25..27
38 T3 exit
39 T0 fork T5
40 T5 mmap 27..28 rw shared anon
41 T5 mmap 25..27 rw shared anon
42 T5 fork T6
43 T6 mmap 20..25 rw private anon
44 T6 madvise 20..21 GUARD_INSTALL
45 T6 madvise 24..25 GUARD_INSTALL
46 T6 read 20
47 T6 read 24
48 T6 mmap 15..20 none private anon
49 T6 mremap 20..25 to 15
50 T6 read 15
51 T6 read 19
52 T6 munmap 15..20
53 T6 exit
54 T5 munmap 27..28
55 T5 munmap 25..27
56 T5 exit
57 T0 fork T7
58 T7 mmap 27..28 rw shared anon
59 T7 mmap 25..27 rw shared anon
