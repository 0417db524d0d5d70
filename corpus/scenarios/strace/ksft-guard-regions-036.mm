# mmfarm scenario 1
# title: ksft-guard-regions, lines 3602 to 3714
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=256
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 memfd f0 12
7 T2 exit
8 T1 munmap 27..28
9 T1 munmap 25..27
10 T1 exit
11 T0 fork T3
12 T3 mmap 27..28 rw shared anon
13 T3 mmap 25..27 rw shared anon
14 T3 fork T4
15 T4 memfd f1 20
16 T4 mmap 15..25 rw shared f1
17 T4 madvise 15..25 GUARD_INSTALL
18 T4 madvise 15..25 POPULATE_READ
19 T4 madvise 15..25 POPULATE_WRITE
20 T4 munmap 15..25
21 T4 exit
22 T3 munmap 27..28
23 T3 munmap 25..27
24 T3 exit
25 T0 fork T5
26 T5 mmap 27..28 rw shared anon
27 T5 mmap 25..27 rw shared anon
28 T5 fork T6
29 T6 memfd f2 20
30 T6 mmap 15..25 rw shared f2
31 T6 madvise 15..25 GUARD_INSTALL
32 T6 read 15
33 T6 read 16
34 T6 read 17
35 T6 read 18
36 T6 madvise 15..25 COLD
37 T6 read 15
38 T6 read 16
39 T6 read 17
40 T6 read 18
41 T6 madvise 15..25 PAGEOUT
42 T6 read 15
43 T6 read 16
44 T6 read 17
45 T6 read 18
46 T6 munmap 15..25
47 T6 exit
48 T5 munmap 27..28
49 T5 munmap 25..27
50 T5 exit
51 T0 fork T7
52 T7 mmap 27..28 rw shared anon
53 T7 mmap 25..27 rw shared anon
