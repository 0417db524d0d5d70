# mmfarm scenario 1
# title: guard regions come while mprotect() merges their VMA
# category: madv_guard
# expect: state guard_install_set_pte pte
# origin: seed:vma-merge-copies-flags-early
config pmd_order=3 frames=64 bug=vma-merge-copies-flags-early
1 T0 mmap 0..2 w shared anon
2 T0 mprotect 0..1 none
3 T0 madvise 0..1 GUARD_INSTALL
4 T1 mprotect 0..1 w
@3 vma_start_read:recheck#1 -> T1
