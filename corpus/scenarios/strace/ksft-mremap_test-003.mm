# mmfarm scenario 1
# title: ksft-mremap_test, lines 167 to 226
# expect: clean
# origin: strace:ksft-mremap_test
config pmd_order=3 frames=64 pages=216
1 T0 mmap 8..32 rw shared anon
2 T0 mmap 160..168 rw private anon
3 T0 mmap 178..191 rw private anon
4 T0 mmap 201..203 rw private anon
5 T0 mmap 40..88 rw shared anon noreplace
6 T0 munmap 40..88
7 T0 mmap 48..96 rw shared anon noreplace
8 T0 munmap 48..96
9 T0 mmap 56..104 rw shared anon noreplace
10 T0 munmap 56..104
11 T0 mmap 64..112 rw shared anon noreplace
12 T0 munmap 64..72
13 T0 mremap 16..24 to 72
14 T0 munmap 8..32
15 T0 munmap 64..112
16 T0 mmap 191..201 rw private anon
17 T0 mmap 150..160 rw private anon
18 T0 munmap 150..160
19 T0 munmap 192..193
20 T0 munmap 194..195
21 T0 munmap 196..197
22 T0 munmap 198..199
23 T0 munmap 200..201
24 T0 mremap 191..201 to 191..192
25 T0 munmap 150..160
26 T0 munmap 191..201
27 T0 mmap 191..201 rw private anon
28 T0 mmap 150..160 rw private anon
29 T0 munmap 150..160
30 T0 munmap 192..193
31 T0 munmap 194..195
32 T0 munmap 196..197
33 T0 munmap 198..199
34 T0 munmap 200..201
35 T0 mremap 191..201 to 150..151
36 T0 munmap 150..160
37 T0 munmap 191..201
38 T0 mmap 149..160 rw private anon
39 T0 mmap 127..149 rw private anon
40 T0 munmap 127..149
41 T0 munmap 150..151
42 T0 munmap 152..153
43 T0 munmap 156..157
44 T0 munmap 158..159
45 T0 mremap 149..160 to 127
46 T0 mremap 127..138 to 138
47 T0 mmap 127..138 none private anon
48 T0 mremap 138..149 to 127
49 T0 munmap 127..149
50 T0 munmap 149..160
51 T0 mmap 149..160 rw private anon
52 T0 mmap 127..149 rw private anon
53 T0 munmap 127..149
54 T0 munmap 150..151
55 T0 munmap 152..153
56 T0 munmap 156..157
57 T0 munmap 158..159
58 T0 mremap 149..160 to 127 dontunmap
59 T0 mremap 127..138 to 138 dontunmap
60 T0 mmap 127..138 none private anon
61 T0 mremap 138..149 to 127 dontunmap
62 T0 munmap 127..149
63 T0 munmap 149..160
64 T0 mmap 191..201 rw private anon
