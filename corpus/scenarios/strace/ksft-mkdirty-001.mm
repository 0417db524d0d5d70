# mmfarm scenario 1
# title: ksft-mkdirty, lines 3 to 105
# expect: clean
# origin: strace:ksft-mkdirty
config pmd_order=3 frames=64 pages=168
1 T0 mmap 9..10 rw private x0
2 T0 mmap 158..160 rw private x1
3 T0 mmap 147..149 rw private anon
4 T0 mmap 137..147 r private x2
5 T0 mmap 79..137 r private x3
6 T0 mmap 93..107 rx private x3+14
7 T0 mmap 107..118 r private x3+28
8 T0 mmap 118..124 rw private x3+39
9 T0 mmap 124..137 rw private anon
10 T0 mmap 76..79 rw private anon
11 T0 mprotect 118..122 r
12 T0 mprotect 9..10 r
13 T0 mprotect 158..160 r
14 T0 munmap 137..147
15 T0 mmap 20..29 rw private anon
16 T0 mmap 146..147 r private anon
17 T0 write 146
18 T0 munmap 146..147
19 T0 mmap 40..64 r private anon
20 T0 madvise 48..64 HUGEPAGE
21 T0 pagemap 63
22 T0 write 48
23 T0 munmap 40..64
24 T0 mmap 146..147 rw private anon
25 T0 mprotect 146..147 r
26 T0 write 146
27 T0 munmap 146..147
28 T0 mmap 40..64 rw private anon
29 T0 madvise 48..64 HUGEPAGE
30 T0 mprotect 48..64 r
31 T0 pagemap 63
32 T0 write 48
33 T0 munmap 40..64
34 T0 mmap 40..64 rw private anon
35 T0 madvise 48..64 HUGEPAGE
36 T0 mprotect 48..64 r
37 T0 pagemap 63
38 T0 mprotect 63..64 rw
39 T0 write 48
40 T0 munmap 40..64
41 T0 mmap 146..147 r private anon
42 T0 write 146
43 T0 munmap 146..147
44 T0 exit
