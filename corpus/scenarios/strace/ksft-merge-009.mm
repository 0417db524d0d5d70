# mmfarm scenario 1
# title: ksft-merge, lines 586 to 615
# expect: clean
# origin: strace:ksft-merge
config pmd_order=3 frames=64
1 T0 mmap 41..42 rw shared anon
2 T0 mmap 42..43 rw shared anon
3 T0 fork T1
4 T1 mmap 11..41 none private anon
5 T1 mmap 15..18 rw private anon
6 T1 fork T2
7 T2 mremap 15..18 to 31
8 T2 mmap 12..15 rw private anon
9 T2 mremap 31..34 to 15 dontunmap
10 T2 munmap 11..41
11 T2 exit
12 T1 exit
13 T0 munmap 41..42
14 T0 exit
