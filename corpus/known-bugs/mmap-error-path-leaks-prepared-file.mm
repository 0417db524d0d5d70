# mmfarm scenario 1
# title: an mmap() that fails keeps the file that mmap_prepare() has opened for it
# category: mmap
# expect: leak mmap_region file
# origin: seed:mmap-error-path-leaks-prepared-file
config pmd_order=3 frames=64 bug=mmap-error-path-leaks-prepared-file
1 T0 mmap 0..1 rw shared anon
@1 vm_area_alloc:alloc#1 fail
