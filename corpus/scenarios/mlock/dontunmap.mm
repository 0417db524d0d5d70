# mmfarm scenario 1
# title: what MREMAP_DONTUNMAP leaves behind of locked memory is not locked
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon locked
2 T0 write 1
3 T0 mremap 0..4 to 16 dontunmap
4 T0 madvise 0..4 DONTNEED
5 T0 madvise 16..20 DONTNEED
6 T0 read 17
