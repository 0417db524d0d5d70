# mmfarm scenario 1
# title: mappings of one file merge when their offsets follow each other
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 memfd f0 8
2 T0 mmap 0..4 rw shared f0
3 T0 mmap 4..8 rw shared f0+4
4 T0 mmap 8..12 rw shared f0
