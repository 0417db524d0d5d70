# mmfarm scenario 1
# title: ksft-guard-regions, lines 3511 to 3595
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 memfd f0 20
7 T2 mmap 15..25 rw shared f0
8 T2 madvise 15..20 GUARD_INSTALL
9 T2 fork T3
10 T3 read 15
11 T3 read 16
12 T3 read 17
13 T3 read 18
14 T3 madvise 15..25 GUARD_REMOVE
15 T3 exit
16 T2 read 15
17 T2 read 16
18 T2 read 17
19 T2 read 18
20 T2 munmap 15..25
21 T2 exit
22 T1 munmap 27..28
23 T1 munmap 25..27
24 T1 exit
25 T0 fork T4
26 T4 mmap 27..28 rw shared anon
27 T4 mmap 25..27 rw shared anon
28 T4 fork T5
29 T5 memfd f1 12
30 T5 exit
31 T4 munmap 27..28
32 T4 munmap 25..27
33 T4 exit
34 T0 fork T6
35 T6 mmap 27..28 rw shared anon
36 T6 mmap 25..27 rw shared anon
37 T6 fork T7
38 T7 memfd f2 12
39 T7 exit
40 T6 munmap 27..28
41 T6 munmap 25..27
42 T6 exit
