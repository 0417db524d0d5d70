# mmfarm scenario 1
# title: a store just before fork() write-protects the page reaches both processes
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T3
4 T1 write 3.1
5 T2 write 3.2
6 T3 read 3.1
7 T3 read 3.2
8 T0 read 3.2
@3 copy_present_pte:wrprotect#1 -> T1
