# mmfarm scenario 1
# title: ksft-mremap_test, lines 100 to 166
# expect: clean
# origin: strace:ksft-mremap_test
config pmd_order=3 frames=64 pages=456
1 T0 mmap 416..424 rw private anon
2 T0 mmap 441..443 rw private anon
3 T0 munmap 296..320
4 T0 mmap 296..320 rw shared anon noreplace
5 T0 mmap 328..352 rw shared anon noreplace
6 T0 munmap 328..352
7 T0 mremap 296..320 to 328
8 T0 munmap 328..352
9 T0 munmap 296..320
10 T0 mmap 296..320 rw shared anon noreplace
11 T0 mmap 336..360 rw shared anon noreplace
12 T0 munmap 336..360
13 T0 mremap 296..320 to 336
14 T0 munmap 336..360
15 T0 munmap 296..320
16 T0 mmap 296..320 rw shared anon noreplace
17 T0 mmap 344..368 rw shared anon noreplace
18 T0 munmap 344..368
19 T0 mremap 296..320 to 344
20 T0 munmap 344..368
21 T0 munmap 296..320
22 T0 mmap 8..80 rw shared anon noreplace
23 T0 mmap 96..168 rw shared anon noreplace
24 T0 munmap 96..168
25 T0 mremap 8..80 to 96
26 T0 munmap 96..168
27 T0 munmap 8..80
28 T0 mmap 8..80 rw shared anon noreplace
29 T0 mmap 216..288 rw shared anon noreplace
30 T0 munmap 216..288
31 T0 mmap 96..216 rw shared anon noreplace
32 T0 mremap 8..80 to 216
33 T0 munmap 216..288
34 T0 munmap 96..216
35 T0 munmap 8..80
36 T0 mmap 438..441 rw private anon
37 T0 munmap 439..440
38 T0 mremap 438..439 to 438..440
39 T0 munmap 438..441
40 T0 mmap 438..441 rw private anon
41 T0 munmap 440..441
42 T0 mremap 439..440 to 439..441
43 T0 munmap 438..441
44 T0 mmap 376..416 rw private anon
45 T0 mremap 400..408 to 384
46 T0 munmap 376..416
47 T0 mmap 48..104 rw shared anon noreplace
48 T0 munmap 48..104
49 T0 mmap 56..120 rw shared anon noreplace
50 T0 munmap 56..120
51 T0 mmap 64..136 rw shared anon noreplace
52 T0 munmap 64..136
53 T0 mmap 72..152 rw shared anon noreplace
54 T0 munmap 72..152
55 T0 mmap 88..176 rw shared anon noreplace
56 T0 mmap 48..104 rw shared anon noreplace
57 T0 mmap 56..120 rw shared anon noreplace
58 T0 mmap 64..136 rw shared anon noreplace
59 T0 mmap 72..152 rw shared anon noreplace
60 T0 mmap 88..176 rw shared anon noreplace
61 T0 mmap 112..184 rw shared anon noreplace
62 T0 mmap 128..192 rw shared anon noreplace
63 T0 mmap 144..200 rw shared anon noreplace
64 T0 mmap 160..208 rw shared anon noreplace
