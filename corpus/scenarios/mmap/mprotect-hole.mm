# mmfarm scenario 1
# title: mprotect() changes what comes before a hole and then fails with ENOMEM
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 4..6 rw private anon
3 T0 mprotect 0..6 r
4 T0 write 1
5 T0 write 5
