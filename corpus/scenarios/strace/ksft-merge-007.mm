# mmfarm scenario 1
# title: ksft-merge, lines 449 to 473
# expect: clean
# origin: strace:ksft-merge
config pmd_order=3 frames=64 pages=88
1 T0 mmap 41..42 rw shared anon
2 T0 mmap 42..43 rw shared anon
3 T0 fork T1
4 T1 mmap 11..41 none private anon
5 T1 mmap 12..17 rw private anon
6 T1 mmap 18..23 rw private anon
7 T1 mmap 25..30 rw private anon
8 T1 mremap 25..30 to 73
9 T1 mremap 18..23 to 58
10 T1 mremap 73..78 to 22
11 T1 mremap 58..63 to 17
12 T1 munmap 11..41
13 T1 exit
14 T0 munmap 41..42
15 T0 exit
