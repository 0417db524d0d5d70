# mmfarm scenario 1
# title: ksft-merge, lines 135 to 142
# expect: clean
# origin: strace:ksft-merge
config pmd_order=3 frames=64
1 T0 mmap 11..13 none private anon
2 T0 mmap 13..16 r private anon noreserve
3 T0 mmap 16..22 rw private anon noreserve
4 T0 mmap 22..33 none private anon
5 T0 mmap 33..34 rw shared anon
6 T0 mprotect 19..22 r
7 T0 mprotect 16..19 r
8 T0 munmap 11..33
9 T0 exit
