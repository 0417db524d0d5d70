# mmfarm scenario 1
# title: MREMAP_DONTUNMAP of locked memory leaves pages counted that are not locked
# category: mremap
# expect: accounting move_vma mm
# origin: seed:mremap-dontunmap-locked-vm-partial
config pmd_order=3 frames=64 bug=mremap-dontunmap-locked-vm-partial
1 T0 mmap 0..2 rw private anon locked
2 T0 mremap 0..1 to 8 dontunmap
