# mmfarm scenario 1
# title: mprotect() that begins in a hole changes nothing
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 2..4 rw private anon
2 T0 mprotect 0..4 r
3 T0 write 3
