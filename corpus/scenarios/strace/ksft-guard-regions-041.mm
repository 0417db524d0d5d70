# mmfarm scenario 1
# title: ksft-guard-regions, lines 4002 to 4111
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 memfd f0 12
7 T2 memfd f1 10
8 T2 mmap 15..25 rw shared f1
9 T2 munmap 15..25
10 T2 mmap 15..25 r shared f1
11 T2 madvise 15..16 GUARD_INSTALL
12 T2 madvise 17..18 GUARD_INSTALL
13 T2 madvise 19..20 GUARD_INSTALL
14 T2 madvise 21..22 GUARD_INSTALL
15 T2 madvise 23..24 GUARD_INSTALL
16 T2 read 15
17 T2 read 17
18 T2 read 19
19 T2 read 21
20 T2 madvise 15..25 GUARD_REMOVE
21 T2 write 15
22 T2 write 16
23 T2 write 17
24 T2 write 18
25 T2 munmap 15..25
26 T2 exit
27 T1 munmap 27..28
28 T1 munmap 25..27
29 T1 exit
30 T0 fork T3
31 T3 mmap 27..28 rw shared anon
32 T3 mmap 25..27 rw shared anon
33 T3 fork T4
34 T4 memfd f2 20
35 T4 mmap 15..25 r shared f2
36 T4 madvise 15..16 GUARD_INSTALL
37 T4 madvise 17..18 GUARD_INSTALL
38 T4 madvise 19..20 GUARD_INSTALL
39 T4 madvise 21..22 GUARD_INSTALL
40 T4 madvise 23..24 GUARD_INSTALL
41 T4 read 15
42 T4 read 17
43 T4 read 19
44 T4 read 21
45 T4 madvise 15..25 GUARD_REMOVE
46 T4 munmap 15..25
47 T4 exit
48 T3 munmap 27..28
49 T3 munmap 25..27
50 T3 exit
51 T0 fork T5
52 T5 mmap 27..28 rw shared anon
53 T5 mmap 25..27 rw shared anon
54 T5 fork T6
55 T6 memfd f3 20
56 T6 mmap 15..25 rw shared f3
57 T6 pagemap 15
58 T6 pagemap 16
59 T6 pagemap 17
60 T6 pagemap 18
61 T6 madvise 15..16 GUARD_INSTALL
62 T6 madvise 17..18 GUARD_INSTALL
63 T6 madvise 19..20 GUARD_INSTALL
64 T6 madvise 21..22 GUARD_INSTALL
