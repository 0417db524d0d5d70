# mmfarm scenario 1
# title: a split comes by a huge page of another folio under migration
# category: thp
# requires: device-private
# expect: kernel-assertion split_huge_pmd_locked page-table
# origin: seed:split-huge-pmd-derefs-migration-entry
config pmd_order=3 frames=64 thp=always bug=split-huge-pmd-derefs-migration-entry
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 fork T1
4 T0 madvise 0..8 DONTNEED
5 T0 write 0
6 DEVICE1 device_close
7 DEVICE1 device_open T1
8 DEVICE migrate_to_device 0..8
9 DEVICE1 migrate_to_device 0..1
@8 migrate_device_unmap:check#1 -> DEVICE1
