# mmfarm scenario 1
# title: ksft-mremap_test, lines 3 to 99
# expect: clean
# origin: strace:ksft-mremap_test
config pmd_order=3 frames=64 pages=1368
1 T0 mmap 1232..1233 rw private x0
2 T0 mmap 1356..1358 rw private x1
3 T0 mmap 1345..1347 rw private anon
4 T0 mmap 1335..1345 r private x2
5 T0 mmap 1277..1335 r private x3
6 T0 mmap 1291..1305 rx private x3+14
7 T0 mmap 1305..1316 r private x3+28
8 T0 mmap 1316..1322 rw private x3+39
9 T0 mmap 1322..1335 rw private anon
10 T0 mmap 1274..1277 rw private anon
11 T0 mprotect 1316..1320 r
12 T0 mprotect 1232..1233 r
13 T0 mprotect 1356..1358 r
14 T0 munmap 1335..1345
15 T0 mmap 1246..1255 rw private anon
16 T0 mmap 1264..1272 rw private anon
17 T0 mmap 9..10 rw shared anon noreplace
18 T0 mmap 9..10 rw shared anon noreplace
19 T0 munmap 9..10
20 T0 mmap 9..10 rw shared anon noreplace
21 T0 munmap 9..10
22 T0 mmap 9..10 rw shared anon noreplace
23 T0 munmap 9..10
24 T0 mmap 9..11 rw shared anon noreplace
25 T0 mmap 13..15 rw shared anon noreplace
26 T0 munmap 13..15
27 T0 mremap 9..11 to 13
28 T0 munmap 13..15
29 T0 munmap 9..11
30 T0 mmap 24..296 rw shared anon noreplace
31 T0 mmap 297..569 rw shared anon noreplace
32 T0 munmap 297..569
33 T0 mremap 24..296 to 297
34 T0 munmap 297..569
35 T0 munmap 24..296
36 T0 mmap 24..296 rw shared anon noreplace
37 T0 mmap 568..840 rw shared anon noreplace
38 T0 munmap 568..840
39 T0 mremap 24..296 to 568
40 T0 munmap 568..840
41 T0 munmap 24..296
42 T0 mmap 280..584 rw shared anon noreplace
43 T0 mmap 585..889 rw shared anon noreplace
44 T0 munmap 585..889
45 T0 mremap 280..584 to 585
46 T0 munmap 585..889
47 T0 munmap 280..584
48 T0 mmap 280..584 rw shared anon noreplace
49 T0 mmap 840..1144 rw shared anon noreplace
50 T0 munmap 840..1144
51 T0 mremap 280..584 to 840
52 T0 munmap 840..1144
53 T0 munmap 280..584
54 T0 mmap 280..584 rw shared anon noreplace
55 T0 mmap 888..1192 rw shared anon noreplace
56 T0 munmap 888..1192
57 T0 mremap 280..584 to 888
58 T0 munmap 888..1192
59 T0 munmap 280..584
60 T0 mmap 1200..1208 rw shared anon noreplace
61 T0 mmap 1209..1217 rw shared anon noreplace
62 T0 munmap 1209..1217
63 T0 mremap 1200..1208 to 1209
64 T0 munmap 1209..1217
