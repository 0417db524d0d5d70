# mmfarm scenario 1
# title: a page is filled while its VMA is unregistered
# category: userfaultfd
# expect: state mfill_atomic_install_pte pte
# origin: seed:uffd-unregister-vma-not-locked
config pmd_order=3 frames=64 bug=uffd-unregister-vma-not-locked
1 T0 mmap 0..2 rw private anon
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..1 wp
4 T0 uffd_copy u0 0..1 from 1 wp
5 T1 uffd_unregister u0 0..1
@4 vma_start_read:recheck#3 -> T1
