# mmfarm scenario 1
# title: a thread reads through the huge translation while the entry is being split
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 read 3
4 T0 mprotect 0..4 r
5 T1 read 3
6 T1 read 4
@4 split_huge_pmd_locked:remove_rmap#1 -> T1
