# mmfarm scenario 1
# title: app-gcc, lines 90 to 136
# expect: clean
# origin: strace:app-gcc
config pmd_order=3 frames=64 pages=392
1 T0 mmap 8..19 rw private anon
2 T0 mmap 280..288 rw private anon
3 T0 mmap 338..353 r private x0
4 T0 mmap 369..384 rw private anon
5 T0 mmap 367..369 rw private anon
6 T0 mmap 365..367 rw private anon
7 T0 mmap 19..28 rw private anon
8 T0 mmap 363..365 rw private anon
9 T0 mmap 330..338 rw private anon
10 T0 mmap 326..330 rw private anon
11 T0 mmap 28..36 rw private anon
12 T0 mmap 322..326 rw private anon
13 T0 mmap 314..322 rw private anon
14 T0 mmap 306..314 rw private anon
15 T0 mmap 272..280 rw private anon
16 T0 mmap 36..53 rw private anon
17 T0 munmap 48..53
18 T0 munmap 46..48
19 T0 mmap 298..306 rw private anon
20 T0 mmap 46..64 rw private anon
21 T0 mmap 64..72 rw private anon
22 T0 mmap 72..80 rw private anon
23 T0 mmap 80..90 rw private anon
24 T0 mmap 90..100 rw private anon
25 T0 mmap 100..108 rw private anon
26 T0 mmap 108..125 rw private anon
27 T0 munmap 120..125
28 T0 munmap 118..120
29 T0 mmap 118..135 rw private anon
30 T0 mmap 135..145 rw private anon
31 T0 mmap 145..154 rw private anon
32 T0 mmap 154..163 rw private anon
33 T0 mmap 163..171 rw private anon
34 T0 mmap 296..298 rw private anon
35 T0 mmap 171..186 rw private anon
36 T0 mmap 186..208 rw private anon
37 T0 munmap 202..208
38 T0 munmap 194..202
39 T0 mmap 194..218 rw private anon
40 T0 mmap 218..253 rw private anon
41 T0 munmap 237..253
42 T0 munmap 225..237
43 T0 munmap 218..225
44 T0 mmap 218..263 rw private anon
45 T0 munmap 232..263
46 T0 munmap 223..232
47 T0 mmap 223..262 rw private anon
48 T0 munmap 239..262
49 T0 munmap 223..239
50 T0 exit
