# mmfarm scenario 1
# title: without memory for a huge page the fault takes a small one
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 mincore 0..8
4 T0 read 3
@2 do_huge_pmd_anonymous_page:alloc#1 fail
