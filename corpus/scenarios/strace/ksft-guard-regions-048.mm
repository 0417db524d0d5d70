# mmfarm scenario 1
# title: ksft-guard-regions, lines 5192 to 5725
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 memfd f0 40
2 T0 mmap 9..49 r shared f0
3 T0 mmap 49..51 rw shared anon
4 T0 madvise 31..32 GUARD_INSTALL
5 T0 read 31
6 T0 madvise 33..34 GUARD_INSTALL
7 T0 read 33
8 T0 madvise 35..36 GUARD_INSTALL
9 T0 read 35
10 T0 madvise 37..38 GUARD_INSTALL
11 T0 read 37
12 T0 madvise 39..40 GUARD_INSTALL
13 T0 read 39
14 T0 madvise 41..42 GUARD_INSTALL
15 T0 read 41
16 T0 madvise 43..44 GUARD_INSTALL
17 T0 read 43
18 T0 madvise 45..46 GUARD_INSTALL
19 T0 read 45
20 T0 madvise 47..48 GUARD_INSTALL
21 T0 read 47
22 T0 madvise 9..49 HUGEPAGE
23 T0 madvise 9..49 COLLAPSE
24 T0 read 9
25 T0 read 11
26 T0 read 13
27 T0 read 15
28 T0 exit
