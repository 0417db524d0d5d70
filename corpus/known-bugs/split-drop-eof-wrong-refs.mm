# mmfarm scenario 1
# title: of a large folio that a split leaves behind the end of the file one reference goes, not all
# category: khugepaged
# expect: leak folio_freeze_and_split_unmapped anon
# origin: seed:split-drop-eof-wrong-refs
config pmd_order=3 frames=64 bug=split-drop-eof-wrong-refs
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 madvise 0..8 COLLAPSE
5 T0 ftruncate f0 1
