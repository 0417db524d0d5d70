# mmfarm scenario 1
# title: mappings of different files do not merge
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 memfd f0 8
2 T0 memfd f1 8
3 T0 mmap 0..4 r private f0
4 T0 mmap 4..8 r private f1+4
