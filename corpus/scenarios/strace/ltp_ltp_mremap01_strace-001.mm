# mmfarm scenario 1
# title: ltp_ltp_mremap01_strace, lines 4 to 90
# expect: clean
# origin: strace:ltp_ltp_mremap01_strace
config pmd_order=3 frames=64 pages=120
1 T0 mmap 110..111 rw private x0
2 T0 mmap 107..110 rw private anon
3 T0 mmap 53..91 rx private x1
4 T0 mprotect 66..81 none
5 T0 mmap 81..87 rw private x1+20
6 T0 mmap 87..91 rw private anon
7 T0 mmap 105..107 rw private anon
8 T0 mprotect 81..85 r
9 T0 mprotect 110..111 r
10 T0 mmap 8..17 rw private anon
11 T0 mmap 45..53 w shared x2
12 T0 mremap 45..53 to 29..45
13 T0 munmap 29..45
14 T0 exit
