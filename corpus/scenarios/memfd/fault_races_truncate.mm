# mmfarm scenario 1
# title: a fault that has found the file long enough leaves no page behind its new end
# category: memfd
# expect: clean
# origin: seed:fault_races_truncate
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 2
4 T1 ftruncate f0 1
5 T0 fstat f0 blocks
6 T0 ftruncate f0 4
7 T0 read 2
@3 shmem_alloc_folio:alloc#1 -> T1
