# mmfarm scenario 1
# title: private file mappings merge by offset although one of them has an anon_vma
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 memfd f0 8
2 T0 mmap 0..4 rw private f0
3 T0 write 1
4 T0 mmap 4..8 rw private f0+4
5 T0 fork T1
6 T1 read 1
