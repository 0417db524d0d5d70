# mmfarm scenario 1
# title: ksft-mkdirty, lines 3 to 105
# expect: clean
# origin: strace:ksft-mkdirty
config pmd_order=3 frames=128 pages=176
1 T0 mmap 9..10 rw private x0
2 T0 mmap 166..168 rw private x1
3 T0 mmap 155..157 rw private anon
4 T0 mmap 145..155 r private x2
5 T0 mmap 87..145 r private x3
6 T0 mmap 101..115 rx private x3+14
7 T0 mmap 115..126 r private x3+28
8 T0 mmap 126..132 rw private x3+39
9 T0 mmap 132..145 rw private anon
10 T0 mmap 84..87 rw private anon
11 T0 mprotect 126..130 r
12 T0 mprotect 9..10 r
13 T0 mprotect 166..168 r
14 T0 munmap 145..155
15 T0 mmap 20..37 rw private anon
16 T0 mmap 154..155 r private anon
17 T0 write 154
18 T0 munmap 154..155
19 T0 mmap 48..72 r private anon
20 T0 madvise 56..72 HUGEPAGE
21 T0 pagemap 71
22 T0 write 56
23 T0 munmap 48..72
24 T0 mmap 154..155 rw private anon
25 T0 mprotect 154..155 r
26 T0 write 154
27 T0 munmap 154..155
28 T0 mmap 48..72 rw private anon
29 T0 madvise 56..72 HUGEPAGE
30 T0 mprotect 56..72 r
31 T0 pagemap 71
32 T0 write 56
33 T0 munmap 48..72
34 T0 mmap 48..72 rw private anon
35 T0 madvise 56..72 HUGEPAGE
36 T0 mprotect 56..72 r
37 T0 pagemap 71
38 T0 mprotect 71..72 rw
39 T0 write 56
40 T0 munmap 48..72
41 T0 mmap 154..155 r private anon
42 T0 userfaultfd u0
43 T0 uffd_register u0 154..155 missing
44 T0 uffd_copy u0 154..155 from 21
45 T0 write 154
46 T0 uffd_close u0
47 T0 munmap 154..155
48 T0 exit
