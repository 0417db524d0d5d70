# mmfarm scenario 1
# title: app-gcc, lines 290 to 320
# expect: clean
# origin: strace:app-gcc
config pmd_order=3 frames=64 pages=304
1 T0 mmap 14..47 rw private anon
2 T0 mmap 242..244 r private x0
3 T0 mmap 244..257 rx private x0+2
4 T0 mmap 257..262 r private x0+15
5 T0 mmap 262..263 rw private x0+20
6 T0 mmap 263..294 r private x0
7 T0 munmap 46..47
8 T0 munmap 45..46
9 T0 munmap 44..45
10 T0 munmap 43..44
11 T0 munmap 42..43
12 T0 munmap 30..42
13 T0 munmap 29..30
14 T0 mmap 29..58 rw private anon
15 T0 mmap 58..67 rw private anon
16 T0 mmap 67..77 rw private anon
17 T0 mmap 77..86 rw private anon
18 T0 mmap 86..95 rw private anon
19 T0 mmap 95..104 rw private anon
20 T0 mmap 104..113 rw private anon
21 T0 mmap 113..127 rw private anon
22 T0 mmap 127..136 rw private anon
23 T0 mmap 136..145 rw private anon
24 T0 mmap 145..154 rw private anon
25 T0 mmap 154..163 rw private anon
26 T0 mmap 233..242 rw private anon
27 T0 mmap 163..172 rw private anon
28 T0 mmap 172..181 rw private anon
29 T0 mmap 181..190 rw private anon
30 T0 mmap 225..233 rw private anon
31 T0 munmap 225..233
32 T0 mmap 190..198 rw private anon
33 T0 mmap 198..213 rw private anon
34 T0 munmap 233..242
35 T0 munmap 242..263
36 T0 exit
