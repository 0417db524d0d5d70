# mmfarm scenario 1
# title: the child exits while the parent's store looks who else has the huge page
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T0 write 4
5 T1 exit
6 T0 read 3
7 T0 read 4
@4 do_huge_pmd_wp_page:refs#1 -> T1
