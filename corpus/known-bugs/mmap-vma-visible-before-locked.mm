# mmfarm scenario 1
# title: a fault uses a new VMA before mmap() has given it its flags
# category: mmap
# expect: permission mmap_region pte
config pmd_order=3 frames=64 bug=mmap-vma-visible-before-locked
1 T0 mmap 0..4 none private anon
2 T1 read 1
@1 mmap_region:set_flags#1 -> T1
