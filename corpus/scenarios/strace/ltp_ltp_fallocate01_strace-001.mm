# mmfarm scenario 1
# title: ltp_ltp_fallocate01_strace, lines 4 to 92
# expect: clean
# origin: strace:ltp_ltp_fallocate01_strace
config pmd_order=3 frames=64 pages=104
1 T0 mmap 90..91 rw private x0
2 T0 mmap 87..90 rw private anon
3 T0 mmap 33..71 rx private x1
4 T0 mprotect 46..61 none
5 T0 mmap 61..67 rw private x1+20
6 T0 mmap 67..71 rw private anon
7 T0 mmap 85..87 rw private anon
8 T0 mprotect 61..65 r
9 T0 mprotect 90..91 r
10 T0 mmap 10..19 rw private anon
11 T0 exit
