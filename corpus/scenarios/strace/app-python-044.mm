# mmfarm scenario 1
# title: app-python, lines 1906 to 1919
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=128
1 T0 mmap 13..14 rw private x0
2 T0 mmap 115..117 rw private x1
3 T0 mmap 104..106 rw private anon
4 T0 mmap 94..104 r private x2
5 T0 mmap 28..94 r private x2
6 T0 mmap 50..64 rx private x2+22
7 T0 mmap 64..75 r private x2+36
8 T0 mmap 75..81 rw private x2+47
9 T0 mmap 81..94 rw private anon
10 T0 mmap 25..28 rw private anon
11 T0 mprotect 75..79 r
12 T0 mprotect 13..14 r
13 T0 mprotect 115..117 r
14 T0 munmap 94..104
15 T0 exit
