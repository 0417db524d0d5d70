# mmfarm scenario 1
# title: ksft-guard-regions, lines 6355 to 6366
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 15..25 rw shared x0
2 T0 mmap 25..27 rw shared anon
3 T0 read 15
4 T0 read 17
5 T0 read 17
6 T0 read 19
7 T0 munmap 15..25
8 T0 exit
