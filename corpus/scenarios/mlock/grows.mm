# mmfarm scenario 1
# title: locked memory that grows is prefaulted
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon locked
2 T0 mremap 0..2 to 0..4
3 T0 mincore 0..4
4 T0 mremap 0..4 to 16..22
5 T0 mincore 16..22
