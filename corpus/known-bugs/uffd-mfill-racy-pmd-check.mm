# mmfarm scenario 1
# title: UFFDIO_COPY takes a huge page that has come meanwhile for a page table
# category: userfaultfd
# expect: kernel-assertion mfill_establish_pmd page-table
# origin: seed:uffd-mfill-racy-pmd-check
config pmd_order=3 frames=64 thp=always bug=uffd-mfill-racy-pmd-check
1 T0 mmap 0..8 rw private anon
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..8 wp
4 T1 uffd_zeropage u0 0..1
5 T0 read 0
6 T0 madvise 0..8 DONTNEED
@4 mfill_establish_pmd:pmd#2 -> T0
@4 pte_alloc:new_table#1 -> T0
