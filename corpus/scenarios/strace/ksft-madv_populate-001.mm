# mmfarm scenario 1
# title: ksft-madv_populate, lines 3 to 4233
# expect: clean
# origin: strace:ksft-madv_populate
config pmd_order=3 frames=256 pages=160
1 T0 mmap 10..11 rw private x0
2 T0 mmap 148..150 rw private x1
3 T0 mmap 137..139 rw private anon
4 T0 mmap 127..137 r private x2
5 T0 mmap 69..127 r private x3
6 T0 mmap 83..97 rx private x3+14
7 T0 mmap 97..108 r private x3+28
8 T0 mmap 108..114 rw private x3+39
9 T0 mmap 114..127 rw private anon
10 T0 mmap 66..69 rw private anon
11 T0 mprotect 108..112 r
12 T0 mprotect 10..11 r
13 T0 mprotect 148..150 r
14 T0 munmap 127..137
15 T0 mmap 136..137 rw private anon
16 T0 mmap 20..29 rw private anon
17 T0 munmap 136..137
18 T0 mmap 136..137 rw private anon
19 T0 madvise 136..137 POPULATE_READ
20 T0 madvise 136..137 POPULATE_WRITE
21 T0 munmap 136..137
22 T0 mmap 40..56 r private anon
23 T0 madvise 40..56 POPULATE_READ
24 T0 madvise 40..56 POPULATE_WRITE
25 T0 munmap 40..56
26 T0 mmap 40..56 w private anon
27 T0 madvise 40..56 POPULATE_READ
28 T0 madvise 40..56 POPULATE_WRITE
29 T0 munmap 40..56
30 T0 mmap 40..56 rw private anon
31 T0 munmap 41..42
32 T0 madvise 40..56 POPULATE_READ
33 T0 madvise 40..56 POPULATE_WRITE
34 T0 madvise 40..42 POPULATE_READ
35 T0 madvise 40..42 POPULATE_WRITE
36 T0 madvise 41..42 POPULATE_READ
37 T0 madvise 41..42 POPULATE_WRITE
38 T0 munmap 40..56
39 T0 mmap 40..56 rw private anon
40 T0 pagemap 40
41 T0 pagemap 41
42 T0 pagemap 42
43 T0 pagemap 43
44 T0 madvise 40..56 POPULATE_READ
45 T0 pagemap 40
46 T0 pagemap 41
47 T0 pagemap 42
48 T0 pagemap 43
49 T0 munmap 40..56
50 T0 mmap 40..56 rw private anon
51 T0 pagemap 40
52 T0 pagemap 41
53 T0 pagemap 42
54 T0 pagemap 43
55 T0 madvise 40..56 POPULATE_WRITE
56 T0 pagemap 40
57 T0 pagemap 41
58 T0 pagemap 42
59 T0 pagemap 43
60 T0 munmap 40..56
61 T0 mmap 136..137 rw private anon
62 T0 munmap 136..137
63 T0 exit
