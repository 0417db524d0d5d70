# mmfarm scenario 1
# title: app-gcc, lines 204 to 324
# expect: clean
# origin: strace:app-gcc
config pmd_order=3 frames=64 pages=200
1 T0 mmap 8..11 rw private x0
2 T0 mmap 185..187 rw private x1
3 T0 mmap 174..176 rw private anon
4 T0 mmap 164..174 r private x2
5 T0 mmap 82..164 r private x2
6 T0 mmap 112..134 rx private x2+30
7 T0 mmap 134..145 r private x2+52
8 T0 mmap 145..151 rw private x2+63
9 T0 mmap 151..164 rw private anon
10 T0 mmap 79..82 rw private anon
11 T0 mprotect 145..149 r
12 T0 mprotect 8..11 r
13 T0 mprotect 185..187 r
14 T0 munmap 164..174
15 T0 mmap 21..30 rw private anon
16 T0 mmap 40..79 r private x2
17 T0 mmap 167..174 r shared x2
18 T0 mmap 166..167 r private x2
19 T0 exit
