# mmfarm scenario 1
# title: two threads fault on one huge page: one of them gives its memory back
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 write 4
4 T0 read 4
5 T0 read 3
@2 do_huge_pmd_anonymous_page:lock#1 -> T1
