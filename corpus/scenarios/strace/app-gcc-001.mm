# mmfarm scenario 1
# title: app-gcc, lines 3 to 328
# expect: clean
# origin: strace:app-gcc
config pmd_order=3 frames=64 pages=208
1 T0 mmap 9..12 rw private x0
2 T0 mmap 197..199 rw private x1
3 T0 mmap 186..188 rw private anon
4 T0 mmap 176..186 r private x2
5 T0 mmap 94..176 r private x2
6 T0 mmap 124..146 rx private x2+30
7 T0 mmap 146..157 r private x2+52
8 T0 mmap 157..163 rw private x2+63
9 T0 mmap 163..176 rw private anon
10 T0 mmap 91..94 rw private anon
11 T0 mprotect 157..161 r
12 T0 mprotect 9..12 r
13 T0 mprotect 197..199 r
14 T0 munmap 176..186
15 T0 mmap 21..30 rw private anon
16 T0 mmap 30..40 rw private anon
17 T0 mmap 52..91 r private x2
18 T0 mmap 179..186 r shared x2
19 T0 mmap 178..179 r private x2
20 T0 exit
