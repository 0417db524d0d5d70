# mmfarm scenario 1
# title: mincore() counts what is mapped, the shared zero page among it
# category: mmap
# expect: clean
# origin: seed:mincore
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 mincore 0..8
3 T0 write 1
4 T0 read 3
5 T0 mincore 0..8
6 T0 madvise 1..2 DONTNEED
7 T0 mincore 0..8
