# mmfarm scenario 1
# title: clear_refs write-protects a huge page; one store to it makes all of it soft-dirty
# category: thp
# requires: soft-dirty
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 clear_refs soft-dirty
4 T0 pagemap 3
5 T0 write 4
6 T0 pagemap 3
7 T0 pagemap 4
