# mmfarm scenario 1
# title: ksft-guard-regions, lines 4089 to 4199
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=256
1 T0 mmap 44..45 rw shared anon
2 T0 fork T1
3 T1 mmap 43..44 rw shared anon
4 T1 mmap 41..43 rw shared anon
5 T1 fork T2
6 T2 memfd f0 20
7 T2 mmap 31..41 rw shared f0
8 T2 pagemap 31
9 T2 pagemap 32
10 T2 pagemap 33
11 T2 pagemap 34
12 T2 madvise 31..32 GUARD_INSTALL
13 T2 madvise 33..34 GUARD_INSTALL
14 T2 madvise 35..36 GUARD_INSTALL
15 T2 madvise 37..38 GUARD_INSTALL
16 T2 madvise 39..40 GUARD_INSTALL
17 T2 pagemap 31
18 T2 pagemap 32
19 T2 pagemap 33
20 T2 pagemap 34
21 T2 munmap 31..41
22 T2 exit
23 T1 munmap 43..44
24 T1 munmap 41..43
25 T1 exit
26 T0 fork T3
27 T3 mmap 43..44 rw shared anon
28 T3 mmap 41..43 rw shared anon
29 T3 fork T4
30 T4 memfd f1 20
31 T4 mmap 31..41 rw shared f1
32 T4 madvise 31..32 GUARD_INSTALL
33 T4 madvise 33..34 GUARD_INSTALL
34 T4 madvise 35..36 GUARD_INSTALL
35 T4 madvise 37..38 GUARD_INSTALL
36 T4 madvise 39..40 GUARD_INSTALL
37 T4 munmap 31..41
38 T4 exit
39 T3 munmap 43..44
40 T3 munmap 41..43
41 T3 exit
42 T0 fork T5
43 T5 mmap 43..44 rw shared anon
44 T5 mmap 41..43 rw shared anon
45 T5 fork T6
46 T6 memfd f2 20
47 T6 ftruncate f2 32
48 T6 mmap 9..41 r shared f2
49 T6 madvise 9..41 NOHUGEPAGE
50 T6 madvise 9..41 POPULATE_READ
51 T6 madvise 9..10 GUARD_INSTALL
52 T6 read 9
53 T6 madvise 11..12 GUARD_INSTALL
54 T6 read 11
55 T6 madvise 13..14 GUARD_INSTALL
56 T6 read 13
57 T6 madvise 15..16 GUARD_INSTALL
58 T6 read 15
59 T6 madvise 17..18 GUARD_INSTALL
60 T6 read 17
61 T6 madvise 19..20 GUARD_INSTALL
62 T6 read 19
63 T6 madvise 21..22 GUARD_INSTALL
64 T6 read 21
