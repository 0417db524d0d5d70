# mmfarm scenario 1
# title: a fault and mlock() of one page
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64 cpus=2 T0@0 T1@1
1 T0 mmap 0..4 rw private anon
2 T0 mlock 0..2
3 T1 write 1
4 T0 read 1
@2 do_anonymous_page:lock#2 -> T1
