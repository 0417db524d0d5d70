# mmfarm scenario 1
# title: ksft-guard-regions, lines 6221 to 6228
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 15..20 rw shared x0
2 T0 mmap 20..22 r shared x0+5
3 T0 mmap 22..25 rw shared x0+7
4 T0 mmap 25..27 rw shared anon
5 T0 read 21
6 T0 madvise 20..22 GUARD_INSTALL
7 T0 read 20
8 T0 read 21
9 T0 madvise 15..25 GUARD_REMOVE
10 T0 munmap 15..25
11 T0 exit
