# mmfarm scenario 1
# title: mprotect() of all of a huge page leaves it whole
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 mprotect 0..8 r
4 T0 write 3
5 T0 read 3
6 T0 mprotect 0..8 rw
7 T0 write 4
8 T0 mprotect 0..8 none
9 T0 read 4
10 T0 mprotect 0..8 rw
11 T0 read 4
