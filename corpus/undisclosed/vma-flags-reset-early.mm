# mmfarm scenario 1
# title: guard regions come while mprotect() has their VMA in its hands
# category: madv_guard
# expect: state guard_install_set_pte pte
# origin: seed:vma-flags-reset-early
config pmd_order=3 frames=64 bug=vma-flags-reset-early
1 T0 mmap 0..1 rw shared anon
2 T0 madvise 0..1 GUARD_INSTALL
3 T1 mprotect 0..1 r
@2 vma_start_read:recheck#1 -> T1
