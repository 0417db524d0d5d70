# mmfarm scenario 1
# title: munmap() that cannot split a mapping unmaps nothing
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 munmap 2..4
4 T0 read 3
@3 vm_area_dup:alloc#1 fail
