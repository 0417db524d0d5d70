# mmfarm scenario 1
# title: closing a userfaultfd uses the error of a merge without memory as a VMA
# category: userfaultfd
# expect: kernel-assertion userfaultfd_release_all vma
# origin: seed:uffd-release-merge-oom
config pmd_order=3 frames=64 bug=uffd-release-merge-oom
1 T0 mmap 0..2 r private anon
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..1 missing
4 T0 uffd_close u0
@4 commit_merge:prealloc#1 fail
