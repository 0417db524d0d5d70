# mmfarm scenario 1
# title: a late fault meets an allocation that fails
# category: memfd
# expect: page-cache shmem_alloc_folio file
# origin: seed:shmem-fault-keeps-page-behind-end
config pmd_order=3 frames=64 bug=shmem-fault-keeps-page-behind-end
1 T0 memfd f0 1
2 T0 mmap 0..4 r private f0
3 T0 ftruncate f0 4
4 T0 pin_fast p0 0 r longterm
5 T0 ftruncate f0 0
6 T0 fallocate f0 3 63 allocate
7 T1 read 3
8 T2 read 0
@4 gup_fast_pmd_range:read_pmd#1 -> T1
@6 shmem_add_to_page_cache:lock#2 -> T1
@7 shmem_get_folio:lookup#1 -> T2
