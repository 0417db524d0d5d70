# mmfarm scenario 1
# title: a fault uses a new VMA before mmap() has given it its flags
# category: mmap
config pmd_order=3 frames=64 bug=mmap-vma-visible-before-locked
1 T0 mmap 0..4 r private anon
2 T1 write 1
@1 mmap_region:set_flags#1 -> T1
