# mmfarm scenario 1
# title: no fault can use a new mapping before it has its protection
# category: mmap
# expect: clean
# origin: seed:mmap-vma-visible-before-locked
config pmd_order=3 frames=64
1 T0 mmap 0..4 none private anon
2 T1 read 1
@1 mmap_region:set_flags#1 -> T1
