# mmfarm scenario 1
# title: ksft-mremap_test, lines 227 to 288
# expect: clean
# origin: strace:ksft-mremap_test
config pmd_order=3 frames=64 pages=80
1 T0 mmap 24..32 rw private anon
2 T0 mmap 42..67 rw private anon
3 T0 mmap 14..24 rw private anon
4 T0 munmap 14..24
5 T0 munmap 60..61
6 T0 mremap 57..64 to 14
7 T0 munmap 14..24
8 T0 munmap 55..65
9 T0 mmap 55..65 rw private anon
10 T0 mmap 14..24 rw private anon
11 T0 munmap 14..24
12 T0 munmap 60..61
13 T0 mremap 57..64 to 14 dontunmap
14 T0 munmap 14..24
15 T0 munmap 55..65
16 T0 mmap 55..65 rw private anon
17 T0 mmap 14..24 none private anon
18 T0 munmap 14..24
19 T0 munmap 56..57
20 T0 munmap 58..59
21 T0 munmap 60..61
22 T0 munmap 62..63
23 T0 munmap 64..65
24 T0 mremap 55..65 to 14
25 T0 mremap 55..56 to 14
26 T0 munmap 14..15
27 T0 mmap 55..56 rw private anon
28 T0 mremap 55..65 to 14
29 T0 munmap 14..15
30 T0 munmap 55..63
31 T0 mmap 55..56 rw private anon
32 T0 mmap 57..58 rw private anon
33 T0 mmap 59..60 rw private anon
34 T0 mmap 61..62 rw private anon
35 T0 mremap 55..65 to 14
36 T0 munmap 14..24
37 T0 munmap 55..65
38 T0 munmap 24..32
39 T0 exit
