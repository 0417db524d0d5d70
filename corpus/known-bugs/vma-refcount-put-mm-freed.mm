# mmfarm scenario 1
# title: a reader wakes the writer of a VMA that has become another mm's, which is gone
# category: vma_merge
# expect: use-after-free vma_start_read mm
# origin: seed:vma-refcount-put-mm-freed
config pmd_order=3 frames=64 cpus=2 T0@0 T1@1 T2@0 bug=vma-refcount-put-mm-freed
1 T0 fork T2
2 T0 mmap 0..1 rw private anon
3 T1 write 0
4 T0 munmap 0..1
5 T2 mmap 0..1 rw private anon
6 T2 munmap 0..1
7 T2 exit
8 T0 read 5
@3 vma_refcount_put:wake#1 park 8
@3 vma_start_read:get#1 park 5
@3 vma_start_read:recheck#1 -> T2
@6 vma_start_exclude_readers:check#1 -> T1
