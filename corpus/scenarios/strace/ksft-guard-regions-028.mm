# mmfarm scenario 1
# title: ksft-guard-regions, lines 3002 to 3109
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128 pages=128
1 T0 memfd f0 52
2 T0 mmap 13..23 rw shared f0
3 T0 mmap 63..68 rw shared f0
4 T0 mmap 93..113 rw shared f0
5 T0 mmap 113..115 rw shared anon
6 T0 madvise 13..113 GUARD_REMOVE
7 T0 mmap 23..63 rwx shared f0
8 T0 mmap 68..93 rwx shared f0
9 T0 madvise 13..113 GUARD_INSTALL
10 T0 read 13
11 T0 read 14
12 T0 read 15
13 T0 read 16
14 T0 madvise 13..113 GUARD_REMOVE
15 T0 munmap 13..113
16 T0 exit
