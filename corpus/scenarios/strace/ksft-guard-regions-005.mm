# mmfarm scenario 1
# title: ksft-guard-regions, lines 321 to 421
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
8 T2 madvise 24..25 GUARD_INSTALL
9 T2 read 15
10 T2 read 24
11 T2 munmap 15..16
12 T2 munmap 24..25
13 T2 mmap 15..16 rw private anon
14 T2 mmap 24..25 rw private anon
15 T2 munmap 15..25
16 T2 exit
17 T1 munmap 27..28
18 T1 munmap 25..27
19 T1 exit
20 T0 fork T3
21 T3 mmap 27..28 rw shared anon
22 T3 mmap 25..27 rw shared anon
23 T3 fork T4
24 T4 mmap 15..25 rw private anon
25 T4 madvise 20..22 GUARD_INSTALL
26 T4 read 20
27 T4 read 21
28 T4 mprotect 20..22 r
29 T4 read 20
30 T4 read 21
31 T4 madvise 20..22 GUARD_INSTALL
32 T4 read 20
33 T4 read 21
34 T4 madvise 15..25 GUARD_REMOVE
35 T4 munmap 15..25
36 T4 exit
37 T3 munmap 27..28
38 T3 munmap 25..27
39 T3 exit
40 T0 fork T5
41 T5 mmap 27..28 rw shared anon
42 T5 mmap 25..27 rw shared anon
43 T5 fork T6
44 T6 mmap 15..25 rw private anon
45 T6 madvise 15..25 GUARD_INSTALL
46 T6 read 15
47 T6 read 16
48 T6 read 17
49 T6 read 18
50 T6 munmap 17..18
51 T6 munmap 20..21
52 T6 munmap 23..24
53 T6 read 15
54 T6 read 16
55 T6 read 17
56 T6 read 18
57 T6 mmap 17..18 rw private anon
58 T6 mmap 20..21 rw private anon
59 T6 mmap 23..24 rw private anon
60 T6 read 15
61 T6 read 16
62 T6 read 18
63 T6 read 19
64 T6 madvise 15..25 GUARD_INSTALL
