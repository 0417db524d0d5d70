# mmfarm scenario 1
# title: after the child has exited the parent writes its huge page in place
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T1 read 3
5 T1 exit
6 T0 write 4
7 T0 pagemap 3
8 T0 read 3
