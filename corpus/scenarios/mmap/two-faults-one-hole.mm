# mmfarm scenario 1
# title: of two faults on one untouched page the second uses the first one's page
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T1 write 1.1
4 T0 read 1
5 T0 read 1.1
@2 do_anonymous_page:lock#1 -> T1
