# mmfarm scenario 1
# title: ksft-guard-regions, lines 103 to 107
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 9..11 rw shared anon
2 T0 mmap 11..12 rw shared anon
3 T0 mmap 12..13 rw shared anon
4 T0 munmap 11..12
5 T0 munmap 9..11
6 T0 exit
