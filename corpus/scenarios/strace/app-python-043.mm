# mmfarm scenario 1
# title: app-python, lines 1885 to 1927
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=128
1 T0 mmap 10..27 rw private anon
2 T0 mmap 41..42 rw private x0+5
3 T0 mmap 42..61 rw private anon
4 T0 mmap 76..77 rw private x1+10
5 T0 mmap 77..94 rw private anon
6 T0 mmap 102..115 rw private anon
7 T0 munmap 10..19
8 T0 munmap 50..61
9 T0 munmap 42..50
10 T0 munmap 77..85
11 T0 munmap 102..106
12 T0 exit
