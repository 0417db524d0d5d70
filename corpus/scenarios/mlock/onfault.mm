# mmfarm scenario 1
# title: mlock2() with MLOCK_ONFAULT prefaults nothing
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mlock2 0..4 onfault
3 T0 mincore 0..4
4 T0 write 1
5 T0 mlock 0..4
6 T0 mincore 0..4
