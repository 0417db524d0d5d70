# mmfarm scenario 1
# title: ksft-guard-regions, lines 581 to 605
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 41..43 rw shared anon
2 T0 mmap 43..44 rw shared anon
3 T0 mmap 44..45 rw shared anon
4 T0 fork T1
5 T1 mmap 31..41 rw private anon
6 T1 munmap 36..41
7 T1 madvise 31..32 GUARD_INSTALL
8 T1 madvise 35..36 GUARD_INSTALL
9 T1 read 31
10 T1 read 35
11 T1 mremap 31..36 to 31..41
12 T1 read 31
13 T1 read 35
14 T1 mmap 11..31 none private anon
15 T1 mremap 31..41 to 11..31
16 T1 read 11
17 T1 read 15
18 T1 munmap 11..31
19 T1 exit
20 T0 munmap 43..44
21 T0 munmap 41..43
22 T0 exit
