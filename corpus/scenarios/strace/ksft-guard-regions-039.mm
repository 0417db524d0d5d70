# mmfarm scenario 1
# title: ksft-guard-regions, lines 3847 to 3849
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 9..11 rw shared anon
2 T0 munmap 9..11
3 T0 exit
