# mmfarm scenario 1
# title: a guard region is installed while its VMA is split
# category: madv_guard
# expect: state split_vma vma
# origin: seed:split-vma-copies-flags-early
config pmd_order=3 frames=64 bug=split-vma-copies-flags-early
1 T0 mmap 0..2 rw private anon populate
2 T1 madvise 0..1 GUARD_INSTALL
3 T0 mprotect 1..2 r
@2 madvise_guard_install:set_flag#1 -> T0
